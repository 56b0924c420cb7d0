"""What is explored: which processes at once, in which warehouse, and what may go wrong."""

from tests.faults.exploration import Scenario
from tests.faults.programs import build, clean_up, expire, tag, warehouse
from tests.release.things import MONDAY, TUESDAY

_ONE = (("run-0001", MONDAY, "a"),)
_TWO = (*_ONE, ("run-0002", MONDAY, "b"))

SMALL = {
    "two runs of one date": Scenario(
        warehouse(*_ONE), [build("run-000a", MONDAY, "b"), build("run-000b", MONDAY, "c")]
    ),
    "two runs of two dates": Scenario(
        warehouse(*_ONE), [build("run-000a", MONDAY, "b"), build("run-000b", TUESDAY, "c")]
    ),
    "a run of equal inputs and another": Scenario(
        warehouse(*_ONE), [build("run-000a", MONDAY, "a"), build("run-000b", MONDAY, "b")]
    ),
    "a run of changed inputs": Scenario(
        warehouse(*_ONE), [build("run-000a", MONDAY, "a2", config="a")], crashes=1
    ),
    "a fault of the storage": Scenario(
        warehouse(*_ONE),
        [build("run-000a", MONDAY, "b") + build("run-000b", MONDAY, "b")],
        crashes=1,
        faults=1,
    ),
    "expire and vacuum": Scenario(
        warehouse(*_TWO), [expire("expire"), clean_up("vacuum")], weeks=1
    ),
    "a tag and expire": Scenario(
        warehouse(*_TWO), [tag("tag", "run-0001"), expire("expire")], crashes=1
    ),
}
"""Explored whole, in seconds."""

LARGE = {
    "a killed run, its next try, and another run": Scenario(
        warehouse(*_ONE),
        [
            build("run-000a", MONDAY, "b") + build("run-000c", MONDAY, "b"),
            build("run-000b", MONDAY, "c"),
        ],
        crashes=1,
    ),
    "two runs and a fault of the storage": Scenario(
        warehouse(*_ONE),
        [build("run-000a", MONDAY, "b"), build("run-000b", MONDAY, "c")],
        crashes=1,
        faults=1,
    ),
    "three runs": Scenario(
        warehouse(*_ONE),
        [
            build("run-000a", MONDAY, "b"),
            build("run-000b", MONDAY, "c"),
            build("run-000c", TUESDAY, "c"),
        ],
    ),
    "a tag, expire and vacuum": Scenario(
        warehouse(*_TWO),
        [tag("tag", "run-0001"), expire("expire"), clean_up("vacuum")],
        crashes=1,
        weeks=1,
    ),
    "two times expire, and a run": Scenario(
        warehouse(*_TWO),
        [expire("expire"), expire("again"), build("run-000a", MONDAY, "c")],
        weeks=1,
    ),
    "a killed run, its next try, and vacuum": Scenario(
        warehouse(*_TWO),
        [build("run-000a", MONDAY, "c") + build("run-000b", MONDAY, "c"), clean_up("vacuum")],
        crashes=1,
        weeks=1,
    ),
    "a run, expire and vacuum": Scenario(
        warehouse(*_TWO),
        [build("run-000a", MONDAY, "c"), expire("expire"), clean_up("vacuum")],
        weeks=1,
    ),
}
"""Those with a vacuum beside a run have more states than are gone through."""

SLOW = "a slow run and vacuum"
SCENARIOS = {
    **SMALL,
    **LARGE,
    SLOW: Scenario(warehouse(), [build("run-000a", MONDAY, "c"), clean_up("vacuum")], weeks=1),
}

"""Every order in which runs, expire and vacuum can go on, with crashes after each step.

The real code is driven against a warehouse in memory (``memory_store``). In each state it must
hold: readers see whole audited releases; what a live release pins is there, and what one that
expired this week pins; a date has one winner since a run began; no process says what is not so.
"""

from collections import Counter
from collections.abc import Callable, Hashable

import pytest

from tests.faults.exploration import Explored, Explorer
from tests.faults.memory_store import in_memory
from tests.faults.memory_world import World
from tests.faults.planted import BUGS, Bug, planted
from tests.faults.promises import broken_promise, wrong_outcome
from tests.faults.scenarios import LARGE, SCENARIOS, SLOW, SMALL

pytestmark = pytest.mark.one_engine
MOST = 60_000
"""States of one scenario."""


def explored(name: str, ends: Counter[tuple[str, str]] | None = None) -> Explored:
    def outcome(world: World, run: str, ended: Hashable) -> str | None:
        if ends is not None:
            ends[run, str(ended[0] if isinstance(ended, tuple) else ended)] += 1
        return wrong_outcome(world, run, ended)

    with in_memory():
        return Explorer(SCENARIOS[name], broken_promise, outcome).explore(MOST)


def unbroken(found: Explored) -> Explored:
    assert found.broken is None, "\n".join((found.broken or "", *found.trace))
    return found


class DescribePublishing:
    @pytest.mark.fault(2, 6, 7, 18, 20)
    @pytest.mark.parametrize("name", [*SMALL, SLOW])
    def it_keeps_every_promise_in_every_order(self, name: str) -> None:
        assert unbroken(explored(name)).whole

    def it_ends_in_each_of_the_ways_that_it_can(self) -> None:
        """Else the promises would be kept for want of anybody who could break them."""
        ends: Counter[tuple[str, str]] = Counter()
        explored("a run of equal inputs and another", ends)
        assert {kind for run, kind in ends if run == "run-000a"} == {
            "already",
            "released",
            "ConflictError",
        }
        ends.clear()
        explored("two runs of two dates", ends)
        assert {kind for _, kind in ends} == {"released"}, "other dates are no conflict"

    @pytest.mark.proof
    def it_keeps_every_promise_in_more_than_a_hundred_thousand_states(
        self, record_property: Callable[[str, object], None]
    ) -> None:
        found = {name: unbroken(explored(name)) for name in LARGE}
        for name, one in found.items():
            record_property(name, f"{one.states} states, {one.steps} steps, whole: {one.whole}")
        assert sum(one.states for one in found.values()) > 100_000


class DescribeTheExploration:
    @pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
    def it_finds_a_planted_bug(self, bug: Bug) -> None:
        with planted(bug):
            found = explored(bug.scenario)
        assert found.broken is not None and bug.found in found.broken

"""The faults that Winnow must survive, and what must come of each; tests are marked by number."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and what must come of it."""

    what: str
    outcome: str


FAULTS = {
    1: Fault(
        "A build is killed while it writes",
        "No release changes; what it staged is told from that of runs at work and can be removed",
    ),
    2: Fault(
        "A run is killed after any step of publishing",
        "The last release is whole; the next run gives the same content",
    ),
    3: Fault("A task fails and is tried again", "No row is lost, none is there twice"),
    4: Fault("An executor is lost", "The same content"),
    5: Fault("Another number of partitions, another order of rows", "The same content"),
    6: Fault("One date is built twice at once", "One run wins, the other ends as a conflict"),
    7: Fault("Different dates are built at once", "Each is released, once, under its own number"),
    8: Fault("A build is run again after it succeeded", "No further release"),
    9: Fault(
        "Rows of a log come late",
        "The dates that read them are named; a new release, and old ones read as before",
    ),
    10: Fault("A log holds rows twice", "One of them counts, always the same; the rest is counted"),
    11: Fault(
        "A column is missing, renamed or of another type", "Refused before rows are read, by name"
    ),
    12: Fault(
        "Ids are missing, times or values out of range",
        "Rejected with the reason; every row that was read is accounted for",
    ),
    13: Fault("Rows lie in a partition without a date", "Passed over, and named"),
    14: Fault(
        "A date of a log is missing or empty",
        "Refused; where that is accepted, the date is released without rows",
    ),
    15: Fault("A file is empty or cut off", "Refused; the file is named"),
    16: Fault("One user or item has a great part of all rows", "The build ends within its memory"),
    17: Fault(
        "The disk is full",
        "One sentence; the last release reads on; what clean frees lets the next run succeed",
    ),
    18: Fault("Vacuum while somebody reads", "What a live release pins is never deleted"),
    19: Fault("A version or its files are gone", "A reader is told so in one sentence"),
    20: Fault("A commit is answered as done and is not there", "Found; the run ends as an error"),
    21: Fault(
        "A key of the config is misspelt, a value of the wrong type",
        "Refused before anything starts, by line, with the nearest key",
    ),
    22: Fault("A date or name holds SQL", "Refused: only plain dates and names get through"),
    23: Fault("A name leads out of the warehouse", "Refused"),
    24: Fault("A machine in another time zone", "The same content"),
    25: Fault(
        "SIGTERM, as a scheduler sends it",
        "Exit code 143, no release; the next run gives the same content",
    ),
    26: Fault("Lines of a log are no JSON or CSV", "Rejected one by one, with their text"),
}

NOT_TESTED: dict[int, str] = {}
"""Faults that no test proves, and why."""


def marked_tests() -> dict[int, list[str]]:
    """Return which tests are marked with each fault, as ``folder/file.py::name``, sorted."""
    found: dict[int, list[str]] = {number: [] for number in FAULTS}
    for path in sorted(TESTS.glob("**/test_*.py")):
        name = path.relative_to(TESTS).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for number in _marks(node):
                    found.setdefault(number, []).append(f"{name}::{node.name}")
    return {number: sorted(tests) for number, tests in found.items()}


def _marks(node: ast.FunctionDef) -> Iterator[int]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
            yield from (ast.literal_eval(one) for one in mark.args)

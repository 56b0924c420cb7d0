"""Each fault has tests that prove its outcome, or stands on a list of those that have none."""

import runpy
from pathlib import Path

from tests.faults.faults import FAULTS, NOT_TESTED, marked_tests

ROOT = Path(__file__).parents[2]


class DescribeEveryFault:
    def it_has_a_test_or_a_reason_why_not(self) -> None:
        tests = marked_tests()
        assert sorted(tests) == list(FAULTS) == list(range(1, 27)), "a mark of no fault"
        assert {number for number, names in tests.items() if not names} == set(NOT_TESTED)
        assert all(len(reason) > 20 for reason in NOT_TESTED.values())

    def it_stands_on_the_page(self) -> None:
        page = runpy.run_path(str(ROOT / "docs" / "make_faults.py"))
        written = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
        assert written == page["render"](), "run python -m docs.make_faults"

"""A plugin of pytest that prints a table of faults: ``-p tests.faults.fault_table``."""

from collections import Counter, defaultdict

import pytest

from tests.faults.faults import FAULTS, NOT_TESTED

_COUNTS: dict[int, Counter[str]] = defaultdict(Counter)
_SECONDS: dict[int, float] = defaultdict(float)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the reports of tests carry their faults, also those of other processes."""
    for item in items:
        for mark in item.iter_markers("fault"):
            item.user_properties += [("fault", number) for number in mark.args]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count how the tests of each fault end."""
    for name, number in report.user_properties:
        if name == "fault" and isinstance(number, int):
            _SECONDS[number] += report.duration
            if report.when == "call" or report.outcome != "passed":
                _COUNTS[number][report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table; a fault that no test has met in this run is listed as such."""
    terminalreporter.section("faults")
    for number, fault in FAULTS.items():
        counts = _COUNTS[number]
        ended = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
        state = ended or ("no test" if number in NOT_TESTED else "not in this run")
        terminalreporter.write_line(
            f"{number:2}  {fault.what:66.66}  {state:24}  {_SECONDS[number]:6.1f} s",
            red="failed" in counts,
            yellow=not counts.get("passed"),
        )
        terminalreporter.write_line(f"    {fault.outcome}")

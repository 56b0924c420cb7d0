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
    terminalreporter.write_line(_line("", "fault, and what must come of it", "tests", "seconds"))
    for number, fault in FAULTS.items():
        counts = _COUNTS[number]
        ended = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
        state = ended or ("no test" if number in NOT_TESTED else "not in this run")
        terminalreporter.write_line(
            _line(str(number), fault.what, state, f"{_SECONDS[number]:.1f}"),
            red="failed" in counts,
            yellow=not counts.get("passed"),
        )
        terminalreporter.write_line(_line("", fault.outcome))
    broken = [str(number) for number in FAULTS if "failed" in _COUNTS[number]]
    met = [number for number in FAULTS if _COUNTS[number].get("passed")]
    said = f", not as they must be: {', '.join(broken)}" if broken else ""
    terminalreporter.write_line(f"{len(met)} of {len(FAULTS)} faults met{said}")


def _line(number: str, what: str, tests: str = "", seconds: str = "") -> str:
    return f"{number:>2}  {what:70}  {tests:20}  {seconds:>8}".rstrip()

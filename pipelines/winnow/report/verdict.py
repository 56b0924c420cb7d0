"""What the audit says in one look: the verdict, why, and its gates by what they judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from winnow.audit.record import AuditRecord, GateResult, Status
from winnow.report.numbers import allowed, plain, with_unit
from winnow.report.parts import sentence

_RANK: dict[Status, int] = {"fail": 0, "error": 1, "warn": 2, "pass": 3}
_WORDS: dict[Status, str] = {
    "fail": "failed",
    "error": "could not be checked",
    "warn": "warning",
    "pass": "passed",
}


@dataclass(frozen=True)
class GateRow:
    """A gate, as text.

    Attributes:
        key: Its id in the page. name: Its own name, in words.
        status: Its status; ``status_text`` says it in words.
        figure: What was measured, with its unit. allowed: What may be, both ends included.
        meaning: What the figure says. detail: What was found beyond it.
    """

    key: str
    name: str
    status: Status
    status_text: str
    figure: str
    allowed: str
    meaning: str
    detail: str


@dataclass(frozen=True)
class GateGroup:
    """The gates of one part of the release: those to look at, worst first, and the others."""

    name: str
    open: tuple[GateRow, ...]
    passed: tuple[GateRow, ...]
    status: Status


@dataclass(frozen=True)
class Verdict:
    """The first thing to read.

    Attributes:
        status: pass, warn or fail. headline, explanation: What it means, in words.
        reasons: The gates that made it what it is, worst first.
    """

    status: Literal["pass", "warn", "fail"]
    headline: str
    explanation: str
    reasons: tuple[GateRow, ...]


def verdict_of(record: AuditRecord, *, released: bool) -> Verdict:
    """Return the verdict in words, with the gates that gave it."""
    rows = [row for group in groups_of(record.gates) for row in group.open]
    worst = sorted(rows, key=lambda row: _RANK[row.status])
    total = len(record.gates)
    counts = _counts(record.gates)
    if record.verdict == "fail":
        end = "Nothing was published" if not released else "It is released all the same"
        return Verdict("fail", f"Failed: {end[0].lower()}{end[1:]}", counts, tuple(worst))
    if record.verdict == "warn":
        name = "Released with warnings" if released else "Passed with warnings, not released"
        return Verdict("warn", name, counts, tuple(worst))
    name = "Passed and released" if released else "Passed, not released"
    text = f"All {plain(total)} gates passed." if total else "There were no gates to pass."
    return Verdict("pass", name, text if not worst else counts, tuple(worst))


def groups_of(gates: Sequence[GateResult]) -> list[GateGroup]:
    """Return the gates by group, the groups with the worst gates first, else as in the suite."""
    rows: dict[str, list[GateRow]] = {}
    for number, gate in enumerate(gates):
        rows.setdefault(gate.group, []).append(_row(f"gate-{number}", gate))
    groups = []
    for name, own in rows.items():
        own = sorted(own, key=lambda row: _RANK[row.status])
        passed = tuple(row for row in own if row.status == "pass")
        looked_at = tuple(row for row in own if row.status != "pass")
        groups.append(GateGroup(name, looked_at, passed, own[0].status))
    return sorted(groups, key=lambda group: _RANK[group.status])


def _row(key: str, gate: GateResult) -> GateRow:
    limits = []
    if gate.fail is not None:
        limits.append(allowed(gate.fail, gate.unit))
    if gate.warn is not None:
        text = allowed(gate.warn, gate.unit)
        limits.append(f"{text} without a warning" if gate.fail is not None else text)
    return GateRow(
        key,
        _in_words(gate.name),
        gate.status,
        _WORDS[gate.status],
        with_unit(gate.figure, gate.unit),
        gate.wanted or "; ".join(limits) or "any figure",
        sentence(gate.meaning),
        sentence(gate.detail),
    )


def _in_words(name: str) -> str:
    """Return a gate's name as words; what it is about, after the dot, stays as it is written."""
    check, dot, about = name.partition(".")
    return check.replace("_", " ") + (f": {about}" if dot else "")


def _counts(gates: Sequence[GateResult]) -> str:
    parts = []
    for status, word in _WORDS.items():
        found = sum(1 for gate in gates if gate.status == status)
        if found:
            plural = "warnings" if status == "warn" and found > 1 else word
            parts.append(f"{plain(found)} {plural}")
    return f"Of {plain(len(gates))} gates: {', '.join(parts)}." if gates else "No gate was run."

"""A gate, the figures that it judges, and the measurements that give them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from winnow.config.gates import Bounds, GateBounds

INPUTS, TABLES, POSITIVES, POPULARITY = "inputs", "tables", "positives", "popularity"
EASY, HARD, MIX, HISTORY = "easy negatives", "hard negatives", "mix", "history"
IN_BATCH, REQUESTS, EVALUATION = "in-batch negatives", "requests", "evaluation"
GROUPS = (
    INPUTS,
    TABLES,
    POSITIVES,
    POPULARITY,
    EASY,
    HARD,
    MIX,
    IN_BATCH,
    REQUESTS,
    EVALUATION,
    HISTORY,
)
"""The parts of a release that gates judge, in the order of the report."""


@dataclass(frozen=True)
class Gate:
    """One kind of gate.

    A gate on one of the six truths is *absolute*: its bounds are no setting. Those of the others
    ``gates:`` in the config changes, for a gate or for one of its subjects
    (``rejected_reason_share.clicks.orphan``).

    Attributes:
        name: Snake case. A gate that is judged for several logs, tables or reasons adds its
            subject: ``rejected_share.clicks``.
        group: The part of a release that it judges, one of ``GROUPS``.
        unit: What the figure counts.
        meaning: What the figure says, as a sentence without its end.
        bounds: The figures that it allows, unless the config says so.
        absolute: Whether no setting may change the bounds.
    """

    name: str
    group: str
    unit: str
    meaning: str
    bounds: GateBounds
    absolute: bool = False

    def figure(self, value: float | int | None, subject: str = "", detail: str = "") -> "Figure":
        """Return what was measured: counts as they are, other figures to nine digits."""
        return Figure(self, _to_nine_digits(value), subject, detail)

    def promised(self, subject: str = "") -> "Figure":
        """Return the figure that must come of a measurement, as long as it has not come."""
        return Figure(self, None, subject, "this figure was not measured")


@dataclass(frozen=True)
class Figure:
    """One measured figure, before it is judged.

    Attributes:
        gate: What judges it.
        value: What was measured; None where it could not be, which fails the gate.
        subject: The log, table or reason, where the gate is judged for several.
        detail: What a person should know beyond the figure, or why there is none.
    """

    gate: Gate
    value: float | int | None
    subject: str = ""
    detail: str = ""

    @property
    def name(self) -> str:
        """The gate's name, with its subject where it has one."""
        return f"{self.gate.name}.{self.subject}" if self.subject else self.gate.name


@dataclass(frozen=True)
class Measurement:
    """Something that is measured in one go: where it breaks, its own gates fail and no others.

    Attributes:
        promised: The figures that must come of it (``Gate.promised``), one at least: what promises
            nothing could break unnoticed.
        measure: Gives them, and others that are not always there: one figure or several.
    """

    promised: Sequence[Figure]
    measure: Callable[[], Figure | Sequence[Figure]]

    def __post_init__(self) -> None:
        """Refuse a measurement that could break unnoticed."""
        if not self.promised:
            raise ValueError("a measurement must promise figures that come of it")

    def figures(self) -> list[Figure]:
        """Measure; a promised figure that does not come has no value, so its gate cannot pass."""
        missing = list(self.promised)
        found: list[Figure] = []
        try:
            given = self.measure()
            found = [given] if isinstance(given, Figure) else list(given)
        except Exception as error:
            # Whatever broke, the other gates are still worth knowing.
            lines = str(error).strip().splitlines() or ["no message"]
            why = f"{type(error).__name__}: {lines[0]}"[:300]
            missing = [replace(figure, detail=why) for figure in missing]
        known = {figure.name for figure in found}
        return [*found, *(figure for figure in missing if figure.name not in known)]


def _to_nine_digits(value: float | int | None) -> float | int | None:
    """Return a figure that two audits of the same rows agree on.

    An engine adds floats in the order in which its tasks end, so their last bits are chance.
    """
    if value is None or float(value).is_integer():
        return value
    return float(f"{value:.9g}")


def none_of(name: str, group: str, meaning: str, unit: str = "rows") -> Gate:
    """Return an absolute gate that allows none of what it counts."""
    return Gate(name, group, unit, meaning, GateBounds(fail=Bounds(least=0, most=0)), absolute=True)


def at_most(
    name: str, group: str, unit: str, meaning: str, *, warn: float | None, fail: float | None = None
) -> Gate:
    """Return a gate that warns, and maybe fails, above a figure."""
    levels = {
        level: None if most is None else Bounds(most=most)
        for level, most in (("warn", warn), ("fail", fail))
    }
    return Gate(name, group, unit, meaning, GateBounds(**levels))


def at_least(name: str, group: str, unit: str, meaning: str, *, warn: float) -> Gate:
    """Return a gate that warns below a figure."""
    return Gate(name, group, unit, meaning, GateBounds(warn=Bounds(least=warn)))

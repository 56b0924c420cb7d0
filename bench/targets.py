"""The targets, and how far each is from what was measured; all but memory are ratios."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.comparing import Case


@dataclass(frozen=True)
class Target:
    """One target: what was measured, at most how much it may be; None where it was not run."""

    what: str
    found: float | None
    bound: float

    @property
    def met(self) -> bool | None:
        """Whether it is met; None if it was not measured."""
        return None if self.found is None else self.found <= self.bound


def targets(cases: Sequence[Case]) -> list[Target]:
    """Return every target with what the cases say of it."""
    plain = _case(cases, size=1)
    large, skewed = _case(cases, size=10), _case(cases, size=1, skew=True)
    sail = "winnow-sail"
    return [
        Target("sail, build only / duckdb", _ratio(plain, sail, "duckdb"), 0.6),
        Target("spark, build only / spark-sql", _ratio(plain, "winnow-spark", "spark-sql"), 0.33),
        Target(
            "sail, whole / duckdb-whole", _ratio(plain, "winnow-sail-whole", "duckdb-whole"), 0.8
        ),
        Target("sail, size 10 / size 1", _growth(large, plain, sail), 11.0),
        Target("spark, size 10 / size 1", _growth(large, plain, "winnow-spark"), 11.0),
        Target("sail, GiB at size 10", _figure(large, "peak_gib"), 10.0),
        Target("sail, skewed / plain", _growth(skewed, plain, sail), 1.5),
        Target("sail, seconds to first stage", _figure(plain, "started"), 3.0),
    ]


def _case(cases: Sequence[Case], *, size: float, skew: bool = False) -> Case | None:
    for case in cases:
        shape = case.shape
        if shape.size == size and shape.skew == skew and shape.lookback == 0:
            return case
    return None


def _ratio(case: Case | None, peer: str, to: str) -> float | None:
    return case.ratio(peer, to, "work") if case else None


def _figure(case: Case | None, name: str) -> float | None:
    return case.figure("winnow-sail", name) if case else None


def _growth(large: Case | None, small: Case | None, peer: str) -> float | None:
    if large is None or small is None:
        return None
    after, before = large.figure(peer, "work"), small.figure(peer, "work")
    return after / before if after is not None and before else None

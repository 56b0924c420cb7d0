"""Measurements one after the other: one that breaks fails its own gates and no others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from winnow.audit.figure import Figure

T = TypeVar("T")


class Measurements:
    """The figures of an audit while they are taken.

    Attributes:
        figures: All figures so far.
    """

    def __init__(self) -> None:
        """Begin without figures."""
        self.figures: list[Figure] = []

    def take(
        self, promised: Sequence[str], measure: Callable[[], tuple[T, list[Figure]]]
    ) -> T | None:
        """Run one measurement and keep its figures.

        Args:
            promised: Names of figures, with their subjects, that must come of it. One that does
                not is kept without a value, so that its gate cannot pass.
            measure: Gives what later measurements need, and figures.

        Returns:
            What later measurements need; None where the measurement broke.

        Raises:
            ValueError: No figure is promised: the measurement could break unnoticed.
        """
        if not promised:
            raise ValueError("a measurement must promise figures that come of it")
        why = "this figure was not measured"
        result: T | None = None
        figures: list[Figure] = []
        try:
            result, figures = measure()
        except Exception as error:
            # Whatever broke, the other gates are still worth knowing.
            lines = str(error).strip().splitlines() or ["no message"]
            why = f"{type(error).__name__}: {lines[0]}"[:300]
        self.figures += figures
        known = {figure.name for figure in figures}
        for name in promised:
            if name not in known:
                rule, _, subject = name.partition(".")
                self.figures.append(Figure(rule, None, subject, detail=why))
        return result

    def without(self, promised: Sequence[str], why: str) -> None:
        """Keep figures that could not be measured, with the reason."""
        for name in promised:
            rule, _, subject = name.partition(".")
            self.figures.append(Figure(rule, None, subject, detail=why))

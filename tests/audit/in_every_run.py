"""Which of many mistakes are made in every run: of each list, and of each gate, the first one."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

FORBIDDING = frozenset({"shown_negatives", "clicked_negatives"})
"""The gates on what must never be a negative: every way to break that is tried in every run."""


class Mistakes:
    """Marks as proofs the mistakes of which other ones prove the same: that their gates catch."""

    def __init__(self) -> None:
        self._caught: set[str] = set()

    def of(self, mistakes: Iterable[tuple[Any, Collection[str]]]) -> list[Any]:
        """Return mistakes as parameters of a test, each given with the gates that catch it."""
        given: list[Any] = []
        for one, gates in mistakes:
            names = {name.partition(".")[0] for name in gates}
            always = not given or names - self._caught or names & FORBIDDING
            self._caught |= names
            given.append(pytest.param(one, marks=[] if always else [pytest.mark.proof]))
        return given

"""One thing that ``winnow doctor`` looked at: how it is, and what to do next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from winnow.errors import Problem
from winnow.shown_text import shown

CheckState = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What, in a word or two.
        state: ``ok``; ``warning`` for what works and may be better, or is needed by some only;
            ``failed`` for what keeps builds or readers from working.
        text: What was found.
        next_step: What to do about it, as a sentence; None where there is nothing to do.
    """

    name: str
    state: CheckState
    text: str
    next_step: str | None = None

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "name": self.name,
            "state": self.state,
            "text": self.text,
            "next_step": self.next_step,
        }


def of_problems(
    name: str, problems: Iterable[Problem], fine: str, state: CheckState = "failed"
) -> list[Check]:
    """Return a check for each problem, or one that says that all is fine."""
    return [
        Check(name, state, shown(f"{p.where}: {p.what}{_found(p.found)}"), p.next_step)
        for p in problems
    ] or [Check(name, "ok", fine)]


def _found(found: str | None) -> str:
    return "" if found is None else f", found {found}"

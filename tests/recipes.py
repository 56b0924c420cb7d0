"""Recipes of negatives as tests write them: a funnel, what is taken from it, and how many."""

from collections.abc import Sequence
from typing import Any

Taken = tuple[str, str]


def negatives(
    per_positive: int = 20,
    *,
    hard: float = 0.5,
    stages: Sequence[dict[str, Any]] = ({"name": "coarse"}, {"name": "fine"}),
    **rest: Any,
) -> dict[str, Any]:
    """The part ``negatives`` of a config: a share of hard ones from stages, the rest popular ones.

    Args:
        per_positive: Negatives of a positive.
        hard: The share of hard ones.
        stages: The ladder; ``take`` is cut or low, none where it is not said; a ``band`` of low.
        rest: Further keys.
    """
    easy = [{"source": "popularity", "share": 1.0 - hard}] if 0.0 < hard < 1.0 else []
    if hard == 0.0:
        easy = [{"source": "popularity"}]
    return {
        "per_positive": per_positive,
        "easy": easy,
        "hard": taken(stages) if hard > 0.0 else [],
        **rest,
    }


def taken(stages: Sequence[dict[str, Any]], **rest: Any) -> list[dict[str, Any]]:
    """The list ``negatives.hard`` of a ladder."""
    return [
        {
            "source": stage["take"],
            "stage": stage["name"],
            **({"band": stage["band"]} if stage["take"] == "low" and "band" in stage else {}),
            **rest,
        }
        for stage in stages
        if stage.get("take", "none") != "none"
    ]


def funnel(stages: Sequence[dict[str, Any]], **rest: Any) -> dict[str, Any]:
    """The part ``funnel`` of a config."""
    named = [{k: v for k, v in s.items() if k in ("name", "order_by")} for s in stages]
    return {"stages": named, **rest}

"""Configs that were written before ``negatives`` and ``funnel``, told in these keys."""

import warnings
from typing import Any

_FORMER = ("easy", "hard", "mix")
_TOLD = (
    "{keys}: these keys are negatives and funnel now (docs/strategies.md). They are still read, "
    "but write: {now}"
)


def in_new_keys(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a config's tree with ``easy``, ``hard`` and ``mix`` as ``negatives`` and ``funnel``.

    A tree that has one of the new keys, or a part that is no map, is given back as it is.
    """
    found = [key for key in _FORMER if key in tree]
    if not found or {"negatives", "funnel"} & set(tree):
        return tree
    parts = [tree.get(key, {}) for key in _FORMER]
    if not all(isinstance(part, dict) for part in parts):
        return tree
    easy, hard, mix = (dict(part) for part in parts)
    stages = hard.pop("stages", None)
    ratio, selection = mix.pop("hard_ratio", 0.5), hard.pop("selection", None)
    if not isinstance(ratio, int | float) or not 0 <= ratio <= 1:
        return tree
    if ratio == 1 and "alpha" in easy:
        return tree  # fills by another alpha than the usual one: there is no such key any more
    drawn = {"source": "popularity", **({"alpha": easy.pop("alpha")} if "alpha" in easy else {})}
    if 0 < ratio < 1:
        drawn["share"] = round(1.0 - ratio, 12)
    negatives: dict[str, Any] = {"easy": [drawn] if ratio < 1 else [], **easy}
    if "negatives_per_positive" in mix:
        negatives["per_positive"] = mix.pop("negatives_per_positive")
    if (shortfall := mix.pop("on_hard_shortfall", "fill")) != "fill":
        negatives["on_shortfall"] = shortfall
    listed = stages if isinstance(stages, list) else _DEFAULT
    known = [stage for stage in listed if isinstance(stage, dict)]
    negatives["hard"] = [_entry(s, selection) for s in known if s.get("take", "none") != "none"]
    if ratio == 0:
        negatives["hard"] = []
    funnel = {**hard}
    if stages is not None:
        funnel["stages"] = [
            {k: v for k, v in s.items() if k not in ("take", "band")} for s in known
        ]
    now = {"negatives": negatives | mix, **({"funnel": funnel} if funnel else {})}
    told = _TOLD.format(keys=", ".join(found), now=now)
    warnings.warn(told, FutureWarning, stacklevel=2)
    return {key: part for key, part in tree.items() if key not in _FORMER} | now


_DEFAULT = ({"name": "coarse", "take": "cut"}, {"name": "fine", "take": "low"})


def _entry(stage: dict[str, Any], selection: Any) -> dict[str, Any]:
    entry = {"source": stage["take"], "stage": stage.get("name")}
    if stage["take"] == "low" and "band" in stage:
        entry["band"] = stage["band"]
    return entry | ({"selection": selection} if selection is not None else {})

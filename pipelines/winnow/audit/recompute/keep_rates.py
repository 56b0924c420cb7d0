"""What down-sampling kept of the positives, beside what it said it would keep."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow.audit.figure import Figure
from winnow.audit.recompute.items import Items
from winnow.audit.statistics import Surprise, kept_of

_HOTTEST = 100


@dataclass(frozen=True)
class Kept:
    """Positives per item of ``Items``: before and after down-sampling, shapes (n,).

    ``all_candidates`` counts those before down-sampling, also of items that nothing else knows.
    """

    candidates: NDArray[np.int64]
    kept: NDArray[np.int64]
    all_candidates: int


def keep_rates(counts: Kept, items: Items) -> list[Figure]:
    """Compare how many positives were kept with what keep_prob lets expect.

    All items together, and the most surprising of the hottest: what goes wrong for a few may
    vanish in the sum.
    """
    thinned = (items.keep < 1.0) & (counts.candidates > 0)
    if not thinned.any():
        return []
    number = counts.candidates[thinned].astype(np.float64)
    kept, keep = counts.kept[thinned].astype(np.float64), items.keep[thinned]
    pooled = kept_of(float(kept.sum()), number, keep)
    expected = float((number * keep).sum())
    figures = [
        Figure("keep_rate_p", pooled.p, detail=f"{kept.sum():,.0f} kept, {expected:,.1f} expected"),
        Figure("keep_rate_bias", pooled.bias),
    ]
    hottest = np.argsort(-items.clicks[thinned], kind="stable")[:_HOTTEST]
    each = [kept_of(kept[i], number[i : i + 1], keep[i : i + 1]) for i in hottest]
    worst = max(range(len(each)), key=lambda place: each[place].p)
    corrected = max(0.0, each[worst].p - float(np.log10(len(each))))
    surprise = Surprise(corrected, each[worst].size, 1)
    i = hottest[worst]
    name = items.name[int(np.flatnonzero(thinned)[i])].as_py()
    detail = f"item {name}: {kept[i]:,.0f} kept, {number[i] * keep[i]:,.1f} expected"
    return [
        *figures,
        Figure("keep_rate_hottest_p", surprise.p, detail=detail),
        Figure("keep_rate_hottest_bias", surprise.bias, detail=detail),
    ]


def top_share(counts: Kept, items: Items) -> list[Figure]:
    """Compare what the most clicked 1 % of items hold of the positives, before and after.

    They are thinned most, so their share cannot grow but by chance: four standard deviations of
    the share are allowed to it.
    """
    if counts.kept.sum() == 0:
        return []
    top = np.argsort(-items.clicks, kind="stable")[: max(1, len(items.clicks) // 100)]
    before = float(counts.candidates[top].sum()) / max(float(counts.candidates.sum()), 1.0)
    after = float(counts.kept[top].sum()) / float(counts.kept.sum())
    variance = float((counts.candidates * items.keep * (1.0 - items.keep)).sum())
    by_chance = 4.0 * math.sqrt(variance) / float(counts.kept.sum())
    detail = f"{before:.4f} before, {after:.4f} after"
    return [Figure("top_item_share_gain", max(0.0, after - before - by_chance), detail=detail)]

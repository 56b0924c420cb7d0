"""What down-sampling kept of the positives, beside what it said it would keep."""

import math

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.distinct import most_first
from winnow.audit.gate import POSITIVES, Figure, at_most
from winnow.audit.recompute.compared_positives import ComparedPositives, Kept
from winnow.audit.recompute.items import Items
from winnow.audit.statistics import Surprise, kept_of

KEEP_RATE_P = at_most(
    "keep_rate_p",
    POSITIVES,
    "-log10 p",
    "how unlikely the kept number of thinned positives is under keep_prob, all together",
    warn=4.0,
)
KEEP_RATE_BIAS = at_most(
    "keep_rate_bias",
    POSITIVES,
    "share",
    "kept positives off their expected number, where p is below 1e-9",
    warn=None,
    fail=0.02,
)
KEEP_RATE_HOTTEST_P = at_most(
    "keep_rate_hottest_p",
    POSITIVES,
    "-log10 p",
    "how unlikely the kept number is for the most surprising of the 100 hottest items, "
    "corrected for their number",
    warn=4.0,
)
KEEP_RATE_HOTTEST_BIAS = at_most(
    "keep_rate_hottest_bias",
    POSITIVES,
    "share",
    "the same item's kept positives off their expected number, where p is below 1e-9",
    warn=None,
    fail=0.05,
)
TOP_ITEM_SHARE_GAIN = at_most(
    "top_item_share_gain",
    POSITIVES,
    "share",
    "what the most clicked 1 % of items hold of the positives, after less before down-sampling",
    warn=0.001,
)

_HOTTEST = 100


def keep_rates(compared: ComparedPositives, items: Items) -> list[Figure]:
    """Compare how many positives were kept with what keep_prob lets expect.

    All items together, and the most surprising of the hottest: what goes wrong for a few may
    vanish in the sum. Where users have a cap, what thinning left of all is known by their
    cap_prob; item by item it is known of those only whom the cap cannot touch.
    """
    counts = compared.uncapped
    thinned = (items.keep < 1.0) & (counts.candidates > 0)
    if not thinned.any():
        return []
    number = counts.candidates[thinned].astype(np.float64)
    kept, keep = counts.kept[thinned].astype(np.float64), items.keep[thinned]
    figures = _of_all(float(kept.sum()), number, keep)
    if compared.thinned is not None:
        every = compared.counts.candidates.astype(np.float64)
        figures = _of_all(compared.thinned, every, items.keep)
    hottest = np.argsort(-items.clicks[thinned], kind="stable")[:_HOTTEST]
    each = [kept_of(kept[i], number[i : i + 1], keep[i : i + 1]) for i in hottest]
    worst = max(range(len(each)), key=lambda place: each[place].p)
    corrected = max(0.0, each[worst].p - float(np.log10(len(each))))
    surprise = Surprise(corrected, each[worst].size, 1)
    i = hottest[worst]
    name = items.ids[int(np.flatnonzero(thinned)[i])].as_py()
    detail = f"item {name}: {kept[i]:,.0f} kept, {number[i] * keep[i]:,.1f} expected"
    return [
        *figures,
        KEEP_RATE_HOTTEST_P.figure(surprise.p, detail=detail),
        KEEP_RATE_HOTTEST_BIAS.figure(surprise.bias, detail=detail),
    ]


def _of_all(kept: float, number: NDArray[np.float64], keep: NDArray[np.float64]) -> list[Figure]:
    pooled, expected = kept_of(kept, number, keep), float((number * keep).sum())
    return [
        KEEP_RATE_P.figure(pooled.p, detail=f"{kept:,.0f} kept, {expected:,.1f} expected"),
        KEEP_RATE_BIAS.figure(pooled.bias),
    ]


def top_share(counts: Kept, items: Items) -> list[Figure]:
    """Compare what the most clicked 1 % of items hold of the positives, before and after.

    Items that nobody clicked are none of these, however few others there are. The most clicked are
    thinned most, so their share cannot grow but by chance: four standard deviations of
    the share are allowed to it.
    """
    if counts.kept.sum() == 0:
        return []
    n_items = len(items.clicks) + items.untouched.items
    top = most_first(items.clicks)[: max(1, n_items // 100)]
    top = top[items.clicks[top] > 0]
    before = float(counts.candidates[top].sum()) / max(float(counts.candidates.sum()), 1.0)
    after = float(counts.kept[top].sum()) / float(counts.kept.sum())
    variance = float((counts.candidates * items.keep * (1.0 - items.keep)).sum())
    by_chance = 4.0 * math.sqrt(variance) / float(counts.kept.sum())
    detail = f"{before:.4f} before, {after:.4f} after"
    return [TOP_ITEM_SHARE_GAIN.figure(max(0.0, after - before - by_chance), detail=detail)]

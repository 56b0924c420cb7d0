"""The figures behind the pictures of the report: by popularity, by stage and band, by log_q."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.arrays.distinct import most_first
from winnow.audit.recompute.compared_positives import Kept
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import (
    DrawFigures,
    log_q_edges,
)
from winnow.audit.recompute.expected_draws import expected_draws, expected_of_untouched
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.untouched import Untouched, tenths_of
from winnow.audit.record import HardOrigin, Histogram, PopularityBand, TopItem
from winnow.shown_text import shown

_BANDS = 10
_TOP = 100


def popularity_series(
    items: Items, kept: Kept, draws: DrawFigures, drawable: Drawable
) -> tuple[tuple[PopularityBand, ...], tuple[TopItem, ...]]:
    """Return ten bands of the catalogue, the most clicked first, and its 100 most clicked items."""
    inside = np.flatnonzero(items.eligible & items.listed)
    if len(inside) == 0:
        return (), ()
    weighed, total = items.weighed(), max(items.total_weight, 1.0)
    columns: dict[str, NDArray[Any]] = {
        "clicks": items.clicks[inside],
        "candidates": kept.candidates[inside],
        "kept": kept.kept[inside],
        "q": weighed.weights / total,
        "expected": drawable.by_item(
            expected_draws(drawable, draws.total, draws.blocked + draws.spent)
        ),
        "drawn": drawable.by_item(draws.drawn),
    }
    order, others = most_first(columns["clicks"]), items.untouched
    parts = np.array_split(order, min(_BANDS, len(order)))
    if others.items:
        place = items.place[inside]
        tenth = tenths_of(place, len(inside) + others.items)
        parts = [np.flatnonzero(tenth == number) for number in range(_BANDS)]
        order = np.argsort(place)
        # One in between that is untouched is not among them.
        order = order[place[order] == np.arange(len(order))]
    of_others = np.zeros(len(others.n))
    for of_source in expected_of_untouched(drawable, draws.total, others.weight):
        of_others = of_others + of_source
    bands = [
        PopularityBand(**_band(columns, part, others, number, of_others, total))
        for number, part in enumerate(parts)
    ]
    top = [
        TopItem(
            rank=rank,
            item_id=shown(str(items.ids[int(inside[i])]), 200),
            **_summed(columns, [i]),
        )
        for rank, i in enumerate(order[:_TOP], start=1)
    ]
    return tuple(bands), tuple(top)


def _band(
    columns: dict[str, NDArray[Any]],
    part: NDArray[np.int64],
    others: Untouched,
    number: int,
    expected: NDArray[np.float64],
    total: float,
) -> dict[str, Any]:
    """Return the sums of a tenth, with those of the untouched items in it."""
    found, own = _summed(columns, part), others.tenth == number
    n = others.n[own]
    found["q"] = round(found["q"] + float((others.weight[own] * n).sum()) / total, 12)
    found["expected"] = round(found["expected"] + float((expected[own] * n).sum()), 6)
    return {"band": number + 1, "items": len(part) + int(n.sum()), **found}


def _summed(
    columns: dict[str, NDArray[Any]], part: NDArray[np.int64] | list[int]
) -> dict[str, Any]:
    sums = {name: float(values[part].sum()) for name, values in columns.items()}
    shares = {"q": round(sums["q"], 12), "expected": round(sums["expected"], 6)}
    return {**{name: round(total) for name, total in sums.items()}, **shares}


def hard_origins(hard: DataFrame) -> tuple[HardOrigin, ...]:
    """Count hard negatives by stage and by tenth of their rank percentile.

    Those that no stage gave have the name of their source in place of one.
    """
    band = F.least(F.floor(F.col("rank_pct") * 10), F.lit(9)).cast("int")
    rows = (
        hard.groupBy(
            F.coalesce("stage", "source").alias("stage"), "source", "hardness", band.alias("band")
        )
        .agg(F.count(F.lit(1)).alias("rows"))
        .orderBy("hardness", "source", "band")
        .collect()
    )
    return tuple(HardOrigin(**row.asDict()) for row in rows)


def log_q_histogram(drawable: Drawable, draws: DrawFigures) -> Histogram | None:
    """Return the easy draws by log_q; None where there are none."""
    if draws.log_q.sum() == 0:
        return None
    edges = tuple(round(float(edge), 6) for edge in log_q_edges(drawable))
    return Histogram(edges=edges, counts=tuple(round(float(n)) for n in draws.log_q))

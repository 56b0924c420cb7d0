"""The figures behind the pictures of the report: by popularity, by stage and band, by log_q."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.arrays.distinct import most_first
from winnow.audit.recompute.compared_positives import Kept
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import DrawFigures, expected_draws, log_q_edges
from winnow.audit.recompute.items import Items
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
    weighed = items.weighed()
    columns: dict[str, NDArray[Any]] = {
        "clicks": items.clicks[inside],
        "candidates": kept.candidates[inside],
        "kept": kept.kept[inside],
        "q": weighed.weights / float(weighed.weights.sum()),
        "expected": drawable.by_item(
            expected_draws(drawable, draws.total, draws.blocked + draws.spent)
        ),
        "drawn": drawable.by_item(draws.drawn),
    }
    order = most_first(columns["clicks"])
    bands = [
        PopularityBand(band=number, items=len(part), **_summed(columns, part))
        for number, part in enumerate(np.array_split(order, min(_BANDS, len(order))), start=1)
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

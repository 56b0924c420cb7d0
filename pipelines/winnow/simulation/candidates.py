"""One wide row per candidate of a request, as logs of long ladders have it: flags and ranks."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.simulation.funnel import Funnel, Ranking
from winnow.simulation.requests import Requests
from winnow.simulation.schemas import LADDER, TIME, candidates_schema


def candidates_table(requests: Requests, funnel: Funnel) -> pa.Table:
    """Return one row per (request, recalled item): which of six stages had it, at which rank.

    retrieval is recall's list, prerank all that coarse ranking scored, coarse the better half of
    what it cut and all that passed; rank is fine ranking's list, rerank the better half of what it
    cut and all that was shown, edge what was shown. Ranks count from 1.
    """
    rows, columns = np.nonzero(funnel.recalled.present)
    items = funnel.recalled.items[rows, columns]
    ranks = {"retrieval": columns + 1}
    of_coarse = _rank_of(funnel.coarse, rows, items)
    of_fine = _rank_of(funnel.fine, rows, items)
    in_fine = funnel.fine.present.sum(axis=1)[rows]
    shown = funnel.exposed.sum(axis=1)[rows]
    ranks["prerank"] = of_coarse
    ranks["coarse"] = _best(of_coarse, (funnel.coarse.present.sum(axis=1)[rows] + in_fine) // 2)
    ranks["rank"] = of_fine
    ranks["rerank"] = _best(of_fine, (in_fine + shown) // 2)
    ranks["edge"] = _best(of_fine, shown)
    columns_of = {
        "request_id": requests.ids[rows],
        "user_id": requests.users[rows] + 1,
        "item_id": items + 1,
        "request_ts": pa.array(requests.times_us[rows], TIME),
    }
    for stage in LADDER:
        there = ranks[stage] > 0
        columns_of[f"in_{stage}"] = pa.array(there)
        columns_of[f"{stage}_rank"] = pa.array(ranks[stage].astype(np.int32), mask=~there)
    return pa.table(columns_of, schema=candidates_schema())


def _rank_of(
    ranking: Ranking, rows: NDArray[np.int64], items: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return each item's rank in the stage's list of its request, 0 where it is not in it."""
    in_list, places = np.nonzero(ranking.present)
    width = int(max(items.max(initial=0), ranking.items.max(initial=0))) + 1
    keys = in_list * width + ranking.items[in_list, places]
    order = np.argsort(keys)
    found = np.searchsorted(keys, rows * width + items, sorter=order)
    at = order[np.minimum(found, len(keys) - 1)]
    return np.where(keys[at] == rows * width + items, places[at] + 1, 0)


def _best(ranks: NDArray[np.int64], most: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ranks up to each row's number, 0 in the place of others."""
    return np.where(ranks <= most, ranks, 0)

"""Arrow tables, all with integer ids, from what the funnel and the users did."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.simulation.clicks import ACTIONS, Clicks
from winnow.simulation.funnel import Funnel, Ranking
from winnow.simulation.requests import SCENES, Requests
from winnow.simulation.schemas import CLICKS, IMPRESSIONS, RANKING_LOG, TIME, labels
from winnow.simulation.world import ARMS, NEVER_US, SEGMENTS, Items, Users, World

IMPRESSION_IDS_PER_REQUEST = 1_000
CITIES = 12
_STAGE_DELAYS_US = {"recall": 8_000, "coarse": 20_000, "fine": 55_000}


def impressions_table(
    requests: Requests, funnel: Funnel, users: Users, shown_us: NDArray[np.int64]
) -> pa.Table:
    """Return one row per (request, shown item); position counts from 1."""
    rows, columns = np.nonzero(funnel.exposed)
    return pa.table(
        [
            impression_ids(requests, rows, columns),
            requests.ids[rows],
            requests.users[rows] + 1,
            funnel.fine.items[rows, columns] + 1,
            pa.array(columns + 1, pa.int32()),
            pa.array(shown_us[rows], TIME),
            labels(requests.scenes[rows], SCENES),
            labels(users.arms[requests.users[rows]], ARMS),
        ],
        schema=IMPRESSIONS,
    )


def clicks_table(requests: Requests, funnel: Funnel, clicks: Clicks) -> pa.Table:
    """Return one row per click and per stronger action, in the order given."""
    rows, columns = clicks.requests, clicks.columns
    return pa.table(
        [
            impression_ids(requests, rows, columns),
            requests.ids[rows],
            requests.users[rows] + 1,
            funnel.fine.items[rows, columns] + 1,
            pa.array(clicks.times_us, TIME),
            labels(clicks.actions, ACTIONS),
        ],
        schema=CLICKS,
    )


def ranking_table(requests: Requests, funnel: Funnel) -> pa.Table:
    """Return one row per (request, stage, logged item); rank counts from 1, best first."""
    stages = {"recall": funnel.recalled, "coarse": funnel.coarse, "fine": funnel.fine}
    return pa.concat_tables(
        _stage_table(requests, name, ranking) for name, ranking in stages.items()
    )


def impression_ids(
    requests: Requests, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return ids that are unique over all dates: (request id, position) in one number."""
    ids: NDArray[np.int64] = requests.ids[rows] * IMPRESSION_IDS_PER_REQUEST + columns + 1
    return ids


def items_table(items: Items) -> pa.Table:
    """Return one row per item: validity (``valid_to`` NULL: not retired), category and city."""
    never = items.valid_to_us == NEVER_US
    numbers = np.arange(len(items.weights))
    return pa.table(
        {
            "item_id": _numbers(len(items.weights)),
            "valid_from": pa.array(items.valid_from_us, TIME),
            "valid_to": pa.array(items.valid_to_us, TIME, mask=never),
            "category": pa.array([f"category_{c:03d}" for c in items.categories], pa.string()),
            # Of the number alone: popular and rare items, of all categories, are in every city.
            "city": pa.array([f"city_{c:02d}" for c in numbers * 7 % CITIES], pa.string()),
        }
    )


def truth_tables(world: World) -> tuple[pa.Table, pa.Table]:
    """Return (users, items): vectors, whose dot product is the relevance, and Zipf weights."""
    users = pa.table(
        {
            "user_id": _numbers(len(world.users.weights)),
            "vector": _vectors(world.users.vectors),
            "activity_weight": world.users.weights,
            "segment": labels(world.users.segments, SEGMENTS),
        }
    )
    items = pa.table(
        {
            "item_id": _numbers(len(world.items.weights)),
            "vector": _vectors(world.items.vectors),
            "popularity_weight": world.items.weights,
        }
    )
    return users, items


def _stage_table(requests: Requests, stage: str, ranking: Ranking) -> pa.Table:
    rows, columns = np.nonzero(ranking.logged)
    if ranking.scores is None:
        scores = pa.nulls(len(rows), pa.float64())
    else:
        scores = pa.array(ranking.scores[rows, columns])
    return pa.table(
        [
            requests.ids[rows],
            requests.users[rows] + 1,
            ranking.items[rows, columns] + 1,
            pa.repeat(stage, len(rows)),
            pa.array(columns + 1, pa.int32()),
            scores,
            ranking.passed[rows, columns],
            pa.array(requests.times_us[rows] + _STAGE_DELAYS_US[stage], TIME),
        ],
        schema=RANKING_LOG,
    )


def _numbers(count: int) -> pa.Array:
    """Return the ids of all users or items: their number, counted from 1."""
    return pa.array(np.arange(1, count + 1))


def _vectors(vectors: NDArray[np.float32]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])

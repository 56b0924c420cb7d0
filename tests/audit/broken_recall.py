"""Mistakes in draws that must not be of what the ranking log has of the request."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F
from winnow.events.kinds import PAIR, RECALLED

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken

EASY: list[dict[str, Any]] = [
    {"source": "popularity", "not_recalled": True},
    {"source": "uniform", "count": 2},
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"easy": EASY}}
"""What is asked for in the build of these mutants."""
_POPULARITY, _FILL = 0, 1


def _with(groups: pa.Table, name: str, rows: list[Any]) -> Broken:
    at = groups.column_names.index(name)
    return Broken(groups.set_column(at, name, pa.array(rows, groups[name].type)))


def _without_recall(bench: Bench) -> pa.Table:
    easy = [{"source": "popularity"}, EASY[1]]
    return bench.sampled(config=changed(bench.config, negatives={"easy": easy}))


def what_was_recalled_is_drawn(bench: Bench) -> Broken:
    return Broken(_without_recall(bench))


def log_q_knows_nothing_of_the_request(bench: Bench) -> Broken:
    """As if only the user's own items were forbidden: ln q - ln(1 - q(F))."""
    kept: dict[int, float] = {}
    for row in _without_recall(bench).to_pylist():
        for source, q, log_q in zip(
            row["easy_source"], row["easy_q"], row["easy_log_q"], strict=True
        ):
            if source in (_POPULARITY, _FILL):
                kept[row["user_id"]] = float(np.log(q) - log_q)
    rows = [
        [
            float(np.log(q) - kept[row["user_id"]]) if source in (_POPULARITY, _FILL) else log_q
            for source, q, log_q in zip(
                row["easy_source"], row["easy_q"], row["easy_log_q"], strict=True
            )
        ]
        for row in bench.groups.to_pylist()
    ]
    return _with(bench.groups, "easy_log_q", rows)


def broken_rows_were_not_recalled(bench: Bench) -> Broken:
    """The log has an item that was drawn, in a row whose stage cannot be read."""
    log = bench.logs["ranking_log"]
    row = next(r for r in bench.groups.to_pylist() if _POPULARITY in r["easy_source"])
    item = row["easy_item_ids"][row["easy_source"].index(_POPULARITY)]
    other = log.frame.where(F.col("request_id") == row["request_id"]).limit(1)
    broken = other.withColumns(
        {
            "item_id": F.lit(item).cast(other.schema["item_id"].dataType),
            "stage": F.lit(None).cast("string"),
            "valid": F.lit(False),
        }
    )
    more = replace(log, frame=log.frame.unionByName(broken))
    return Broken(evidence={"logs": {**bench.logs, "ranking_log": more}})


def only_the_last_stage_was_recalled(bench: Bench) -> Broken:
    kind = bench.events["kind"]
    last = pc.max(kind).as_py() - 1
    return Broken(
        bench.sampled(
            events=bench.events.filter(
                pc.or_(pc.greater_equal(kind, last), pc.less_equal(kind, PAIR))
            )
        )
    )


def requests_of_another_user_were_recalled(bench: Bench) -> Broken:
    """The items of the next request in the order of keys."""
    kind = bench.events["kind"].to_numpy()
    ranked = (kind > PAIR) | (kind == RECALLED)
    owner = bench.events["owner_key"].to_numpy().copy()
    known, place = np.unique(owner[ranked], return_inverse=True)
    owner[ranked] = np.roll(known, 1)[place]
    at = bench.events.column_names.index("owner_key")
    return Broken(bench.sampled(events=bench.events.set_column(at, "owner_key", pa.array(owner))))


def draws_of_requests_that_nothing_is_known_of(bench: Bench) -> Broken:
    """One fill of each positive is called a draw by popularity."""
    rows = []
    for row in bench.groups.to_pylist():
        sources = list(row["easy_source"])
        if row["missing_recall_unknown"] and _FILL in sources:
            sources[sources.index(_FILL)] = _POPULARITY
        rows.append(sources)
    return _with(bench.groups, "easy_source", rows)


def requests_are_lost_on_the_way(bench: Bench) -> Broken:
    """The rows of one in eight requests, of which nothing is then known."""
    kind = bench.events["kind"]
    lost = pc.and_(
        pc.or_(pc.greater(kind, PAIR), pc.equal(kind, RECALLED)),
        pc.equal(pc.bit_wise_and(bench.events["owner_key"], 7), 0),
    )
    return Broken(bench.sampled(events=bench.events.filter(pc.invert(lost))))


def the_mixture_is_that_of_the_own_source(bench: Bench) -> Broken:
    return _with(bench.groups, "easy_mixture_log_q", bench.groups["easy_log_q"].to_pylist())

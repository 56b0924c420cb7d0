"""Mistakes in the sample groups: what the kernels gave is not what is written."""

import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql import functions as F
from winnow.contracts.rows import on_date, valid_rows

from tests.audit.simulated_logs import DAY
from tests.audit.workbench import Bench, Broken

Row = dict[str, Any]
_WINDOW_US = 24 * 3_600_000_000


def _each(bench: Bench, change: Callable[[Row], None]) -> Broken:
    """Change every sample group."""
    rows = bench.groups.to_pylist()
    for row in rows:
        change(row)
    return _written(bench, rows)


def _one(bench: Bench, change: Callable[[Row], None]) -> Broken:
    """Change one sample group that has easy and hard negatives."""
    rows = bench.groups.to_pylist()
    change(next(row for row in rows if row["n_hard"] == 6))
    return _written(bench, rows)


def _written(bench: Bench, rows: list[Row]) -> Broken:
    return Broken(pa.Table.from_pylist(rows, bench.groups.schema))


def _moved(bench: Bench, *names: str) -> Broken:
    """Give each sample group some columns of another one, some places on."""
    rows = bench.groups.to_pylist()
    for name in names:
        values = [row[name] for row in rows]
        for row, value in zip(rows, values[7:] + values[:7], strict=True):
            row[name] = value
    return _written(bench, rows)


def log_q_is_not_conditioned(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["easy_log_q"] = [math.log(q) for q in row["easy_q"]]

    return _each(bench, change)


def log_q_has_the_wrong_sign(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["easy_log_q"] = [-log_q for log_q in row["easy_log_q"]]

    return _each(bench, change)


def negatives_are_mixed_up_between_rows(bench: Bench) -> Broken:
    rows = bench.groups.to_pylist()
    few = [row for row in rows if row["n_fill"] == 0]
    lists = [row["easy_item_ids"] for row in few]
    for row, ids in zip(few, lists[7:] + lists[:7], strict=True):
        row["easy_item_ids"] = ids
    return _written(bench, rows)


def hard_negatives_of_another_request(bench: Bench) -> Broken:
    rows = bench.groups.to_pylist()
    full = [row for row in rows if row["n_hard"] == 6]
    names = [
        name for name in rows[0] if name.startswith("hard_") and isinstance(rows[0][name], list)
    ]
    lists = [[row[name] for name in names] for row in full]
    for row, values in zip(full, lists[7:] + lists[:7], strict=True):
        row |= dict(zip(names, values, strict=True))
    return _written(bench, rows)


def shown_items_as_hard_negatives(bench: Bench) -> Broken:
    shown = _shown(bench)

    def change(row: Row) -> None:
        others = [item for item in shown[row["request_id"]] if item != row["item_id"]]
        row["hard_item_ids"] = others[: row["n_hard"]]

    return _one(bench, change)


def _shown(bench: Bench) -> dict[int, list[int]]:
    log = bench.logs["impressions"]
    rows = valid_rows(log).where(on_date(log, DAY)).groupBy("request_id")
    found = rows.agg(F.collect_set("item_id").alias("items")).toArrow().to_pylist()
    return {row["request_id"]: row["items"] for row in found}


def a_negative_that_no_catalogue_has(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["easy_item_ids"][0] = 10**9

    return _one(bench, change)


def a_score_is_off(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["hard_score"][0] += 0.001

    return _one(bench, change)


def a_rank_stands_for_the_score(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["hard_score"][0] = float(row["hard_rank"][0])

    return _one(bench, change)


def ranks_are_among_those_that_stopped(bench: Bench) -> Broken:
    rows = bench.groups.to_pylist()
    for row in rows:
        for place, stage in enumerate(row["hard_stage"]):
            if stage == 0:  # of 40 items the 20 best went on
                row["hard_rank"][place] = max(1, row["hard_rank"][place] - 20)
                row["hard_size"][place] -= 20
    return _written(bench, rows)


def a_place_that_is_known_is_not_told(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["hard_rank"][row["hard_stage"].index(0)] = None

    return _one(bench, change)


def a_low_one_without_its_place(bench: Bench) -> Broken:
    rows = bench.groups.to_pylist()
    row = next(row for row in rows if 1 in row["hard_stage"])
    row["hard_size"][row["hard_stage"].index(1)] = None
    return _written(bench, rows)


def a_rank_is_off(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        cut = row["hard_stage"].index(0)
        row["hard_rank"][cut] += 1 if row["hard_rank"][cut] < row["hard_size"][cut] else -1

    return _one(bench, change)


def shortfall_is_not_counted(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        for name in ("item_ids", "stage", "rank", "size", "score"):
            row[f"hard_{name}"].pop()
        row["n_hard"] -= 1

    return _one(bench, change)


def shortfall_without_a_reason(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        for name in ("item_ids", "stage", "rank", "size", "score"):
            row[f"hard_{name}"].pop()
        row["n_hard"] -= 1
        row["shortfall"] += 1

    return _one(bench, change)


def fills_are_called_popularity(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["n_easy"], row["n_fill"] = row["n_easy"] + row["n_fill"], 0

    return _each(bench, change)


def groups_are_doubled(bench: Bench) -> Broken:
    return Broken(pa.concat_tables([bench.groups, bench.groups.slice(0, 20)]).combine_chunks())


def users_are_mixed_up(bench: Bench) -> Broken:
    return _moved(bench, "user_id")


def requests_are_mixed_up(bench: Bench) -> Broken:
    return _moved(bench, "request_id")


def a_positive_that_was_never_clicked(bench: Bench) -> Broken:
    shown = _shown(bench)
    clicked = {(row["request_id"], row["item_id"]) for row in bench.pairs.collect()}

    def change(row: Row) -> None:
        request = row["request_id"]
        row["item_id"] = next(i for i in shown[request] if (request, i) not in clicked)

    return _one(bench, change)


def a_click_before_its_impression(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["click_us"] = row["impression_us"] - 1

    return _one(bench, change)


def a_click_beyond_the_window(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["click_us"] = row["impression_us"] + _WINDOW_US + 1

    return _one(bench, change)


def not_the_earliest_click(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["click_us"] += 1_000_000

    return _one(bench, change)


def pos_log_q_is_of_another_distribution(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["pos_log_q"] -= 0.01

    return _one(bench, change)


def item_clicks_are_of_today(bench: Bench) -> Broken:
    def change(row: Row) -> None:
        row["item_clicks"] += 1

    return _one(bench, change)

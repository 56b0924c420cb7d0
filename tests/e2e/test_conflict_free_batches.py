"""Batches in which no row's item is forbidden to another row's user.

What is asserted is told from the rows of the logs by plain Python, not by Winnow's code.
"""

import math
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.loading.samples import stream_of
from winnow.release.batch_mask import conflict_mask
from winnow.release.opening import open_release

from tests.e2e.test_in_batch import COLUMNS, in_batches, record_of
from tests.e2e.test_random_recipes import of_window, random_logs
from tests.events.handmade import DAY, Built, Logs, Row, at, build_day, config
from tests.sampler.test_batches_without_conflicts import by_hand

SPLITS = ["train", "valid", "test"]
POOL = {"sources": [{"source": "uniform", "count": 6}], "batches": 2}


def conflict_free(base: Path, **more: Any) -> Config:
    """A config of few dates with batches of five that are free of conflicts."""
    return in_batches(base, in_batch={"batch_size": 5, "conflict_free": True, **more})


def by_key(built: Built) -> list[Row]:
    rows = built.tables["training_samples"]
    return sorted(rows, key=lambda row: (SPLITS.index(row["split"]), row["shuffle_key"]))


def all_is_right(logs: Logs, settings: Config, built: Built) -> None:
    reach, rows = settings.exclusion, by_key(built)
    forbidden = of_window(logs, "impressions", "impression_ts", reach.exposure_lookback_days)
    forbidden |= of_window(logs, "clicks", "click_ts", reach.click_lookback_days)
    of_user = defaultdict[Any, set[Any]](set)
    for user, item in forbidden:
        of_user[user].add(item)
    assert settings.in_batch is not None
    given = [(row["split"], (row["user_id"], row["item_id"])) for row in rows]
    wanted = by_hand(given, of_user, settings.in_batch.batch_size)
    assert [-1 if row["batch_id"] is None else row["batch_id"] for row in rows] == wanted
    batches: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row["batch_id"] is not None:
            batches[row["batch_id"]].append(row)
    for batch in batches.values():
        for slot, row in enumerate(batch):
            assert (row["slot"], row["batch_rows"]) == (slot, len(batch))
            assert row["batch_item_slot"] == slot
            assert row["batch_conflict_item_slots"] == [slot]
    for split in SPLITS:
        of_split = [batch for batch in batches.values() if batch[0]["split"] == split]
        items = Counter(row["item_id"] for batch in of_split for row in batch)
        for row in (row for batch in of_split for row in batch):
            c = items[row["item_id"]]
            assert row["in_batch_log_q"] == pytest.approx(math.log(c / items.total()), abs=1e-9)
            assert row["in_batch_presence"] == row["in_batch_expected"]
            assert row["in_batch_presence"] == pytest.approx(c / len(of_split), rel=1e-12)
            barred = sum(items[item] for item in of_user[row["user_id"]]) / items.total()
            assert row["in_batch_forbidden"] == pytest.approx(barred, rel=1e-12)


class DescribeConflictFreeBatches:
    @pytest.mark.both_engines
    def it_puts_every_row_where_it_is_in_conflict_with_no_other(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = random_logs(Random(11))
        logs.write(tmp_path)
        settings = conflict_free(tmp_path, pool=POOL)
        built = build_day(settings, spark, immature=True)
        assert not [gate for gate in record_of(built).gates if gate.status == "fail"]
        figures = {gate.name: gate.figure for gate in record_of(built).gates}
        assert figures["batch_conflicts"] == figures["conflict_free_differs"] == 0
        all_is_right(logs, settings, built)
        train = [row for row in by_key(built) if row["split"] == "train"]
        numbers = [row["batch_id"] for row in train]
        assert numbers != sorted(numbers), "batches must be filled side by side"
        release = open_release(Path(settings.warehouse), ds=DAY)
        read = list(release.batches(columns=["sample_id", *COLUMNS]))
        assert [batch["batch_id"][0].as_py() for batch in read] == sorted({*numbers})
        assert sum(batch.num_rows for batch in read) == len(train)
        for batch in read:
            assert conflict_mask(batch).sum() == batch.num_rows
        loaded = [*stream_of(release, None, columns=["sample_id"], in_batch=True, pool=True).run()]
        assert [b["sample_id"].tolist() for b in loaded] == [
            b["sample_id"].to_pylist() for b in read
        ]

    def it_leaves_out_rows_that_no_open_batch_takes(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = Logs()
        for item in range(1, 9):
            logs.item(item)
        for user in range(1, 81):
            logs.show(user, user, [1, 2], at("12:00"))
            logs.click(user, user, 1, at("12:05"))
        logs.show(100, 100, [5, 6], at("12:00"))
        logs.click(100, 100, 5, at("12:05"))
        for log in ("impressions", "clicks"):
            for offset in (-2, -1):
                logs.folder(log, at("00:00", offset).date())
        logs.write(tmp_path)
        streaming = {"rate": 0.1, "arrays": 2, "buckets": 20, "start_gap": 5.0}
        settings = config(
            tmp_path,
            logs=("impressions", "clicks", "items"),
            exclusion={"exposure_lookback_days": 1, "click_lookback_days": 1},
            negatives={"per_positive": 2, "hard": []},
            popularity={"window_days": 1},
            positives={"downsampling": {"rule": "none"}},
            in_batch={"batch_size": 2, "conflict_free": True, "streaming": streaming},
            gates={n: {"fail": None} for n in ("top_user_share", "clicked_share")},
        )
        built = build_day(settings, spark, immature=True)
        all_is_right(logs, settings, built)
        rows = built.tables["training_samples"]
        left = [row for row in rows if row["batch_id"] is None]
        # One of the first 64 was closed by the row of the other item, and a 65th opened.
        assert len(left) == 15
        assert {row[name] for row in left for name in (*COLUMNS, "streaming_log_q")} == {None}
        assert {row["item_id"] for row in left} == {1}
        assert len({row["batch_id"] for row in rows if row["batch_id"] is not None}) == 65
        (gate,) = (one for one in record_of(built).gates if one.name == "batches_left_out")
        assert (gate.status, gate.detail) == ("warn", "15 rows; 1 of 65 batches are full")
        assert gate.figure == pytest.approx(15 / 81)

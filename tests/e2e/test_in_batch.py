"""In-batch data: which row is in which batch, how likely its item is there, what must be masked.

What is asserted is told from the rows of the logs by plain Python, not by Winnow's code.
"""

import math
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import ReleaseError
from winnow.release.opening import open_release
from winnow.release.table_files import TableFiles
from winnow.release.whole_batches import whole_batches

from tests.e2e.test_random_recipes import of_window, random_logs, search
from tests.events.handmade import DAY, Built, Logs, Row, build_day, config

SIZE = 8
COLUMNS = (
    "batch_id",
    "slot",
    "batch_rows",
    "in_batch_log_q",
    "in_batch_expected",
    "in_batch_presence",
    "in_batch_forbidden",
    "batch_conflict_slots",
)


def in_batches(base: Path, **settings: Any) -> Config:
    """A config of few dates with batches of eight."""
    return config(
        base,
        logs=("impressions", "clicks", "ranking_log", "items"),
        exclusion={"exposure_lookback_days": 1, "click_lookback_days": 2},
        popularity={"window_days": 2},
        gates={n: {"fail": None} for n in ("top_user_share", "logged_request_share")},
        **{"in_batch": {"batch_size": SIZE}, "split": {"valid_ratio": 0.2, "test_ratio": 0.2}}
        | settings,
    )


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return written(random_logs(Random(11)), tmp_path)


def written(made: Logs, base: Path) -> Logs:
    made.write(base)
    return made


def splits(built: Built) -> list[tuple[str, list[Row]]]:
    """The rows of each split that are in batches, in the order of their batches."""
    rows = [row for row in built.tables["training_samples"] if row["batch_id"] is not None]
    order = ["train", "valid", "test"]
    rows.sort(key=lambda row: (order.index(row["split"]), row["shuffle_key"]))
    return [(name, list(own)) for name, own in groupby(rows, key=lambda row: row["split"])]


def batches(built: Built) -> list[list[Row]]:
    """The rows of each batch, cut from those of each split in the order of shuffle_key."""
    return [
        rows[first : first + SIZE]
        for _, rows in splits(built)
        for first in range(0, len(rows), SIZE)
    ]


def record_of(built: Built) -> AuditRecord:
    return AuditRecord.model_validate_json(built.release.quality_json)


def absence(n: int, c: int, k: int) -> Fraction:
    """How likely none of c of n rows is among any k of them."""
    return Fraction(math.comb(n - c, k), math.comb(n, k))


def all_is_right(logs: Logs, settings: Config, built: Built) -> int:
    """Look at every row; return how many conflicts there are."""
    reach = settings.exclusion
    forbidden = of_window(logs, "impressions", "impression_ts", reach.exposure_lookback_days)
    forbidden |= of_window(logs, "clicks", "click_ts", reach.click_lookback_days)
    for number, batch in enumerate(batches(built)):
        for slot, row in enumerate(batch):
            assert (row["batch_id"], row["slot"], row["batch_rows"]) == (number, slot, len(batch))
            conflicts = [
                other
                for other, negative in enumerate(batch)
                if other != slot and (row["user_id"], negative["item_id"]) in forbidden
            ]
            assert row["batch_conflict_slots"] == conflicts
            masked = [batch[other] for other in conflicts]
            for other in batch[:slot] + batch[slot + 1 :]:
                if row["item_id"] == other["item_id"] or row["user_id"] == other["user_id"]:
                    assert other in masked
    for _, rows in splits(built):
        n, size = len(rows), min(SIZE, len(rows))
        of_item = Counter(row["item_id"] for row in rows)
        for row in rows:
            c = of_item[row["item_id"]]
            of_user = sum(of_item[item] for user, item in forbidden if user == row["user_id"])
            assert row["in_batch_forbidden"] == pytest.approx(of_user / n, rel=1e-12)
            assert row["in_batch_log_q"] == pytest.approx(math.log(c / n), abs=1e-9)
            assert row["in_batch_expected"] == pytest.approx(size * c / n, rel=1e-12)
            assert row["in_batch_presence"] == pytest.approx(
                float(1 - absence(n, c, size)), rel=1e-12
            )
    return sum(len(row["batch_conflict_slots"]) for batch in batches(built) for row in batch)


class DescribeBatches:
    @pytest.mark.both_engines
    def it_tells_batch_chances_and_conflicts_of_every_row(
        self, logs: Logs, spark: SparkSession, tmp_path: Path
    ) -> None:
        settings = in_batches(tmp_path)
        built = build_day(settings, spark, immature=True)
        gates = {g.name: g for g in record_of(built).gates if g.group == "in-batch negatives"}
        assert {name: gate.status for name, gate in gates.items()} == {
            "batches_differ": "pass",
            "in_batch_chances_differ": "pass",
            "batch_conflicts_missing": "pass",
            "batch_conflicts_unfounded": "pass",
            "in_batch_forbidden_differs": "pass",
            "in_batch_thinned": "pass",
            "in_batch_unseen": "pass",
        }
        assert [name for name, _ in splits(built)] == ["train", "valid", "test"]
        assert len(batches(built)) >= 4
        assert all_is_right(logs, settings, built) >= 20

    def it_counts_what_is_trained_on_after_thinning_caps_and_repeats(
        self, logs: Logs, spark: SparkSession, tmp_path: Path
    ) -> None:
        positives = {
            "downsampling": {"rule": "cap", "threshold_clicks": 2},
            "per_user_cap": 4,
            "upsampling": {"threshold_clicks": 4.0, "power": 0.5, "most": 3.0},
        }
        settings = in_batches(tmp_path, positives=positives)
        built = build_day(settings, spark, immature=True)
        assert any(row["repeat_idx"] > 0 for _, rows in splits(built) for row in rows)
        all_is_right(logs, settings, built)
        statuses = {gate.name: gate.status for gate in record_of(built).gates}
        assert statuses["in_batch_thinned"] == "warn"

    def it_has_no_place_for_weak_and_organic_positives(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        made = random_logs(Random(11))
        search(Random(1), made)
        made.write(tmp_path)
        positives = {"weak": {"share": 0.3}, "organic": {"actions": ["click", "buy"]}}
        settings = in_batches(tmp_path, positives=positives)
        built = build_day(settings, spark, immature=True)
        all_is_right(made, settings, built)
        others = [r for r in built.tables["training_samples"] if r["label_strength"] != "strong"]
        assert {row["label_strength"] for row in others} == {"weak", "organic"}
        assert {row[name] for row in others for name in COLUMNS} == {None}
        strong = built.rows("training_samples", label_strength="strong")
        assert len(strong) == sum(map(len, batches(built)))

    def it_is_one_batch_where_there_are_fewer_rows_than_make_one(
        self, logs: Logs, spark: SparkSession, tmp_path: Path
    ) -> None:
        settings = in_batches(tmp_path, in_batch={"batch_size": 4096}, split={})
        built = build_day(settings, spark, immature=True)
        (rows,) = (rows for _, rows in splits(built))
        assert {row["batch_id"] for row in rows} == {0}
        assert [row["slot"] for row in rows] == list(range(len(rows)))
        assert {row["in_batch_presence"] for row in rows} == {1.0}

    def it_is_not_there_unless_asked_for(
        self, logs: Logs, spark: SparkSession, tmp_path: Path
    ) -> None:
        asked = build_day(in_batches(tmp_path), spark, immature=True)
        plain = in_batches(tmp_path, in_batch=None, warehouse=str(tmp_path / "other"))
        built = build_day(plain, spark, immature=True)
        assert not set(COLUMNS) & set(built.tables["training_samples"][0])
        for name, rows in built.tables.items():
            without = [{k: v for k, v in r.items() if k not in COLUMNS} for r in asked.tables[name]]
            assert sorted(map(repr, without)) == sorted(map(repr, rows)), name


class DescribeReadingBatchByBatch:
    def it_gives_whole_batches_in_their_order(
        self, logs: Logs, spark: SparkSession, tmp_path: Path
    ) -> None:
        settings = in_batches(tmp_path)
        built = build_day(settings, spark, immature=True)
        release = open_release(Path(settings.warehouse), ds=DAY)
        wanted: dict[str, list[list[Row]]] = {name: [] for name, _ in splits(built)}
        for batch in batches(built):
            wanted[batch[0]["split"]].append(batch)
        for split, of_split in wanted.items():
            assert [one.to_pylist() for one in release.batches(split)] == of_split
        some = list(release.batches(columns=["slot", "item_id"]))
        assert [one.column_names for one in some] == [["slot", "item_id"]] * len(wanted["train"])
        assert some[0]["item_id"].to_pylist() == [row["item_id"] for row in wanted["train"][0]]

    def it_gives_each_worker_batches_of_its_own(
        self, logs: Logs, spark: SparkSession, tmp_path: Path
    ) -> None:
        settings = in_batches(tmp_path, split={})
        build_day(settings, spark, immature=True)
        files = open_release(Path(settings.warehouse), ds=DAY).table_files("training_samples")
        every = [one.to_pylist() for one in whole_batches(files)]
        for workers in (2, 3):
            for worker in range(workers):
                own = whole_batches(files, worker=worker, workers=workers)
                assert [one.to_pylist() for one in own] == every[worker::workers]

    def it_reads_several_files_and_dates_and_notices_what_is_missing(self, tmp_path: Path) -> None:
        days = [DAY, DAY + timedelta(1)]
        found, wanted = [], []
        for day in days:
            rows = [
                {
                    "split": "train",
                    "batch_id": n // 4,
                    "slot": n % 4,
                    "batch_rows": min(4, 22 - n // 4 * 4),
                    "item_id": n,
                }
                for n in range(22)
            ]
            wanted += [[row["item_id"] for row in rows[n : n + 4]] for n in range(0, 22, 4)]
            for file in range(3):
                path = tmp_path / f"{day}-{file}.parquet"
                pq.write_table(pa.Table.from_pylist(rows[file::3]), path)
                found.append((str(path), day))
        schema = pq.read_schema(found[0][0])
        read = whole_batches(TableFiles(schema, tuple(found)), columns=["item_id"])
        assert [one["item_id"].to_pylist() for one in read] == wanted
        with pytest.raises(ReleaseError, match=r"^batch 0: rows of it are missing, found 2 rows"):
            list(whole_batches(TableFiles(schema, tuple(found[1:]))))

    def it_says_where_there_are_no_batches(self) -> None:
        files = TableFiles(pa.schema([("item_id", pa.int64())]), ())
        with pytest.raises(ReleaseError, match="Set in_batch in the config"):
            next(whole_batches(files))

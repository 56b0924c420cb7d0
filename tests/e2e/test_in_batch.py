"""In-batch data: which row is in which batch, how likely its item is there, what must be masked.

What is asserted is told from the rows of the logs by plain Python, not by Winnow's code.
"""

import math
from collections import Counter
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.loading.samples import stream_of
from winnow.release.batch_mask import conflict_mask
from winnow.release.opening import open_release

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
    "batch_item_slot",
    "batch_conflict_item_slots",
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
            items = [other["item_id"] for other in batch]
            assert row["batch_item_slot"] == items.index(row["item_id"])
            masked = {item for item in items if (row["user_id"], item) in forbidden}
            assert row["batch_conflict_item_slots"] == sorted(map(items.index, masked))
            assert masked >= {r["item_id"] for r in batch if r["user_id"] == row["user_id"]}
        mask = [[(r["user_id"], other["item_id"]) in forbidden for other in batch] for r in batch]
        assert conflict_mask(pa.Table.from_pylist(batch)).tolist() == mask
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
    return sum(len(row["batch_conflict_item_slots"]) for batch in batches(built) for row in batch)


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
            "batch_item_slots_differ": "pass",
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
        release = open_release(Path(settings.warehouse), ds=DAY)
        loaded = [*stream_of(release, None, columns=["item_id"], in_batch=True).run()]
        assert [(b["item_id"].tolist(), b["conflicts"].tolist()) for b in loaded] == [
            (b["item_id"].to_pylist(), conflict_mask(b).tolist()) for b in release.batches()
        ]

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

    def it_is_no_batch_where_nothing_was_clicked(self, spark: SparkSession, tmp_path: Path) -> None:
        made = random_logs(Random(11))
        made.rows["clicks"] = [r for r in made.rows["clicks"] if r["click_ts"].date() < DAY]
        made.folder("clicks", DAY)
        made.write(tmp_path)
        settings = in_batches(tmp_path)
        built = build_day(settings, spark, immature=True, allow_empty=True)
        assert built.tables["training_samples"] == []
        assert list(open_release(Path(settings.warehouse), ds=DAY).batches()) == []

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

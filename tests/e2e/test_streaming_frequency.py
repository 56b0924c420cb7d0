"""The running estimate of how likely items are in batches, carried from date to date.

What is asserted is told from the released rows by the loop of the paper, row by row.
"""

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import InputError
from winnow.frequency.state import STATE, resumed, state_of
from winnow.release.opening import open_release

from tests.e2e.test_in_batch import SIZE, in_batches
from tests.e2e.test_random_recipes import random_logs, search
from tests.events.handmade import DAY, Built, build_day
from tests.frequency.by_the_book import Book
from tests.frequency.released_rows import all_is_right

STREAMING = {"rate": 0.1, "arrays": 2, "buckets": 20, "start_gap": 5.0}
DATES = tuple(DAY - timedelta(back) for back in (2, 1, 0))


def streaming(base: Path, **settings: Any) -> Config:
    """A config of few dates that estimates frequencies; ``settings`` of the estimate."""
    tables = ("positives", "training_samples")
    asked = {"batch_size": SIZE, "streaming": STREAMING | settings}
    made = in_batches(base, in_batch=asked, tables=tables)
    gates = {n: {"fail": None} for n in ("top_user_share", "logged_request_share", "clicked_share")}
    tree = made.model_dump(mode="json", by_alias=True) | {"gates": gates}
    return Config.model_validate_json(json.dumps(tree))


def written(base: Path, seed: int = 11) -> None:
    logs = random_logs(Random(seed))
    for day in (DATES[0] - timedelta(1), DATES[0] - timedelta(2)):
        for log in ("impressions", "clicks", "ranking_log"):
            logs.folder(log, day)
    logs.write(base)


def build_dates(settings: Config, spark: SparkSession, *days: date) -> list[Built]:
    accept = {"immature": True, "allow_empty": True}
    return [build_day(settings, spark, day, **accept) for day in days]


def gate(built: Built, name: str) -> tuple[str, float | None]:
    record = AuditRecord.model_validate_json(built.release.quality_json)
    (found,) = [one for one in record.gates if one.name == name]
    return found.status, found.figure


def told(built: Built) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(built.release.inputs_json)["frequency_state"]
    return record


class DescribeTheEstimateOfSeveralDates:
    @pytest.mark.both_engines
    def it_goes_on_from_date_to_date(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path)
        settings = streaming(tmp_path)
        made = build_dates(settings, spark, *DATES)
        assert settings.in_batch is not None
        book = Book(settings.in_batch.frequency)
        for built in made:
            all_is_right(built, book)
        assert book.t >= 10
        assert told(made[0]) == {"anew": f"{DATES[0] - timedelta(1)} is not released"}
        before = made[1].release
        pin = before.pin("frequency_state")
        assert pin is not None
        steps = made[1].tables["frequency_state"][0]["steps"]
        assert told(made[2]) == {
            "ds": "2026-01-09", "release_id": before.release_id, "version": pin.version,
            "rows": pin.content.rows, "content": pin.content.total, "steps": steps,
        }  # fmt: skip
        for name in ("frequency_state_differs", "streaming_log_q_differs"):
            assert gate(made[2], name) == ("pass", 0)
        assert gate(made[2], "frequency_restarted") == ("pass", 0)
        assert gate(made[2], "frequency_state_replaced") == ("pass", 0)
        correlation, distance = (
            gate(made[2], f"frequency_{name}")[1] for name in ("rank_correlation", "distance")
        )
        assert correlation is not None and -1 <= correlation < 1
        assert distance is not None and 0 < distance < 1

    @pytest.mark.proof
    def it_goes_on_in_a_trainer(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path)
        settings = streaming(tmp_path)
        first, second = build_dates(settings, spark, *DATES[:2])
        assert settings.in_batch is not None
        warehouse = Path(settings.warehouse)
        rows = open_release(warehouse, ds=DATES[0]).arrow("frequency_state").to_table()
        estimate = resumed(rows, settings.in_batch.frequency)
        for batch in open_release(warehouse, ds=DATES[1]).batches(columns=["item_id"]):
            estimate.update(batch["item_id"])
        wanted = second.tables["frequency_state"]
        found = state_of(estimate).to_pylist()
        assert found == sorted(
            ({name: row[name] for name in STATE.names} for row in wanted),
            key=lambda row: (row["array_no"], row["bucket"]),
        )
        assert first.tables["frequency_state"] != wanted

    @pytest.mark.proof
    def it_says_where_a_date_in_the_middle_was_built_again(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        written(tmp_path)
        settings = streaming(tmp_path)
        build_dates(settings, spark, *DATES[:2])
        (again,) = build_dates(streaming(tmp_path, rate=0.2), spark, DATES[0])
        assert again.summary.published
        (last,) = build_dates(settings, spark, DATES[2])
        assert gate(last, "frequency_state_replaced") == ("warn", 1)
        # Built again in order, it says nothing more.
        (_, third) = build_dates(settings, spark, *DATES[1:])
        assert gate(third, "frequency_state_replaced") == ("pass", 0)


class DescribeAMissingState:
    def it_begins_anew_and_says_so(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path)
        settings = streaming(tmp_path)
        _, last = build_dates(settings, spark, DATES[0], DATES[2])
        assert told(last) == {"anew": f"{DATES[1]} is not released"}
        assert gate(last, "frequency_restarted") == ("warn", 1)
        all_is_right(last, Book(settings.in_batch.frequency))  # type: ignore[union-attr]

    @pytest.mark.proof
    def it_begins_anew_where_items_are_others(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path)
        build_dates(streaming(tmp_path), spark, DATES[0])
        tree = streaming(tmp_path).model_dump(mode="json", by_alias=True)
        tree["identity"]["anonymous_values"] = ["2"]
        settings = Config.model_validate_json(json.dumps(tree))
        (built,) = build_dates(settings, spark, DATES[1])
        was = "identity.anonymous_values (empty text), 0, -1, null, NULL, None"
        assert told(built) == {"anew": f"the release of {DATES[0]} was made with {was}"}
        assert settings.in_batch is not None
        all_is_right(built, Book(settings.in_batch.frequency))
        assert gate(built, "frequency_restarted") == ("warn", 1)
        assert gate(built, "frequency_state_differs") == ("pass", 0)

    def it_fails_where_asked(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path)
        settings = streaming(tmp_path, on_missing_state="fail")
        build_dates(settings, spark, DATES[0])
        with pytest.raises(InputError, match=f"{DATES[1]} is not released"):
            build_dates(settings, spark, DATES[2])
        (second,) = build_dates(settings, spark, DATES[1])
        other = streaming(tmp_path, on_missing_state="fail", buckets=30)
        with pytest.raises(InputError, match=f"the release of {DATES[1]} was made with buckets 20"):
            build_dates(other, spark, DATES[2])
        assert told(second)["ds"] == DATES[0].isoformat()

    @pytest.mark.proof
    def it_goes_on_over_a_date_without_positives(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = random_logs(Random(11))
        logs.rows["clicks"] = [r for r in logs.rows["clicks"] if r["click_ts"].date() != DATES[1]]
        logs.folder("clicks", DATES[1])
        logs.write(tmp_path)
        settings = streaming(tmp_path)
        made = build_dates(settings, spark, *DATES)
        book = Book(settings.in_batch.frequency)  # type: ignore[union-attr]
        assert made[1].tables["training_samples"] == []
        for built in made:
            all_is_right(built, book)


class DescribeWhatIsNoStream:
    @pytest.mark.proof
    def it_has_no_place_for_weak_and_organic_positives(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = random_logs(Random(11))
        search(Random(1), logs)
        logs.write(tmp_path)
        tree = streaming(tmp_path).model_dump(mode="json", by_alias=True)
        tree["positives"] |= {"weak": {"share": 0.3}, "organic": {"actions": ["click", "buy"]}}
        settings = Config.model_validate_json(json.dumps(tree))
        (built,) = build_dates(settings, spark, DAY)
        others = [r for r in built.tables["training_samples"] if r["label_strength"] != "strong"]
        assert {row["label_strength"] for row in others} == {"weak", "organic"}
        assert {row["streaming_log_q"] for row in others} == {None}
        all_is_right(built, Book(settings.in_batch.frequency))  # type: ignore[union-attr]

    @pytest.mark.proof
    def it_is_not_there_unless_asked_for(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path)
        (asked,) = build_dates(streaming(tmp_path), spark, DAY)
        tree = streaming(tmp_path).model_dump(mode="json", by_alias=True)
        tree |= {"in_batch": {"batch_size": SIZE}, "warehouse": str(tmp_path / "other")}
        (built,) = build_dates(Config.model_validate_json(json.dumps(tree)), spark, DAY)
        assert set(asked.tables) - set(built.tables) == {"frequency_state"}
        rows = [
            {name: value for name, value in row.items() if name != "streaming_log_q"}
            for row in asked.tables["training_samples"]
        ]
        assert sorted(map(repr, rows)) == sorted(map(repr, built.tables["training_samples"]))
        assert "frequency_state" not in json.loads(built.release.inputs_json)

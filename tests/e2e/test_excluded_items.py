"""Lists of what is forbidden to a row's user, for trainers that make batches themselves.

What is asserted is told from the rows of the logs by plain Python, not by Winnow's code.
"""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import GateError
from winnow.sampler import excluded_items, task

from tests.e2e.test_in_batch import in_batches
from tests.e2e.test_random_recipes import random_logs
from tests.events.handmade import DAY, Built, Logs, at, build_day, config


def latest_first(logs: Logs, settings: Config) -> dict[Any, list[Any]]:
    """Of each user the items of the exclusion window: the latest first, then the lower id."""
    reach = settings.exclusion
    windows = {
        "impressions": ("impression_ts", reach.exposure_lookback_days),
        "clicks": ("click_ts", reach.click_lookback_days),
    }
    last: dict[Any, dict[Any, float]] = {}
    for log, (time, back) in windows.items():
        for row in logs.rows[log]:
            if -back <= (row[time].date() - DAY).days <= 0:
                items = last.setdefault(row["user_id"], {})
                when = row[time].timestamp()
                items[row["item_id"]] = max(when, items.get(row["item_id"], when))
    return {
        user: sorted(items, key=lambda item, items=items: (-items[item], item))  # type: ignore[misc]
        for user, items in last.items()
    }


def gates_of(built: Built) -> dict[str, Any]:
    record = AuditRecord.model_validate_json(built.release.quality_json)
    return {gate.name: gate for gate in record.gates}


class DescribeListsOfForbiddenItems:
    @pytest.mark.both_engines
    def it_lists_the_latest_first_and_says_where_there_are_more(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = random_logs(Random(11))
        logs.write(tmp_path)
        settings = in_batches(tmp_path, in_batch=None, exclude_item_ids={"at_most": 9})
        built = build_day(settings, spark, immature=True)
        wanted, rows = latest_first(logs, settings), built.tables["training_samples"]
        for row in rows:
            items = wanted[row["user_id"]]
            assert row["exclude_item_ids"] == items[:9]
            assert row["exclude_truncated"] is (len(items) > 9)
            assert "batch_id" not in row
        cut = sum(row["exclude_truncated"] for row in rows)
        assert 0 < cut < len(rows)
        gates = gates_of(built)
        assert gates["excluded_items_differ"].status == "pass"
        assert gates["excluded_truncated"].status == "warn"
        assert gates["excluded_truncated"].detail == f"{cut} of {len(rows)} rows"

    def it_lists_items_of_text_that_the_catalogue_does_not_have(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = Logs(string_ids=True)
        logs.show("u", "r1", ["a", "gone"], at("09:00"))
        logs.show("u", "r2", ["b"], at("10:00"))
        logs.show("u", "r3", ["a"], at("11:00"))
        logs.click("u", "r1", "gone", at("09:01"))
        logs.click("u", "r2", "b", at("10:30"))
        for item in ("a", "b", "c", "d"):
            logs.item(item)
        logs.write(tmp_path)
        settings = config(
            tmp_path,
            logs=("impressions", "clicks", "items"),
            ids={"user": "string", "item": "string", "request": "string"},
            negatives={"per_positive": 2, "hard": []},
            exclude_item_ids={"at_most": 3},
            gates={
                name: {"fail": None} for name in ("top_user_share", "positives_outside_catalogue")
            },
        )
        built = build_day(settings, spark, immature=True)
        rows = built.tables["training_samples"]
        assert [row["exclude_item_ids"] for row in rows] == [["a", "b", "gone"]] * 2
        assert [row["exclude_truncated"] for row in rows] == [False, False]

    @pytest.mark.proof
    def it_is_not_there_unless_asked_for(self, spark: SparkSession, tmp_path: Path) -> None:
        random_logs(Random(11)).write(tmp_path)
        asked = in_batches(tmp_path, exclude_item_ids={})
        plain = in_batches(tmp_path, warehouse=str(tmp_path / "other"))
        one, other = (build_day(settings, spark, immature=True) for settings in (asked, plain))
        added = {"exclude_item_ids", "exclude_truncated"}
        for name, rows in other.tables.items():
            without = [{k: v for k, v in r.items() if k not in added} for r in one.tables[name]]
            assert sorted(map(repr, without)) == sorted(map(repr, rows)), name
        assert not added & set(other.tables["training_samples"][0])


def oldest_first(patch: pytest.MonkeyPatch) -> None:
    def backwards(ids: Any, events: Any, *others: Any) -> Any:
        return excluded_items.excluded_columns(
            ids, events._replace(event_us=-events.event_us), *others
        )

    patch.setattr(task, "excluded_columns", backwards)


def what_is_cut_off_is_not_told(patch: pytest.MonkeyPatch) -> None:
    def silent(ids: Any, events: Any, grouped: Any, owners: Any, at_most: int) -> Any:
        columns = excluded_items.excluded_columns(ids, events, grouped, owners, at_most)
        whole = excluded_items.excluded_columns(ids, events, grouped, owners, 10_000)
        return columns | {"exclude_truncated": whole["exclude_truncated"]}

    patch.setattr(task, "excluded_columns", silent)


def an_item_is_left_out(patch: pytest.MonkeyPatch) -> None:
    def fewer(ids: Any, events: Any, grouped: Any, owners: Any, at_most: int) -> Any:
        columns = excluded_items.excluded_columns(ids, events, grouped, owners, at_most - 1)
        return columns

    patch.setattr(task, "excluded_columns", fewer)


@pytest.mark.sail_only
class DescribeMistakes:
    @pytest.mark.parametrize(
        "mistake",
        [
            oldest_first,
            pytest.param(what_is_cut_off_is_not_told, marks=pytest.mark.proof),
            pytest.param(an_item_is_left_out, marks=pytest.mark.proof),
        ],
        ids=lambda one: one.__name__,
    )
    def it_does_not_pass(
        self, mistake: Any, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        random_logs(Random(11)).write(tmp_path)
        mistake(monkeypatch)
        settings = in_batches(tmp_path, in_batch=None, exclude_item_ids={"at_most": 9})
        with pytest.raises(GateError, match="excluded_items_differ"):
            build_day(settings, spark, immature=True)

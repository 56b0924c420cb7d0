"""Logs written by hand, event by event, and what a build makes of them as plain Python rows."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.release.opening import open_release
from winnow.release.release import Release
from winnow.release.releases import read_releases

DAY = date(2026, 1, 10)
MICROSECOND = timedelta(microseconds=1)
Row = dict[str, Any]
Id = int | str

_TIME_OF = {
    "impressions": "impression_ts",
    "clicks": "click_ts",
    "ranking_log": "stage_ts",
    "negative_feedback": "feedback_ts",
}
_OF_PERIODS = {"items", "users", "item_aliases"}
_UTC = pa.timestamp("us", "UTC")


def at(clock: str, days: int = 0) -> datetime:
    """A UTC time, so many days after DAY."""
    moment = datetime.combine(DAY + timedelta(days), time.fromisoformat(clock), UTC)
    return moment


@dataclass
class Logs:
    """Events of all logs; ``write`` puts them into date folders by UTC date."""

    string_ids: bool = False
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    touched: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))

    def show(
        self,
        user: Id | None,
        request: Id,
        items: Id | Iterable[Id],
        when: datetime,
        *,
        impression: str | None = None,
        position: int | None = None,
        **more: object,
    ) -> None:
        """Show items in a request, at positions from 1 on."""
        shown = [items] if isinstance(items, int | str) else list(items)
        for place, item in enumerate(shown, start=1):
            self.rows["impressions"].append(
                {
                    "impression_id": impression or f"{request}/{item}",
                    "request_id": request,
                    "user_id": user,
                    "item_id": item,
                    "position": place if position is None else position,
                    "impression_ts": when,
                    **more,
                }
            )

    def click(
        self,
        user: Id | None,
        request: Id | None,
        item: Id,
        when: datetime,
        action: str = "click",
        *,
        impression: str | None = None,
        **more: object,
    ) -> None:
        self.rows["clicks"].append(
            {
                "impression_id": impression or f"{request}/{item}",
                "request_id": request,
                "user_id": user,
                "item_id": item,
                "click_ts": when,
                "action_type": action,
                **more,
            }
        )

    def reject(
        self, user: Id | None, item: Id | None, when: datetime | None, how: str | None = "hide"
    ) -> None:
        self.rows["negative_feedback"].append(
            {"user_id": user, "item_id": item, "feedback_ts": when, "feedback_type": how}
        )

    def rank(
        self, request: Id, stage: str, best_first: Iterable[Id], when: datetime, **rest: object
    ) -> None:
        """Log what one stage of a request handled."""
        for place, item in enumerate(best_first):
            self.rows["ranking_log"].append(
                {
                    "request_id": request,
                    "item_id": item,
                    "stage": stage,
                    "score": 1.0 - place / 100,
                    "stage_ts": when,
                    **rest,
                }
            )

    def item(
        self,
        item: Id,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        **more: object,
    ) -> None:
        period = {"item_id": item, "valid_from": valid_from, "valid_to": valid_to}
        self.rows["items"].append(period | more)

    def user(
        self,
        user: Id,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        **more: object,
    ) -> None:
        period = {"user_id": user, "valid_from": valid_from, "valid_to": valid_to}
        self.rows["users"].append(period | more)

    def alias(
        self,
        item: Id,
        canonical: Id | None,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
    ) -> None:
        names = {"item_id": item, "canonical_id": canonical}
        self.rows["item_aliases"].append(names | {"valid_from": valid_from, "valid_to": valid_to})

    def folder(self, log: str, day: date) -> None:
        """Have a date folder though nothing may have happened."""
        self.touched[log].add(day)

    def write(self, base: Path) -> None:
        for log, rows in self.rows.items():
            schema = self._schema(log)
            if log in _OF_PERIODS:
                _parquet(base / log / "part.parquet", rows, schema)
                continue
            by_date: dict[date, list[Row]] = {day: [] for day in self.touched[log]}
            for row in rows:
                when = row[_TIME_OF[log]]
                by_date.setdefault(DAY if when is None else when.date(), []).append(row)
            for day, of_day in by_date.items():
                _parquet(base / log / f"date={day}" / "part.parquet", of_day, schema)

    def _schema(self, log: str) -> pa.Schema:
        of_id = pa.string() if self.string_ids else pa.int64()
        kinds = {
            "impression_id": pa.string(),
            "request_id": of_id,
            "user_id": of_id,
            "item_id": of_id,
            "canonical_id": of_id,
            "position": pa.int32(),
            "score": pa.float64(),
            "stage": pa.string(),
            "action_type": pa.string(),
            "scene": pa.string(),
            "passed": pa.bool_(),
            "stay": pa.float64(),
            "city": pa.string(),
            "brand": pa.int64(),
            "levels": pa.list_(pa.string()),
            "viewed": pa.bool_(),
            "cut_reason": pa.string(),
            "country": pa.string(),
            "market": pa.string(),
            "markets": pa.list_(pa.string()),
            "clicked_in": pa.string(),
            "ages": pa.list_(pa.int32()),
            "seconds": pa.float64(),
            "clip": pa.list_(pa.string()),
            "rank": pa.int32(),
            "feedback_type": pa.string(),
        }
        kinds |= dict.fromkeys([*_TIME_OF.values(), "valid_from", "valid_to"], _UTC)
        return pa.schema([(name, kinds[name]) for name in self.rows[log][0]])


def _parquet(path: Path, rows: list[Row], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def config(base: Path, **settings: Any) -> Config:
    """A config that reads what ``Logs.write`` wrote; ``logs`` lists the logs that there are."""
    names = settings.pop("logs", ("impressions", "clicks", "ranking_log", "items"))
    zone = settings.pop("folder_zone", None)
    logs: Row = {name: {"path": str(base / name), "format": "parquet"} for name in names}
    for name in set(names) - _OF_PERIODS:
        logs[name]["partition"] = {"column": "date", "zone": zone}
    tree = {"warehouse": str(base / "warehouse"), "logs": logs, **settings}
    return Config.model_validate_json(json.dumps(tree))


@dataclass(frozen=True)
class Built:
    """One build and its released tables as Python rows."""

    summary: BuildSummary
    tables: dict[str, list[Row]]
    release: Release

    def rows(self, table: str, **equal: object) -> list[Row]:
        """The rows of a table that have these values."""
        found = self.tables[table]
        return [row for row in found if all(row[k] == v for k, v in equal.items())]

    def only(self, table: str, **equal: object) -> Row:
        """The one row of a table that has these values."""
        (row,) = self.rows(table, **equal)
        return row

    def hard(self, **equal: object) -> set[Id]:
        """The hard negatives of some positives."""
        return {row["neg_item_id"] for row in self.rows("hard_negatives", **equal)}

    def negatives(self, **equal: object) -> set[Id]:
        """All negatives of some positives."""
        return {item for row in self.rows("training_samples", **equal) for item in row[_NEG]}

    def reasons(self, **equal: object) -> dict[str, int]:
        """Why a positive got fewer negatives than it asked for."""
        row = self.only("training_samples", **equal)
        return dict(zip(row["shortfall_reasons"], row["shortfall_counts"], strict=True))

    def codes(self) -> list[tuple[str, str]]:
        """(log, code) of every reason in rejected, sorted."""
        found = self.tables["rejected"]
        return sorted((row["log"], r.split(":")[0]) for row in found for r in row["reasons"])


_NEG = "neg_item_ids"


def build_day(settings: Config, spark: SparkSession, day: date = DAY, **accept: Any) -> Built:
    """Build a date and read its release back."""
    summary = build(
        BuildRequest(settings, day, engine_of(spark), progress=Progress(quiet=True), **accept)
    )
    warehouse = Path(settings.warehouse)
    reader = open_release(warehouse, ds=day)
    tables = {name: reader.arrow(name).to_table().to_pylist() for name in reader.tables}
    release = read_releases(warehouse).newest(day)
    assert release is not None
    return Built(summary, tables, release)

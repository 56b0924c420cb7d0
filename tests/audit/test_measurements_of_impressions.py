"""Impressions beside the impression log: each that tells something else is counted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.audit.gates.impressions import impression_figures, stated_impressions
from winnow.audit.recompute.row_sample import RowSample
from winnow.contracts.log import Log

from tests.audit.small import NOON, THE_DAY, Row, config, frame, log, us
from tests.events.handmade import at

SETTINGS = config()
KEY = ("user_id", "request_id", "item_id")


def shown(impression: str | None, item: int, request: int = 1, **other: Any) -> Row:
    row: Row = {"impression_id": impression, "user_id": 7, "request_id": request, "item_id": item}
    return row | {"position": 2} | other


def of_log(spark: SparkSession, *rows: Row, carry: bool = True) -> Log:
    """The log, all of it shown at noon; with the columns scene and page perhaps."""
    named = log(spark, "impressions", rows, SETTINGS)
    if not carry:
        return named
    scene, page = F.lit("home"), F.when(F.col("item_id") > 5, 3)
    carrying = named.frame.withColumns({"scene": scene, "page": page})
    return replace(named, frame=carrying, carry={"scene": "string", "page": "int"})


def of_table(spark: SparkSession, table: str, *rows: Row, carry: bool = True) -> DataFrame:
    """The table that would be right for these rows of the log."""
    own = ("impression_id", "label") if table == "ranking_samples" else ()
    names = (*own, *KEY, "position", "impression_ts")
    told = [{"impression_ts": NOON, "label": 0, **row} for row in rows]
    made = frame(spark, table, [{name: row[name] for name in names} for row in told], SETTINGS)
    if not carry:
        return made
    return made.withColumns({"scene": F.lit("home"), "page": F.when(F.col("item_id") > 5, 3)})


LOGGED = (shown("a", 5), shown("b", 6), shown("c", 7, position=None))


class DescribeImpressionFigures:
    def differing(self, of: Log, **tables: DataFrame) -> dict[str, float | int | None]:
        figures = impression_figures(tables, of, THE_DAY, dict.fromkeys(tables, RowSample()))
        return {figure.name: figure.value for figure in figures}

    def one(
        self, spark: SparkSession, changed: DataFrame, logged: Sequence[Row] = LOGGED
    ) -> float | int | None:
        """The figure of ranking_samples."""
        found = self.differing(of_log(spark, *logged), ranking_samples=changed)
        return found["impressions_differ.ranking_samples"]

    def it_finds_every_row_in_the_log(self, spark: SparkSession) -> None:
        for carry in (True, False):
            tables = {
                name: of_table(spark, name, *LOGGED, carry=carry)
                for name in ("ranking_samples", "positives")
            }
            assert self.differing(of_log(spark, *LOGGED, carry=carry), **tables) == {
                "impressions_differ.ranking_samples": 0,
                "impressions_differ.positives": 0,
            }

    @pytest.mark.parametrize(
        "change",
        [
            {"impression_id": "z"},
            {"user_id": 8},
            {"request_id": 2},
            {"item_id": 9},
            {"position": 1},
            {"position": None},
            {"impression_ts": at("12:01")},
        ],
        ids=str,
    )
    def it_counts_a_row_with_another_value(self, spark: SparkSession, change: Row) -> None:
        rows = of_table(spark, "ranking_samples", LOGGED[0] | change, *LOGGED[1:])
        assert self.one(spark, rows) == 1

    @pytest.mark.parametrize(
        ("name", "value", "wrong"), [("scene", "shop", 3), ("page", None, 2), ("page", 3, 1)]
    )
    def it_counts_rows_with_another_carried_value(
        self, spark: SparkSession, name: str, value: Any, wrong: int
    ) -> None:
        column = F.lit(value).cast("string" if name == "scene" else "int")
        changed = {
            table: of_table(spark, table, *LOGGED).withColumn(name, column)
            for table in ("ranking_samples", "positives")
        }
        found = self.differing(of_log(spark, *LOGGED), **changed)
        assert set(found.values()) == {wrong}

    def it_takes_no_row_that_is_rejected_or_of_another_date(self, spark: SparkSession) -> None:
        rows = of_table(spark, "ranking_samples", *LOGGED)
        for other in ({"valid": False}, {"event_us": us(days=1)}, {"event_us": us(days=-1)}):
            assert self.one(spark, rows, (LOGGED[0] | other, *LOGGED[1:])) == 1

    def it_lets_either_of_two_repeated_impressions_stay(self, spark: SparkSession) -> None:
        logged = (*LOGGED, shown("a", 5, position=9))
        for place in (2, 9):
            rows = of_table(spark, "ranking_samples", LOGGED[0] | {"position": place}, *LOGGED[1:])
            assert self.one(spark, rows, logged) == 0

    def it_counts_rows_that_were_neither_viewed_nor_clicked(self, spark: SparkSession) -> None:
        views = (True, False, None, False)
        logged = [shown(str(n), n, viewed=viewed) for n, viewed in enumerate(views)]
        rows = of_table(spark, "ranking_samples", *logged)
        for clicked, wrong in (((3,), 2), ((1, 2, 3), 0), ((0, 1, 2, 3), 0), ((), 3)):
            labels = F.col("item_id").isin(*clicked).cast("int")
            assert self.one(spark, rows.withColumn("label", labels), logged) == wrong

    def it_looks_at_some_of_many_rows(self, spark: SparkSession) -> None:
        rows = [shown(str(n), 5, request=n) for n in range(400)]
        tables = {
            name: of_table(spark, name, *rows)
            .withColumn("scene", F.lit("shop"))
            .withColumn("shuffle_key", F.xxhash64("request_id"))
            for name in ("ranking_samples", "positives")
        }
        logged = of_log(spark, *rows)
        row_samples = {"ranking_samples": RowSample(4, 1), "positives": RowSample(2, 0)}
        every, some = impression_figures(tables, logged, THE_DAY, row_samples)
        assert 50 < (every.value or 0) < 150
        assert 150 < (some.value or 0) < 250
        assert every.detail == "looked at 1 in 4 rows"
        assert some.detail == "looked at 1 in 2 rows"


class DescribeToldImpressions:
    @pytest.mark.parametrize(
        ("written", "carry", "looked_up"),
        [
            (("positives", "training_samples"), False, ()),
            (("positives", "training_samples"), True, ("positives",)),
            (("training_samples", "easy_negatives"), True, ("training_samples",)),
            (("positives", "ranking_samples"), False, ("ranking_samples",)),
            (("positives", "ranking_samples"), True, ("ranking_samples", "positives")),
            (("training_samples_pointwise", "item_stats"), True, ()),
        ],
    )
    def it_gives_those_that_say_what_no_other_gate_judges(
        self,
        spark: SparkSession,
        written: tuple[str, ...],
        carry: bool,
        looked_up: tuple[str, ...],
    ) -> None:
        rows = spark.createDataFrame([(1,)], "request_id bigint")
        of = of_log(spark, *LOGGED, carry=carry)
        assert tuple(stated_impressions(dict.fromkeys(written, rows), of)) == looked_up

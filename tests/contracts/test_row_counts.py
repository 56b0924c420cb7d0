"""Every row is accounted for, and every rejected row is kept as text."""

import dataclasses
import json
import random
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.contracts.counts import RowCounts, census_of, count_rows
from winnow.contracts.rejected import as_rejected, rejected_rows, with_copy_numbers
from winnow.contracts.repeated_keys import repeated_hashes
from winnow.contracts.rows import deduplicated, deduplicated_where_repeated, on_date, valid_rows
from winnow.dates import CalendarDay
from winnow.errors import ConservationError

from tests.contracts.logs_for_tests import (
    DAY,
    NOON_S,
    NOON_US,
    TODAY,
    config,
    impressions,
    opened,
    rows,
    write,
    write_text,
)
from tests.near_equal import near_equal

TOMORROW = date(2026, 1, 3)


def expected_counts(lines: list[list[str]], anonymous: set[str]) -> RowCounts:
    """The counts of a dirty CSV log, by a slow and obvious reference."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    keys = set()
    for fields in lines:
        if len(fields) != 4:
            counts["rejected"] += 1
            reasons["unreadable"] += 1
            continue
        request, user, item, ts = fields
        in_range = ts.isdigit() and 946_684_800 <= int(ts) < 4_102_444_800
        if in_range and datetime.fromtimestamp(int(ts), tz=UTC).date() != DAY:
            counts["other_date"] += 1
            continue
        if user in anonymous:
            counts["filtered"] += 1
            continue
        codes = set()
        for value in (request, user, item, ts):
            if value == "":
                codes.add("missing")
            elif not value.lstrip("-").isdigit():
                codes.add("unreadable")
        if ts.lstrip("-").isdigit() and not in_range:
            codes.add("time_out_of_range")
        reasons.update(codes)
        counts["rejected" if codes else "fine"] += 1
        if not codes:
            keys.add((request, user, item))
    return RowCounts(
        read=len(lines),
        valid=len(keys),
        duplicate=counts["fine"] - len(keys),
        rejected=counts["rejected"],
        filtered=counts["filtered"],
        other_date=counts["other_date"],
        anonymous=counts["filtered"],
        reasons=dict(reasons),
    )


class DescribeCountRows:
    @pytest.mark.parametrize("seed", [0, *near_equal(1, 2)])
    def it_accounts_for_every_row_of_a_dirty_log(
        self, spark: SparkSession, tmp_path: Path, seed: int
    ) -> None:
        dice = random.Random(seed)
        times = [str(NOON_S), str(NOON_S + 86_400), "-1", "99999999999999999999", "", "noon"]
        lines = [
            [
                dice.choice(["1", "2", "", "x"]),
                dice.choice(["5", "6", "0", "-1", "", "y"]),
                dice.choice(["7", "8", ""]),
                times[0] if dice.random() < 0.6 else dice.choice(times),
            ][: 3 if dice.random() < 0.05 else 4]
            for _ in range(600)
        ]
        text = "\n".join(["request_id,user_id,item_id,ts", *map(",".join, lines)])
        write_text(tmp_path / "impressions" / f"date={DAY}" / "a.csv", text)
        log = opened(spark, config(impressions(partition={"column": "date"})), tmp_path)
        counts = count_rows(log, TODAY)
        expected = expected_counts(lines, {"", "0", "-1"})
        # A count that no bigint can hold is not a number that was read.
        huge = sum(1 for line in lines if len(line) == 4 and line[3] == times[3])
        assert huge > 0
        assert counts.adds_up
        assert dataclasses.replace(counts, reasons={}, nobody={}) == dataclasses.replace(
            expected, reasons={}
        )
        assert sum(counts.nobody.values()) == counts.anonymous
        assert counts.reasons["missing"] == expected.reasons["missing"]
        mine = valid_rows(log).where(F.col("event_us").between(TODAY.start_us, TODAY.end_us - 1))
        assert deduplicated(mine, log.contract).count() == counts.valid
        repeated = repeated_hashes(census_of(log, TODAY))
        few = deduplicated_where_repeated(mine, log.contract, repeated, counts.duplicate)
        assert few.exceptAll(deduplicated(mine, log.contract)).count() == 0
        assert few.count() == counts.valid
        assert rejected_rows(log, TODAY).count() == counts.rejected

    def it_tells_repeated_keys_of_a_log_without_a_fault(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        path = tmp_path / "impressions" / f"date={DAY}" / "a.parquet"
        keys = [(n % 5, 1 + n % 3, n % 4, NOON_S) for n in range(200)]
        write(path, rows(*keys))
        log = opened(spark, config(impressions(partition={"column": "date"})), tmp_path)
        different = len(set(keys))
        assert 1 < different < 200
        assert count_rows(log, TODAY) == RowCounts(200, different, 200 - different, 0, 0, 0, 0, {})

    def it_counts_a_row_without_time_in_one_build_only(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        for folder in (DAY, TOMORROW):
            path = tmp_path / "impressions" / f"date={folder}" / "a.parquet"
            write(path, rows((1, 2, 3, NOON_S), (1, 2, 3, NOON_S), (1, 2, 4, -1)))
        partition = {"column": "date", "lag_days": 1}
        log = opened(spark, config(impressions(partition=partition)), tmp_path)
        late = {"time_out_of_range": 1}
        assert count_rows(log, TODAY) == RowCounts(6, 1, 3, 1, 0, 1, 0, late)
        assert count_rows(log, CalendarDay(TOMORROW)) == RowCounts(6, 0, 0, 1, 0, 5, 0, late)

    def it_refuses_rows_that_the_files_do_not_hold(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows((1, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        with pytest.raises(ConservationError, match="found 2, expected 1"):
            count_rows(dataclasses.replace(log, frame=log.frame.union(log.frame)), TODAY)


class DescribeRejectedRows:
    def it_writes_nested_values_in_source_order(self, spark: SparkSession, tmp_path: Path) -> None:
        table = rows((1, 2, 3, -1), (1, 2, 4, -1))
        nested = pa.array([[{"b": [1.5, None, float("nan")], "a": "ü"}], None])
        stamps = pa.array([NOON_US, 2**62], pa.timestamp("us", "UTC"))
        table = (
            table.append_column("z", nested)
            .append_column("at", stamps)
            .append_column("m", pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())))
            .append_column("d", pa.array([Decimal("1.50"), None]))
            .append_column("day", pa.array([DAY, None]))
            .append_column("raw", pa.array([b"\x00\xff", None]))
            .append_column("ok", pa.array([True, None]))
        )
        write(tmp_path / "impressions" / "a.parquet", table)
        log = opened(spark, config(impressions()), tmp_path)
        found = with_copy_numbers(rejected_rows(log, TODAY)).orderBy("raw").collect()
        assert found[0].raw == (
            '{"request_id":1,"user_id":2,"item_id":3,"ts":-1,"z":[{"b":[1.5,null,"nan"],"a":"ü"}],'
            '"at":"2026-01-02T12:00:00.000000Z","m":[["k",1]],"d":"1.50","day":"2026-01-02",'
            '"raw":"00ff","ok":true}'
        )
        assert json.loads(found[1].raw)["at"] == "4611686018427387904 us since 1970"
        assert json.loads(found[1].raw)["m"] == []
        assert found[0].event_ts is None

    def it_numbers_equal_texts_over_the_union_of_parts(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows(*[(1, 2, 3, -1)] * 3, (1, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        valid = log.frame.where(on_date(log, TODAY) & (F.size("reject_reasons") == 0))
        orphan = valid.withColumn("reject_reasons", F.array(F.lit("orphan: no impression")))
        both = rejected_rows(log, TODAY).unionByName(as_rejected(orphan, "impressions"))
        found = with_copy_numbers(both.repartition(3)).orderBy("raw", "copy_no").collect()
        assert [(r.log, r.copy_no) for r in found] == [
            ("impressions", 0),
            ("impressions", 0),
            ("impressions", 1),
            ("impressions", 2),
        ] or [r.copy_no for r in found] == [0, 1, 2, 0]
        assert with_copy_numbers(both).columns == ["log", "raw", "copy_no", "reasons", "event_ts"]
        assert dict(with_copy_numbers(both).dtypes)["copy_no"] == "int"
        assert {tuple(r.reasons) for r in found if r.event_ts} == {("orphan: no impression",)}


class DescribeUsersThatMayMeanNobody:
    @pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
    def it_names_the_values_that_mean_nobody_and_those_that_may(
        self, spark: SparkSession, tmp_path: Path, name: str
    ) -> None:
        users = ["u1", "NULL", "0", "0", "nan", "<NA>", " Undefined", "nan", "", "u2", None]
        values = [{"request_id": 1, "user_id": u, "item_id": 3, "ts": NOON_S} for u in users]
        if name == "a.csv":
            lines = [",".join(str(v or "") for v in row.values()) for row in values]
            write_text(tmp_path / "impressions" / name, "\n".join([",".join(values[0]), *lines]))
        else:
            write(tmp_path / "impressions" / name, pa.Table.from_pylist(values))
        log = opened(spark, config(impressions(), ids={"user": "string"}), tmp_path)
        counts = count_rows(log, TODAY)
        # The two rows of one key are found, though their user is odd.
        assert (counts.valid, counts.duplicate) == (5, 1)
        assert counts.suspicious == {"nan": 2, "<na>": 1, "undefined": 1}
        empty = 2 if name == "a.csv" else 1
        assert counts.nobody == {"": empty, "0": 2, "NULL": 1}

    def it_takes_a_user_0_that_is_not_said_to_be_nobody_as_suspicious(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(
            tmp_path / "impressions" / "a.parquet",
            rows(*[(1, user, 3, NOON_S) for user in (0, 1, 2, -1, -(2**63))]),
        )
        settings = config(impressions(), identity={"anonymous_values": ["-1"]})
        counts = count_rows(opened(spark, settings, tmp_path), TODAY)
        assert counts.suspicious == {"0": 1, str(-(2**63)): 1}
        assert counts.nobody == {"-1": 1}

"""Parquet files of several writers in one log: no file decides how another one is read."""

import itertools
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.errors import InputError

from tests.contracts.logs_for_tests import NOON_S, NOON_US, config, impressions, opened, rows, write
from tests.near_equal import near_equal

TEXT = pa.array(["a", None, "ü"])
LISTS = pa.array([["a", "b"], None, []], pa.list_(pa.string()))
STRUCTS = pa.array([{"x": 1, "t": "a"}, None, {"x": None, "t": None}])
TIMES = pa.array([NOON_US, None, NOON_US], pa.timestamp("us", "UTC"))
NUMBERS = pa.array([2**32 - 1, None, 0], pa.int64())
AS = pa.struct([("x", pa.int64()), ("t", pa.string())])


def dictionary(values: pa.Array, index: pa.DataType, kind: pa.DataType) -> pa.Array:
    return values.cast(kind).dictionary_encode().cast(pa.dictionary(index, kind))


KINDS: dict[str, list[pa.Array]] = {
    "text": [
        TEXT,
        TEXT.cast(pa.large_string()),
        TEXT.cast(pa.string_view()),
        dictionary(TEXT, pa.int32(), pa.string()),
        dictionary(TEXT, pa.int8(), pa.large_string()),
    ],
    "lists": [
        LISTS,
        LISTS.cast(pa.large_list(pa.large_string())),
        LISTS.cast(pa.list_(pa.field("element", pa.string()))),
        pa.array(LISTS.to_pylist(), pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    ],
    "structs": [
        STRUCTS.cast(AS),
        STRUCTS.cast(pa.struct([("x", pa.int64()), ("t", pa.large_string())])),
        pa.array(
            STRUCTS.to_pylist(),
            pa.struct([("x", pa.int64()), ("t", pa.dictionary(pa.int8(), pa.string()))]),
        ),
    ],
    "times": [
        TIMES,
        TIMES.cast(pa.timestamp("ms", "UTC")),
        TIMES.cast(pa.timestamp("us", "Europe/Berlin")),
        TIMES.cast(pa.timestamp("s", "Asia/Tokyo")),
        pa.array([NOON_US * 1000 + 999, None, NOON_US * 1000], pa.timestamp("ns", "UTC")),
    ],
    "numbers": [NUMBERS, NUMBERS.cast(pa.uint32())],
    "lists of numbers": [
        pa.array([[2**32 - 1, None], None, []], pa.list_(kind))
        for kind in (pa.int64(), pa.uint32())
    ],
}


def base(first: int) -> pa.Table:
    return rows(*((1, 2, first + place, NOON_S) for place in range(3)))


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        # On both engines: what comes after a file of the most common way.
        case
        for kind, values in KINDS.items()
        for order in itertools.permutations(range(len(values)), 2)
        for case in ([(kind, order)] if order[0] == 0 else near_equal((kind, order)))
    ],
)
class DescribeOneTypeHeldInSeveralWays:
    def it_reads_the_same_values_whichever_file_comes_first(
        self, spark: SparkSession, tmp_path: Path, kind: str, order: tuple[int, ...]
    ) -> None:
        for place, number in enumerate(order):
            table = base(10 * place).append_column("v", KINDS[kind][number])
            write(tmp_path / "impressions" / f"{place}.parquet", table)
        # No table holds structs; what has to be converted is read only where it is used.
        carry, name = ([], "source_row.v") if kind == "structs" else (["v"], "v")
        log = opened(spark, config(impressions(), carry=carry), tmp_path)
        row = log.frame.select("item_id", name).orderBy("item_id").collect()
        expected = KINDS[kind][0].to_pylist()
        if kind == "structs":
            found = [None if r.v is None else r.v.asDict() for r in row]
        elif kind == "times":
            found = [None if r.v is None else r.v.replace(tzinfo=None) for r in row]
            expected = [None if v is None else v.replace(tzinfo=None) for v in expected]
        else:
            found = [r.v for r in row]
        assert [r.item_id for r in row] == [0, 1, 2, 10, 11, 12]
        assert found == [*expected, *expected]


class DescribeFilesThatDiffer:
    def it_reads_columns_in_any_order(self, spark: SparkSession, tmp_path: Path) -> None:
        table = rows((1, 2, 3, NOON_S))
        for place, names in enumerate(itertools.permutations(table.column_names)):
            write(tmp_path / "impressions" / f"{place:02}.parquet", table.select(names))
        log = opened(spark, config(impressions()), tmp_path)
        found = log.frame.select("request_id", "user_id", "item_id", "event_us").collect()
        assert found == [(1, 2, 3, NOON_US)] * 24

    @pytest.mark.one_engine
    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (pa.array([3], pa.int64()), pa.array([3], pa.int32())),
            (pa.array([3], pa.int64()), pa.array(["3"])),
            (pa.array([3], pa.int64()), pa.array([3], pa.uint64())),
        ],
    )
    def it_names_both_types_of_a_mapped_column(
        self, spark: SparkSession, tmp_path: Path, one: pa.Array, other: pa.Array, turned: bool
    ) -> None:
        for name, values in zip("ab", (other, one) if turned else (one, other), strict=True):
            table = rows((1, 2, 3, NOON_S)).set_column(2, "item_id", values)
            write(tmp_path / "impressions" / f"{name}.parquet", table)
        with pytest.raises(InputError) as caught:
            opened(spark, config(impressions()), tmp_path)
        assert "item_id" in str(caught.value)

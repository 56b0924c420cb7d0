"""Rows in Arrow are hashed as an engine hashes them: two ways that know nothing of each other."""

import math
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.errors import ReleaseError
from winnow.operations.arrow_row_hash import row_hashes, total_of
from winnow.release.content_hash import content_hash_of_columns, row_hash
from winnow.release.release import ContentHash

TYPES = {
    "a_date": "date",
    "a_flag": "boolean",
    "a_byte": "tinyint",
    "a_short": "smallint",
    "an_int": "int",
    "a_long": "bigint",
    "a_float": "float",
    "a_double": "double",
    "a_text": "string",
    "a_time": "timestamp",
    "longs": "array<bigint>",
    "ints": "array<int>",
    "doubles": "array<double>",
    "texts": "array<string>",
    "flags": "array<boolean>",
}


def value(kind: str, random: Random) -> Any:
    if random.random() < 0.2:
        return None
    if kind.startswith("array"):
        return [value(kind[6:-1], random) for _ in range(random.choice((0, 1, 2, 7)))]
    bits = {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}.get(kind)
    if bits:
        return random.choice((0, -1, 2**bits - 1, -(2**bits), random.randrange(2**bits)))
    if kind in ("float", "double"):
        return random.choice((0.0, -0.0, math.nan, math.inf, -math.inf, 0.1, random.gauss(0, 9)))
    if kind == "string":
        letters = "aé漢😀 '\"\\"
        return "".join(random.choice(letters) for _ in range(random.randrange(80)))
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "date":
        return date.fromordinal(random.randrange(719_000, 740_000))
    return datetime.fromtimestamp(random.randrange(-(10**9), 4 * 10**9), UTC).replace(
        microsecond=random.randrange(10**6)
    )


class DescribeRowHashes:
    def it_is_what_the_engine_finds_for_every_type(self, spark: SparkSession) -> None:
        random = Random(5)
        rows = [tuple(value(kind, random) for kind in TYPES.values()) for _ in range(400)]
        schema = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        frame = spark.createDataFrame(rows, schema)
        both = frame.withColumn("hash", row_hash(frame.schema)).toArrow()
        found = row_hashes(both.drop_columns(["hash"]))
        assert len(set(found.tolist())) > 390
        assert found.tolist() == both["hash"].to_pylist()
        hashed = content_hash_of_columns(frame)
        assert ContentHash(len(found), str(total_of(found))) == hashed

    def it_is_the_same_for_slices(self) -> None:
        lists = pa.array([[1, 2], None, [], [None, 3], [4]], pa.list_(pa.int64()))
        texts = pa.array(["a", None, "", "ü" * 40, "b"])
        rows = pa.table({"lists": lists, "texts": texts})
        whole = row_hashes(rows)
        parts = [row_hashes(rows.slice(i, 1)) for i in range(5)]
        assert np.concatenate(parts).tolist() == whole.tolist()
        assert len(set(whole.tolist())) == 5

    def it_adds_up_beyond_64_bits(self) -> None:
        assert total_of(np.full(9, 2**63 - 1)) == 9 * (2**63 - 1)
        assert total_of(np.full(9, -(2**63))) == -9 * 2**63
        assert total_of(np.empty(0, np.int64)) == 0

    def it_refuses_a_type_that_it_does_not_know(self) -> None:
        with pytest.raises(ReleaseError, match="odd"):
            row_hashes(pa.table({"odd": pa.array([{"a": 1}])}))

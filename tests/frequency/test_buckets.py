"""Buckets are those of the sampler's hashes, and even."""

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.frequency.buckets import FREQUENCY_STREAM, buckets_of, keys_of
from winnow.sampler.kernels import hashing

U = np.uint64


class DescribeBuckets:
    def it_hashes_as_the_kernels_do(self) -> None:
        keys = keys_of([0, 1, -5, 2**62, 7])
        found = buckets_of(keys, 3, 1_000_003)
        stream = hashing.fold(U(hashing.mix64(U(0))), U(FREQUENCY_STREAM))
        for number in range(3):
            state = U(hashing.fold(U(stream), U(number)))
            wanted = [hashing.below(U(hashing.fold(state, U(k))), U(1_000_003)) for k in keys]
            assert found[number].tolist() == wanted

    def it_fills_all_buckets_evenly(self) -> None:
        found = buckets_of(np.arange(100_000, dtype=np.uint64), 2, 10)
        for of_array in found:
            counts = np.bincount(of_array, minlength=10)
            assert len(counts) == 10
            # Nine degrees of freedom: more than 33.7 in one of 10,000 cases.
            assert ((counts - 10_000) ** 2 / 10_000).sum() < 33.7

    def it_spreads_items_of_one_bucket_over_those_of_another_array(self) -> None:
        found = buckets_of(np.arange(100_000, dtype=np.uint64), 2, 100)
        together = np.bincount(found[1][found[0] == 5], minlength=100)
        assert together.min() > 0
        assert ((together - together.mean()) ** 2 / together.mean()).sum() < 160

    def it_has_one_bucket_where_there_is_one(self) -> None:
        assert buckets_of(keys_of([1, 2, 3]), 1, 1).tolist() == [[0, 0, 0]]


class DescribeKeys:
    def it_takes_whole_numbers_of_any_width_as_they_are(self) -> None:
        for kind in (np.int8, np.int32, np.int64):
            assert keys_of(np.array([3, -1], kind)).view(np.int64).tolist() == [3, -1]
        assert keys_of(np.array([3, 255], np.uint8)).tolist() == [3, 255]

    def it_hashes_texts_as_the_engine_does(self, spark: SparkSession) -> None:
        texts = ["", "a", "item-7", "Ärger", "x" * 31, "x" * 32, "y" * 77, "sku:123456789"]
        rows = spark.createDataFrame([(text,) for text in texts], "text string")
        wanted = {row.text: row.key for row in rows.select("text", F.xxhash64("text").alias("key"))
                  .collect()}  # fmt: skip
        found = keys_of([*texts, "a"]).view(np.int64).tolist()
        assert found == [wanted[text] for text in [*texts, "a"]]

    def it_refuses_what_is_neither(self) -> None:
        with pytest.raises(TypeError, match="whole numbers or texts, not float64"):
            keys_of([1.0, 2.0])
        with pytest.raises(TypeError, match="not object"):
            keys_of(["a", None])

    def it_takes_no_items(self) -> None:
        assert keys_of([]).tolist() == []

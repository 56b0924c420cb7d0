"""The order of files, computed again: by other code than the sampler's, with the same numbers."""

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.audit.gates.shuffle import shuffle_figure, shuffled_tables
from winnow.sampler.kernels.hashing import U, seed_state
from winnow.sampler.kernels.positives import shuffle_keys

from tests.audit.small import Row, config, frame
from tests.sampler.reference import fold

SETTINGS = config(seed=20)


def key_by_the_sampler(user: int, request: int, item: int) -> int:
    state = int(seed_state(U(20), U(0)))
    for number in (user, request, item):
        state = fold(state, number % 2**64)
    return int(shuffle_keys(np.array([state], np.uint64))[0])


def positives(n: int) -> list[Row]:
    keys = [(7 - n, 10**12 + n, n % 3) for n in range(n)]
    names = ("user_id", "request_id", "item_id")
    return [
        dict(zip(names, key, strict=True)) | {"shuffle_key": key_by_the_sampler(*key)}
        for key in keys
    ]


class DescribeShuffleFigure:
    def it_finds_the_keys_that_the_sampler_gave(self, spark: SparkSession) -> None:
        rows = frame(spark, "positives", positives(50), SETTINGS)
        assert shuffle_figure("positives", rows, SETTINGS, 1).value == 0
        other = config(seed=21)
        assert shuffle_figure("positives", rows, other, 1).value == 50

    def it_finds_the_same_keys_in_every_epoch(self, spark: SparkSession) -> None:
        rows = frame(spark, "positives", positives(50), SETTINGS)
        assert shuffle_figure("positives", rows, config(seed=20, epoch=4), 1).value == 0

    def it_counts_each_key_that_is_another(self, spark: SparkSession) -> None:
        rows = frame(spark, "positives", positives(50), SETTINGS)
        users = rows.withColumn("user_id", F.when(F.col("item_id") > 0, 1).otherwise(2))
        assert (shuffle_figure("positives", users, SETTINGS, 1).value or 0) >= 48
        one = rows.withColumn(
            "shuffle_key", F.col("shuffle_key") + (F.col("user_id") == 7).cast("int")
        )
        assert shuffle_figure("positives", one, SETTINGS, 1).value == 1

    def it_looks_at_some_requests_of_many(self, spark: SparkSession) -> None:
        """Whatever their keys are: these are all the same."""
        rows = frame(spark, "positives", positives(100), SETTINGS)
        one_key = rows.withColumn("shuffle_key", F.lit(2**62))
        found = shuffle_figure("positives", one_key, SETTINGS, 4)
        assert 10 < (found.value or 0) < 45
        assert found.detail == "looked at 1 in 4 requests"

    def it_takes_the_item_of_the_positive_in_the_pointwise_form(self, spark: SparkSession) -> None:
        made = [
            {
                **row,
                "pos_item_id": row["item_id"],
                "item_id": row["item_id"] * (1 - n),
                "label": 1 - n,
            }
            for row in positives(5)
            for n in range(2)
        ]
        rows = frame(spark, "training_samples_pointwise", made, SETTINGS)
        figure = shuffle_figure("training_samples_pointwise", rows, SETTINGS, 1)
        assert (figure.value, figure.subject) == (0, "training_samples_pointwise")

    @pytest.mark.parametrize("table", ["easy_negatives", "hard_negatives"])
    def it_takes_the_positive_of_a_negative(self, spark: SparkSession, table: str) -> None:
        made = [{**row, "neg_item_id": n} for row in positives(5) for n in range(3)]
        rows = frame(spark, table, made, SETTINGS)
        assert shuffle_figure(table, rows, SETTINGS, 1).value == 0
        other = rows.withColumn("item_id", F.col("neg_item_id") + 100)
        assert shuffle_figure(table, other, SETTINGS, 1).value == 15
        one_key = rows.withColumn("shuffle_key", F.lit(5).cast("bigint"))
        assert shuffle_figure(table, one_key, SETTINGS, 1).value == 5


class DescribeShuffledTables:
    @pytest.mark.parametrize(
        ("written", "judged"),
        [
            (("easy_negatives", "training_samples", "positives"), ("training_samples",)),
            (("hard_negatives", "positives"), ("positives", "hard_negatives")),
            (("easy_negatives", "ranking_samples"), ("easy_negatives",)),
            (("ranking_samples", "item_stats"), ()),
        ],
    )
    def it_gives_training_samples_or_all_the_others(
        self, spark: SparkSession, written: tuple[str, ...], judged: tuple[str, ...]
    ) -> None:
        rows = spark.createDataFrame([(1,)], "shuffle_key bigint")
        assert shuffled_tables(dict.fromkeys(written, rows)) == judged

"""Shares that no log should have, and small logs that are not judged by them."""

import pytest
from pyspark.sql import SparkSession
from winnow.audit.gates.plausibility import clicked_share, nobody_figures, top_user_share
from winnow.contracts.counts import RowCounts

from tests.audit.small import by_name

NOBODY = {"0": 32, "-1": 3}


class DescribeAClickedShare:
    def it_is_clicks_of_what_was_shown(self) -> None:
        assert clicked_share(99, 100).value == 0.99

    def it_is_not_judged_of_few_rows(self) -> None:
        figure = clicked_share(49, 49)
        assert (figure.value, figure.detail) == (0.0, "49 of 49 impressions, too few to judge")


class DescribeUsersThatMeanNobody:
    def it_names_the_value_that_drops_most_rows(self) -> None:
        counts = RowCounts(110, 60, 0, 5, 45, 0, 35, {}, nobody=NOBODY)
        [anonymous, suspicious] = nobody_figures({"impressions": counts})
        assert anonymous.name == "anonymous_share.impressions"
        assert anonymous.value == 0.32
        assert "'0', which 32 of 100 rows" in anonymous.detail
        assert suspicious.value == 0.0

    def it_names_ids_that_are_kept_and_may_mean_nobody(self) -> None:
        counts = RowCounts(100, 90, 10, 0, 0, 0, 0, {}, suspicious={"nan": 5, "<na>": 20})
        figure = nobody_figures({"clicks": counts})[1]
        assert (figure.name, figure.value) == ("suspicious_user_share.clicks", 0.25)
        assert "'nan' 5, '<na>' 20" in figure.detail

    def it_does_not_judge_a_row_or_two_and_no_items(self) -> None:
        few = RowCounts(4, 2, 0, 0, 2, 0, 2, {}, nobody={"0": 2}, suspicious={"nan": 2})
        found = by_name(nobody_figures({"clicks": few, "items": few}))
        assert found == {"anonymous_share.clicks": 0.0, "suspicious_user_share.clicks": 0.0}


class DescribeTheShareOfOneUser:
    def figure(self, spark: SparkSession, of_users: list[int]) -> float:
        users = [(f"u{u}", r) for u, n in enumerate(of_users) for r in range(n)]
        rows = spark.createDataFrame(users, "user_id string, request_id bigint")
        value = top_user_share(rows, "positives").value
        assert value is not None
        return float(value)

    def it_is_beyond_belief_where_one_holds_90_of_91(self, spark: SparkSession) -> None:
        assert self.figure(spark, [90, 1]) > 0.25

    @pytest.mark.parametrize("of_users", [[90], [30, 30, 30], [20, 14, 11, 10, 8, 7], [49]])
    def it_says_nothing_of_few_users_of_whom_one_is_busier(
        self, spark: SparkSession, of_users: list[int]
    ) -> None:
        assert self.figure(spark, of_users) <= 0.05

    def it_is_weighed_beside_an_even_share_and_chance(self, spark: SparkSession) -> None:
        assert 0.05 < self.figure(spark, [100, *[1] * 900]) < 0.1

    def it_names_the_user(self, spark: SparkSession) -> None:
        rows = spark.createDataFrame(
            [("NA", 1)] * 60 + [("x", 2)], "user_id string, request_id int"
        )
        assert "user 'NA' has 60 of 61 rows of 2 users" in top_user_share(rows, "x").detail

    def it_is_none_of_no_rows(self, spark: SparkSession) -> None:
        assert self.figure(spark, []) == 0.0

"""A day of edge cases, built as a whole: each test reads what became of one user."""

import math
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.errors import InputError

from tests.events import edge_cases
from tests.events.edge_cases import BORN_TODAY, NOT_YET_ELIGIBLE, RETIRED, WHOLE_CATALOGUE
from tests.events.handmade import Built, at, build_day


class DescribeNegatives:
    def it_takes_easy_ones_from_the_catalogue_and_hard_ones_from_the_request(
        self, built: Built
    ) -> None:
        row = built.only("training_samples", user_id=1)
        assert (row["n_easy"], row["n_hard"], row["n_fill"], row["shortfall"]) == (4, 4, 0, 0)
        assert row["neg_source"][:4] == [0, 0, 0, 0]
        assert set(row["neg_source"][4:]) <= {2, 3}
        assert not {10, 11} & set(row["neg_item_ids"])

    def it_says_why_each_hard_one_is_one(self, built: Built) -> None:
        known = {
            **{item: ("cut", "coarse", 1, item - 9, 10) for item in range(15, 20)},
            **{item: ("low", "fine", 2, item - 9, 5) for item in range(12, 15)},
        }
        rows = built.rows("hard_negatives", user_id=1)
        assert len(rows) == 4
        for row in rows:
            columns = ("source", "stage", "hardness", "stage_rank", "stage_size")
            assert tuple(row[c] for c in columns) == known[row["neg_item_id"]]
            assert row["stage_score"] == pytest.approx(1.01 - row["stage_rank"] / 100)
            assert row["incl_prob"] == 0.5

    def it_keeps_the_row_of_a_user_who_was_shown_the_whole_catalogue(self, built: Built) -> None:
        row = built.only("training_samples", user_id=2)
        assert (row["n_requested"], row["shortfall"]) == (8, 8)
        for name in ("item_ids", "source", "hardness", "log_q", "incl_prob"):
            assert row[f"neg_{name}"] == []
        assert built.reasons(user_id=2) == {"all_forbidden": 4, "catalogue_exhausted": 4}
        assert built.rows("positives", user_id=2, item_id=20)
        assert not built.rows("easy_negatives", user_id=2)
        assert not built.rows("hard_negatives", user_id=2)

    def it_fills_up_a_request_without_ranking_rows(self, built: Built) -> None:
        row = built.only("training_samples", user_id=3)
        assert (row["n_easy"], row["n_hard"], row["n_fill"], row["shortfall"]) == (4, 0, 4, 0)
        assert row["neg_source"] == [0, 0, 0, 0, 1, 1, 1, 1]
        assert row["neg_incl_prob"] == [None] * 8
        assert None not in row["neg_log_q"]
        assert built.reasons(user_id=3) == {"request_not_logged": 4}
        fills = built.rows("easy_negatives", user_id=3, source="easy_fill")
        assert sorted(fill["draw_no"] for fill in fills) == [4, 5, 6, 7]

    def it_fills_up_where_every_candidate_is_forbidden(self, built: Built) -> None:
        assert built.only("training_samples", user_id=4)["n_fill"] == 4
        assert built.reasons(user_id=4) == {"all_forbidden": 4}
        assert not {20, 21} & built.negatives(user_id=4)

    def it_takes_the_whole_pool_where_it_is_too_small(self, built: Built) -> None:
        assert built.hard(user_id=5) == {23, 24}
        row = built.only("training_samples", user_id=5)
        assert (row["n_hard"], row["n_fill"]) == (2, 2)
        assert row["neg_incl_prob"] == [None] * 4 + [1.0, 1.0] + [None] * 2
        assert [q is None for q in row["neg_log_q"]] == [False] * 4 + [True] * 2 + [False] * 2
        assert built.reasons(user_id=5) == {"pool_too_small": 2}

    def it_never_takes_an_item_that_may_not_be_recommended_on_the_date(self, built: Built) -> None:
        assert built.hard(user_id=12) == {BORN_TODAY, 31}
        drawn = {row["neg_item_id"] for row in built.tables["easy_negatives"]}
        assert not {NOT_YET_ELIGIBLE, RETIRED} & (drawn | built.negatives())
        assert {row["item_id"] for row in built.tables["item_stats"]} == set(WHOLE_CATALOGUE)

    def it_may_take_what_other_users_were_shown_and_clicked(self, built: Built) -> None:
        assert built.hard(user_id=16) == {10, 20, 31, 32}

    def it_declares_the_exact_probability_of_every_easy_draw(self, built: Built) -> None:
        weights = {row["item_id"]: row["weight"] for row in built.tables["item_stats"]}
        # What users 1 and 5 were shown or clicked, read off the logs.
        for user, forbidden in ((1, {10, 11}), (5, {1})):
            allowed = sum(w for item, w in weights.items() if item not in forbidden)
            for row in built.rows("easy_negatives", user_id=user):
                weight = weights[row["neg_item_id"]]
                assert row["log_q"] == pytest.approx(math.log(weight / allowed), abs=2e-9)
                assert row["q"] == weight / sum(weights.values())


class DescribeAttribution:
    def it_counts_a_click_exactly_at_the_end_of_the_window(self, built: Built) -> None:
        assert built.only("positives", user_id=6)["click_ts"] == at("10:00", 1)

    def it_does_not_count_a_click_one_microsecond_later(self, built: Built) -> None:
        assert not built.rows("positives", user_id=7)
        assert [row["label"] for row in built.rows("ranking_samples", user_id=7)] == [0]

    def it_calls_that_click_an_orphan_on_its_own_date(self, built: Built) -> None:
        late = [row for row in built.tables["rejected"] if '"request_id":107,' in row["raw"]]
        assert [row["reasons"] for row in late] == [
            ["orphan: no impression of this click lies in the attribution window before it"]
        ]

    def it_leaves_tomorrows_clicks_to_tomorrow(self, built: Built) -> None:
        assert not [row for row in built.tables["rejected"] if '"request_id":1071' in row["raw"]]

    def it_gives_a_click_after_midnight_to_the_date_of_its_impression(self, built: Built) -> None:
        row = built.only("positives", user_id=8)
        assert (row["request_id"], row["item_id"]) == (1081, 11)
        assert (row["impression_ts"], row["click_ts"]) == (at("23:50"), at("00:10", 1))
        # The click at 00:10 of the date is yesterday's: neither a positive here nor an orphan.
        assert not [row for row in built.tables["rejected"] if '"request_id":108,' in row["raw"]]

    def it_gives_the_positive_to_the_impressions_user_after_a_login(self, built: Built) -> None:
        assert [row["user_id"] for row in built.rows("positives", request_id=113)] == [13]

    def it_makes_one_positive_of_an_item_that_was_shown_twice(self, built: Built) -> None:
        row = built.only("positives", user_id=15)
        assert (row["impression_ts"], row["position"]) == (at("10:00"), 3)
        assert row["click_ts"] == at("10:01")
        assert (row["action_type"], row["sample_weight"]) == ("buy", 3.0)

    def it_labels_both_showings_of_that_item(self, built: Built) -> None:
        shown = built.rows("ranking_samples", user_id=15)
        assert {row["impression_id"]: row["click_delay_ms"] for row in shown} == {
            "earlier": 60_000,
            "later": 60_000,
        }
        assert {row["action_type"] for row in shown} == {"buy"}


class DescribeExclusion:
    def it_forbids_the_item_of_an_orphan_click(self, built: Built) -> None:
        assert built.hard(user_id=9) == {31, 32, 33}
        assert 30 not in built.negatives(user_id=9)

    @pytest.mark.fault(10)
    def it_forbids_a_duplicate_impression_and_counts_it_once(self, built: Built) -> None:
        assert built.hard(user_id=10) == {31, 32, 33}
        assert len(built.rows("positives", user_id=10)) == 1
        assert len(built.rows("ranking_samples", user_id=10)) == 1
        assert built.summary.logs["impressions"].duplicate == 1

    def it_forbids_a_rejected_impression_that_is_no_positive(self, built: Built) -> None:
        assert built.hard(user_id=11) == {31, 32, 33}
        assert [row["item_id"] for row in built.rows("positives", user_id=11)] == [1]
        assert [row["item_id"] for row in built.rows("ranking_samples", user_id=11)] == [1]

    def it_forbids_the_item_to_both_users_of_a_login(self, built: Built) -> None:
        for user in (13, 14):
            assert built.hard(user_id=user) == {31, 32, 33}
            assert 30 not in built.negatives(user_id=user)

    def it_looks_back_whole_dates_and_no_further(self, built: Built) -> None:
        # 31: shown in the first microsecond of the lookback; 33: clicked in that of the clicks.
        assert built.hard(user_id=17) == {32, 34, 35}
        assert not {31, 33} & built.negatives(user_id=17)

    def it_never_gives_a_user_what_the_logs_say_it_was_shown_or_clicked(self, built: Built) -> None:
        forbidden: dict[int, set[int]] = {}
        logs = edge_cases.logs()
        for log, time, days in (("impressions", "impression_ts", 2), ("clicks", "click_ts", 3)):
            for row in logs.rows[log]:
                if at("00:00", -days) <= row[time] < at("00:00", 1):
                    forbidden.setdefault(row["user_id"], set()).add(row["item_id"])
        rows = [(r["user_id"], item) for r in built.tables["training_samples"]
                for item in r["neg_item_ids"]]  # fmt: skip
        assert len(rows) > 100
        assert [(user, item) for user, item in rows if item in forbidden[user]] == []


class DescribeRowsThatAreNotSamples:
    def it_drops_and_counts_users_that_mean_nobody(self, built: Built) -> None:
        assert built.summary.logs["impressions"].filtered == 3
        assert built.summary.logs["clicks"].filtered == 1
        for table in ("positives", "training_samples", "ranking_samples"):
            assert not {0, -1} & {row["user_id"] for row in built.tables[table]}

    @pytest.mark.fault(12)
    def it_rejects_broken_rows_and_orphans_and_nothing_else(self, built: Built) -> None:
        assert built.codes() == [
            ("clicks", "orphan"),  # user 7, too late
            ("clicks", "orphan"),  # user 9, never shown
            ("clicks", "orphan"),  # user 11, its impression is broken
            ("clicks", "orphan"),  # user 19, never shown
            ("impressions", "position_negative"),  # user 11
        ]

    @pytest.mark.fault(12)
    def it_accounts_for_every_row(self, built: Built) -> None:
        logs = edge_cases.logs()
        for log, n in built.summary.logs.items():
            parts = n.valid + n.duplicate + n.rejected + n.filtered + n.other_date
            assert parts == n.read > 0
            if log == "items":
                assert n.read == len(logs.rows[log])

    def it_has_one_ranking_sample_per_impression_of_any_user(self, built: Built) -> None:
        start, end = at("00:00"), at("00:00", 1)
        shown = {
            (row["impression_id"], row["item_id"])
            for row in edge_cases.logs().rows["impressions"]
            if start <= row["impression_ts"] < end and row["user_id"] > 0 and row["position"] >= 0
        }
        found = [(r["impression_id"], r["item_id"]) for r in built.tables["ranking_samples"]]
        assert sorted(found) == sorted(shown)


class DescribePopularity:
    def it_counts_clicks_before_the_date_within_the_window_once(self, built: Built) -> None:
        clicks = {row["item_id"]: row["clicks"] for row in built.tables["item_stats"]}
        assert {item: n for item, n in clicks.items() if n} == {33: 1, 39: 2}

    def it_weighs_by_three_quarters_of_a_power(self, built: Built) -> None:
        weights = {row["item_id"]: row["weight"] for row in built.tables["item_stats"]}
        assert weights[39] / weights[1] == pytest.approx(3**0.75, rel=1e-12)
        assert weights[33] / weights[1] == pytest.approx(2**0.75, rel=1e-12)

    def it_knows_positives_and_impressions_of_items_nobody_clicked(self, built: Built) -> None:
        row = built.only("item_stats", item_id=11)
        assert (row["clicks"], row["impressions"], row["positives"]) == (0, 4, 1)
        total = len(built.tables["positives"])
        assert row["in_batch_q"] == 1 / total


class DescribePointwise:
    def it_has_one_row_per_positive_and_negative(self, built: Built) -> None:
        rows = built.tables["training_samples_pointwise"]
        listwise = built.tables["training_samples"]
        assert sum(row["label"] == 1 for row in rows) == len(listwise)
        assert len(rows) == len(listwise) + sum(len(row["neg_item_ids"]) for row in listwise)


class DescribeALaterDateThatIsMissing:
    def it_refuses_to_build_without_the_clicks_of_the_attribution_window(
        self, spark: SparkSession, edge_case_logs: Path
    ) -> None:
        day = at("00:00", 1).date()
        with pytest.raises(InputError) as caught:
            build_day(edge_cases.settings(edge_case_logs), spark, day)
        assert "2026-01-12" in str(caught.value)
        assert "--immature" in str(caught.value)

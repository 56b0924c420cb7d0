"""Positives and items beside small logs: right ones pass, and each mistake is counted."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.audit.gates.popularity import item_figures
from winnow.audit.gates.positives import complete_figures, positive_figures
from winnow.audit.recompute.candidates import recomputed_candidates
from winnow.audit.recompute.compared_positives import recomputed_positives
from winnow.audit.recompute.counted_items import recomputed_items
from winnow.audit.recompute.keep_probs import recomputed_keep
from winnow.audit.recompute.pairs import recomputed_joins
from winnow.audit.recompute.staged_rows import StagedPositives
from winnow.config.positives import Downsampling
from winnow.config.tree import Config
from winnow.sampler.weights import integer_weights, keep_probs
from winnow.spark.scratch import Scratch

from tests.audit.small import THE_DAY, Row, by_name, config, frame, log, some_items, us
from tests.events.handmade import at

INDEX = {1: 3, 2: 4, 3: 5, 5: 6}
"""What item_idx of items 1, 2, 3 and 5 is where the first one alone was clicked."""


class DescribeCandidates:
    def found(
        self, spark: SparkSession, join: str, *columns: str, **settings: Any
    ) -> list[tuple[int, ...]]:
        wanted = config(attribution={"join": join, **settings})
        shown = [(1, 1, "10:00", 0), (1, 1, "10:30", 0), (2, 1, "11:00", 0), (3, 2, "23:59", -1)]
        impressions = [
            {"impression_id": f"{r}/{i}/{clock}", "request_id": r, "user_id": 7, "item_id": i}
            | {"event_us": us(clock, days), "position": n}
            for n, (r, i, clock, days) in enumerate(shown)
        ]
        # The same showing once more, but at another place.
        impressions.append(impressions[2] | {"position": 9})
        clicked = [(1, 1, "10:00", "10:40"), (2, 1, "11:00", "11:00"), (3, 2, "23:59", "00:01")]
        clicks = [
            {"impression_id": f"{r}/{i}/{of}", "request_id": r, "user_id": 7, "item_id": i}
            | {"event_us": us(clock), "action_type": "click"}
            for r, i, of, clock in clicked
        ]
        clicks.append(clicks[0] | {"event_us": us("10:50"), "action_type": "buy"})
        logs = {
            "impressions": log(spark, "impressions", impressions, wanted),
            "clicks": log(spark, "clicks", clicks, wanted),
        }
        pairs = recomputed_joins(logs, wanted, THE_DAY, n_clicks=3)
        rows = recomputed_candidates(pairs, wanted, THE_DAY).collect()
        names = ("request_id", *(columns or ("first_us", "clicked_us")))
        return sorted(tuple(row[name] for name in names) for row in rows)

    @pytest.mark.parametrize(
        ("join", "first"),
        [("request_item", "10:00"), ("impression_id", "10:00"), ("last_impression", "10:30")],
    )
    def it_takes_the_earliest_impression_that_was_clicked(
        self, spark: SparkSession, join: str, first: str
    ) -> None:
        assert self.found(spark, join) == [
            (1, us(first), us("10:40")),
            (2, us("11:00"), us("11:00")),
        ]

    @pytest.mark.parametrize(
        ("join", "place"),
        [("request_item", 0), ("impression_id", 0), ("last_impression", 1)],
    )
    def it_knows_the_places_and_the_strongest_action(
        self, spark: SparkSession, join: str, place: int
    ) -> None:
        """Places count from 1, 0 is not known: position 0 is place 1."""
        found = self.found(spark, join, "least_place", "most_place", "action")
        assert found == [(1, place + 1, place + 1, 3), (2, 3, 10, 0)]

    def it_tells_showings_of_one_request_that_lie_far_apart(self, spark: SparkSession) -> None:
        assert self.found(spark, "request_item", "again") == [(1, False), (2, False)]

    def it_leaves_out_clicks_beyond_the_window(self, spark: SparkSession) -> None:
        assert len(self.found(spark, "impression_id", window_hours=1)) == 2


class DescribePositives:
    def row(self, item: int, **other: Any) -> Row:
        keep = 0.5 if item == 1 else 1.0
        weight = {1: 8, 2: 4, 3: 1}.get(item)
        return {
            "user_id": 7, "request_id": item, "item_id": item, "keep_prob": keep,
            "undo_weight": 1 / keep, "item_clicks": {1: 50, 2: 4}.get(item, 0),
            "pos_log_q": None if weight is None else float(np.log(weight / 13)),
            "impression_ts": at("10:00"), "click_ts": at("10:05"),
            "action_type": "cart", "position": 3,
        } | other  # fmt: skip

    def figures(
        self, spark: SparkSession, rows: list[Row], *, complete: bool = True, **items: Any
    ) -> dict[str, float | int | None]:
        settings = config()
        names = ("user_id", "request_id", "item_id", "first_us", "clicked_us")
        kind = ", ".join(f"{n} bigint" for n in (*names, "least_place", "most_place"))
        # Item 1 was logged at two places at one moment.
        candidates = spark.createDataFrame(
            [
                *((7, i, i, us("10:00"), us("10:05"), 4, 6 - i, 2, i == 2) for i in (1, 2)),
                # Of another date, whose request id was used again.
                (7, 3, 3, None, None, None, None, None, True),
            ],
            f"{kind}, action int, again boolean",
        )
        staged = StagedPositives(frame(spark, "positives", rows, settings), complete)
        known = some_items(**items)
        compared = recomputed_positives(candidates, staged, known, settings)
        figures = positive_figures(compared, known, staged.rows.columns)
        return by_name([*figures, *(complete_figures(compared, known) if complete else ())])

    def it_weighs_request_ids_that_are_used_again(self, spark: SparkSession) -> None:
        """Also where the showing that counts is of another date, to those of the date."""
        assert self.figures(spark, [self.row(1), self.row(2)])["request_ids_reused"] == 2 / 2

    def it_passes_what_was_clicked(self, spark: SparkSession) -> None:
        found = self.figures(spark, [self.row(1), self.row(2)])
        assert found["keep_rate_bias"] == found["positives_outside_catalogue"] == 0
        assert {n for n, value in found.items() if value} <= {"keep_rate_p", "request_ids_reused"}

    def it_lets_down_sampling_drop_what_it_thins_and_nothing_else(
        self, spark: SparkSession
    ) -> None:
        few = np.array([0, 1, 0, 0])
        assert self.figures(spark, [self.row(2)], positives=few)["positives_missing"] == 0
        assert self.figures(spark, [self.row(1)])["positives_missing"] == 1

    @pytest.mark.parametrize(
        ("gate", "change"),
        [
            ("positives_not_clicked", {"request_id": 5}),
            ("positives_not_clicked", {"impression_ts": at("10:01")}),
            ("positives_not_clicked", {"click_ts": at("10:06")}),
            ("clicks_outside_window", {"click_ts": at("09:59")}),
            ("clicks_outside_window", {"click_ts": at("10:01", 1)}),
            ("keep_prob_differs", {"keep_prob": 0.9}),
            ("undo_weight_differs", {"undo_weight": 2.0}),
            ("item_clicks_differ", {"item_clicks": 5}),
            ("pos_log_q_differs", {"pos_log_q": -1.0}),
            ("pos_log_q_differs", {"pos_log_q": None}),
            ("action_type_differs", {"action_type": "click"}),
            ("action_type_differs", {"action_type": "stare"}),
            ("position_differs", {"position": 4}),
            ("position_differs", {"position": None}),
        ],
    )
    def it_counts_what_the_logs_do_not_say(
        self, spark: SparkSession, gate: str, change: dict[str, Any]
    ) -> None:
        found = self.figures(spark, [self.row(1), self.row(2, **change)])
        assert found[gate] == 1

    def it_takes_either_place_of_an_item_that_was_logged_twice(self, spark: SparkSession) -> None:
        found = self.figures(spark, [self.row(1, position=4), self.row(2)])
        assert found["position_differs"] == 0

    def it_counts_items_with_another_share_of_the_positives(self, spark: SparkSession) -> None:
        shares = np.array([0.5, np.nan, 0.1, 0.0])
        found = self.figures(spark, [self.row(1), self.row(2)], in_batch_q=shares)
        assert found["in_batch_q_differs"] == 2

    def it_weighs_items_that_cannot_be_drawn_or_have_no_past(self, spark: SparkSession) -> None:
        found = self.figures(spark, [self.row(9), self.row(3), self.row(2), self.row(1)])
        assert found["positives_outside_catalogue"] == 0.25
        assert found["positives_without_history"] == 0.0
        assert found["pos_log_q_differs"] == 0

    def it_weighs_items_whose_history_is_there_but_was_not_used(self, spark: SparkSession) -> None:
        rows = [self.row(9), self.row(3), self.row(2), self.row(1)]
        found = self.figures(spark, rows, unused=np.array([5, 5, 5, 0]))
        assert found["positives_without_history"] == 0.25

    def it_does_not_judge_what_the_table_does_not_know(self, spark: SparkSession) -> None:
        known = ("user_id", "request_id", "item_id")
        rows = [{k: self.row(2)[k] for k in known}]
        assert set(self.figures(spark, rows, complete=False)) == {
            "positives_not_clicked",
            "request_ids_reused",
            "positives_outside_catalogue",
            "positives_without_history",
        }


class DescribeItems:
    SETTINGS = config(popularity={"window_days": 2})

    def figures(
        self,
        spark: SparkSession,
        stats: list[tuple[int, int]],
        settings: Config = SETTINGS,
        index: Mapping[int, int] = INDEX,
    ) -> dict[str, float | int | None]:
        clicks = np.array([n for _, n in stats])
        weights = integer_weights(clicks, 1.0, 0.75)
        rows: list[Row] = [
            {"item_id": i, "item_idx": index[i], "clicks": n, "weight": int(w), "positives": 0}
            | {"q": float(w / weights.sum()), "in_batch_q": 0.0, "eligible_from": None}
            for (i, n), w in zip(stats, weights, strict=True)
        ]
        clicked = [(1, "12:00", -1)] * 2 + [(1, "13:00", -2), (1, "23:59", -3), (2, "00:00", 0)]
        shown = [(3, "12:00", -2), (4, "12:00", -3)]
        rows_of = {
            name: [{"user_id": 7, "item_id": i, "event_us": us(c, d)} for i, c, d in events]
            for name, events in (("clicks", clicked), ("impressions", shown))
        }
        logs = {name: log(spark, name, events, settings) for name, events in rows_of.items()}
        if settings.logs.items is not None:
            ends = {5: at("00:00"), 6: None}
            items = [{"item_id": i, "valid_to": ends.get(i)} for i in (1, 2, 3, 5)]
            logs["items"] = log(spark, "items", items, settings)
        table = frame(spark, "item_stats", rows, settings)
        with TemporaryDirectory() as folder:
            scratch = Scratch(spark, str, Path(folder), "unused")
            found = recomputed_items(logs, table, settings, THE_DAY, scratch)
        return by_name(item_figures(found, settings))

    @pytest.mark.parametrize("with_items_log", [True, False])
    def it_passes_what_the_logs_hold(self, spark: SparkSession, *, with_items_log: bool) -> None:
        """Two equal clicks are one; item 5 ended as the date began; item 4 was seen too early."""
        names = ("impressions", "clicks", *(("items",) if with_items_log else ()))
        settings = config(
            popularity={"window_days": 2}, logs=names, negatives={"hard": []},
        )  # fmt: skip
        found = self.figures(spark, [(1, 2), (2, 0), (3, 0)], settings)
        assert {name for name, value in found.items() if value} == {"unclicked_weight_share"}

    def it_tells_popularity_that_knows_the_date_from_another_mistake(
        self, spark: SparkSession
    ) -> None:
        found = self.figures(spark, [(1, 3), (2, 1), (3, 0)])
        assert found["popularity_differs"] == 2
        assert found["popularity_knows_the_date"] == 1
        assert found["weights_differ"] == 2

    @pytest.mark.parametrize(
        ("index", "wrong"),
        [
            ({1: 3, 2: 4, 3: 5}, 0),
            ({1: 3, 2: 5, 3: 4}, 2),
            ({1: 5, 2: 3, 3: 4}, 3),
            ({1: 0, 2: 1, 3: 2}, 3),
            ({1: 3, 2: 4, 3: 4}, 1),
        ],
    )
    def it_counts_items_that_are_not_in_their_place(
        self, spark: SparkSession, index: dict[int, int], wrong: int
    ) -> None:
        """The most clicked item first; of those without a click, the one with the smaller id."""
        stats = [(1, 2), (2, 0), (3, 0)]
        assert self.figures(spark, stats, index=index)["item_index_differs"] == wrong

    def it_counts_items_that_only_one_side_has(self, spark: SparkSession) -> None:
        assert self.figures(spark, [(1, 2), (2, 0), (5, 0)])["catalogue_differs"] == 2

    @pytest.mark.parametrize("rule", ["word2vec_paper", "word2vec_code"])
    @pytest.mark.parametrize("share", [1e-6, 0.001, 0.3, 1.0])
    def it_thins_by_shares_as_the_sampler_does(self, rule: str, share: float) -> None:
        rng = np.random.default_rng(2)
        for n in (1, 7, 1_000):
            clicks = rng.zipf(1.5, n).clip(0, 10**6) - 1
            wanted = Downsampling(rule=rule, threshold_share=share)  # type: ignore[arg-type]
            assert recomputed_keep(clicks, wanted) == pytest.approx(
                keep_probs(clicks, wanted), abs=1e-12
            )

    @pytest.mark.parametrize("rule", ["sqrt", "cap", "power", "none"])
    @pytest.mark.parametrize("quantile", [0.07, 0.5, 0.99, 1.0])
    def it_thins_as_the_sampler_does(self, rule: str, quantile: float) -> None:
        rng = np.random.default_rng(1)
        for n in (1, 7, 100, 1_000):
            clicks = rng.zipf(1.5, n).clip(0, 10**6) - 1
            wanted = Downsampling(rule=rule, threshold_quantile=quantile, power=0.3)  # type: ignore[arg-type]
            assert recomputed_keep(clicks, wanted) == pytest.approx(
                keep_probs(clicks, wanted), abs=1e-12
            )

"""Shown items without a click as weak positives, and the audit of which they are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.config.tree import TABLES, Config
from winnow.contracts.rows import chosen_rows
from winnow.errors import GateError
from winnow.events import weak_positives
from winnow.sampler.kernels.positives import Strengths
from winnow.sampler.task_settings import SamplerSettings

from tests.events.handmade import Built, Logs, at, build_day, config

USERS, ITEMS = range(1, 31), range(1, 13)
CLICKED, LATE, UNSEEN = 1, 2, 3
"""Of each request's items: clicked; clicked when the window is over; not viewed."""

NOT_THERE = ("training_samples_pointwise", "cascade_samples", "evaluation_samples")
TELLING = [name for name in TABLES if name not in NOT_THERE]


def logs() -> Logs:
    made = Logs()
    for item in (*ITEMS, *range(100, 110)):
        made.item(item)
    for user in USERS:
        when = at(f"{8 + user % 3:02}:00")
        made.show(user, user, ITEMS, when, scene="home" if user % 2 else "cart")
        for row in made.rows["impressions"][-len(ITEMS) :]:
            row["viewed"] = row["item_id"] != UNSEEN
        # Shown again, an hour later: the first time counts.
        made.show(user, user, 5, at("12:00"), impression=f"again {user}", scene="home", viewed=True)
        made.click(user, user, CLICKED, at("12:30"), "buy", seconds=2.0)
        made.click(user, user, LATE, at("13:30", 1), seconds=None)
        made.click(user, 100 + user, 4, at("10:00", -1), seconds=1.0)
        made.rank(user, "coarse", [*ITEMS, *range(100, 106)], when)
        made.rank(user, "fine", ITEMS, when)
    for day in (0, 1):
        made.folder("clicks", at("00:00", day).date())
    return made


def settings(base: Path, **positives: Any) -> Config:
    made = config(
        base,
        positives={"labels": ["buy"], "values": {"seconds": "sum"}, **positives},
        negatives={"per_positive": 4, "hard": [{"source": "cut", "stage": "coarse", "count": 1}]},
        tables=TELLING,
        carry=["scene"],
        gates={name: {"fail": None} for name in ("clicked_share", "top_user_share")},
    )
    return made


def strong_ones(tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for row in tables["training_samples"] if row["label_strength"] == "strong"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weak")
    logs().write(folder)
    return folder


def build(base: Path, spark: SparkSession, warehouse: str, **positives: Any) -> Built:
    made = settings(base, **positives)
    tree = made.model_dump(mode="json", by_alias=True)
    tree["warehouse"] = str(base / warehouse)
    return build_day(Config.model_validate_json(json.dumps(tree)), spark, immature=True)


@pytest.fixture(scope="module", params=[pytest.param(1.0, marks=pytest.mark.both_engines)])
def built(request: pytest.FixtureRequest, spark: SparkSession, base: Path) -> Built:
    cap = {"per_user_cap": 1, "upsampling": {"threshold_clicks": 5.0, "most": 2.0}}
    return build(base, spark, "all", weak={"share": request.param, "weight": 0.25}, **cap)


class DescribeWeakPositives:
    @pytest.mark.parametrize("table", ["positives", "training_samples"])
    def it_takes_what_was_viewed_and_not_clicked_in_time(self, built: Built, table: str) -> None:
        weak = {(r["request_id"], r["item_id"]) for r in built.rows(table, label_strength="weak")}
        unclicked = set(ITEMS) - {CLICKED, UNSEEN}
        assert weak == {(user, item) for user in USERS for item in unclicked}
        strong = built.rows(table, label_strength="strong")
        assert {r["item_id"] for r in strong} == {CLICKED}

    def it_says_nothing_of_a_click(self, built: Built) -> None:
        for row in built.rows("training_samples", label_strength="weak"):
            assert (row["click_ts"], row["action_type"], row["seconds"]) == (None, None, None)
            assert (row["label_buy"], row["label_buy_delay_ms"]) == (0, None)
            assert (row["sample_weight"], row["keep_prob"]) == (0.25, 1.0)

    def it_counts_for_no_cap_and_is_there_once(self, built: Built) -> None:
        for row in built.rows("positives", label_strength="weak"):
            assert (row["user_rank_in_cap"], row["cap_prob"]) == (None, 1.0)
            assert (row["repeat_idx"], row["repeat_expect"]) == (0, 1.0)
        assert all(r["user_rank_in_cap"] == 1 for r in built.rows("positives", item_id=CLICKED))

    def it_is_of_the_first_time_it_was_shown(self, built: Built) -> None:
        shown = {r["user_id"]: r["impression_ts"].hour for r in built.rows("positives", item_id=5)}
        assert shown == {user: 8 + user % 3 for user in USERS}

    def it_carries_what_its_impression_says(self, built: Built) -> None:
        for row in built.rows("positives", label_strength="weak"):
            assert row["scene"] == ("home" if row["user_id"] % 2 else "cart")

    def it_is_no_negative_and_has_its_own(self, built: Built) -> None:
        assert built.negatives() <= set(range(100, 110))
        hard = {r["item_id"] for r in built.rows("hard_negatives")}
        assert hard == set(ITEMS) - {UNSEEN}

    def it_leaves_popularity_and_labels_of_impressions_alone(self, built: Built) -> None:
        clicks = {r["item_id"]: r["clicks"] for r in built.rows("item_stats")}
        assert {item for item, n in clicks.items() if n} == {4}
        assert len(built.rows("ranking_samples", label=1)) == len(USERS)


class DescribeAShareOfThem:
    def it_keeps_the_same_ones_of_another_epoch_and_leaves_strong_ones_as_they_are(
        self, spark: SparkSession, base: Path
    ) -> None:
        plain = build(base, spark, "plain")
        some = build(base, spark, "some", weak={"share": 0.25})
        strong = strong_ones(some.tables)
        assert sorted(map(repr, strong)) == sorted(map(repr, plain.tables["training_samples"]))
        weak = some.rows("training_samples", label_strength="weak")
        # 300 at one in four: within five standard deviations.
        assert 37 <= len(weak) <= 113
        assert {(r["keep_prob"], r["undo_weight"]) for r in weak} == {(0.25, 4.0)}


COUNTED: dict[str, Any] = {
    "downsampling": {"rule": "cap", "threshold_clicks": 10},
    "per_user_cap": 4,
    "weak": {"share": 1.0, "thinned": True, "capped": True},
}
"""Item 4 was clicked by all users the date before, the only one."""


class DescribeWeakPositivesThatCount:
    def it_thins_those_of_hot_items(self, spark: SparkSession, base: Path) -> None:
        asked = COUNTED | {"per_user_cap": None, "weak": {"share": 0.5, "thinned": True}}
        made = build(base, spark, "thinned", **asked)
        plain = build(base, spark, "unthinned", **asked | {"weak": {"share": 0.5}})
        chances = {row["item_id"]: row["keep_prob"] for row in made.tables["positives"]}
        assert {item: p for item, p in chances.items() if p not in (0.5, 1.0)} == {4: 0.5 / 3}
        hot, unthinned = (len(one.rows("positives", item_id=4)) for one in (made, plain))
        assert 0 < hot < unthinned
        others = [len(one.rows("positives")) for one in (made, plain)]
        assert others[0] - hot == others[1] - unthinned
        for row in made.rows("positives", item_id=4):
            assert row["undo_weight"] == pytest.approx(6.0)

    def it_counts_them_in_the_cap_of_their_user(self, spark: SparkSession, base: Path) -> None:
        made = build(base, spark, "capped", **COUNTED)
        for user in USERS:
            rows = made.rows("positives", user_id=user)
            assert sorted(row["user_rank_in_cap"] for row in rows) == [1, 2, 3, 4]
            # One was clicked, nine or ten were viewed and not clicked, as item 4 is thinned or not.
            assert {row["cap_prob"] for row in rows} <= {4 / 10, 4 / 11}
        assert 0 < len(strong_ones(made.tables)) < len(USERS)

    @pytest.mark.parametrize(
        ("mistake", "gate"),
        [("not thinned", "weak_positives_differ"), ("not capped", "user_caps_differ")],
    )
    def it_does_not_pass_otherwise(
        self,
        mistake: str,
        gate: str,
        spark: SparkSession,
        base: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        whole = SamplerSettings.of

        def wrong(*given: Any, **named: Any) -> SamplerSettings:
            made = whole(*given, **named)
            if mistake == "not thinned":
                return replace(made, thinned=Strengths())
            return replace(made, of_positives=replace(made.of_positives, capped=Strengths()))

        monkeypatch.setattr(SamplerSettings, "of", wrong)
        with pytest.raises(GateError) as caught:
            build(base, spark, f"broken {mistake}", **COUNTED)
        assert f"gate {gate}" in {one.where for one in caught.value.problems}


class DescribeMistakesWithWeakPositives:
    @pytest.mark.parametrize("mistake", ["not viewed too", "all of them", "of another hash"])
    def it_does_not_pass(
        self, mistake: str, spark: SparkSession, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if mistake == "not viewed too":
            monkeypatch.setattr(
                weak_positives,
                "chosen_rows",
                lambda rows, log: chosen_rows(rows, log).withColumn("viewed", F.lit(True)),
            )
        elif mistake == "all of them":
            monkeypatch.setattr(weak_positives, "_is_kept", lambda config: F.lit(True))
        else:
            other = F.pmod(F.xxhash64("item_id", "user_id"), F.lit(4)) == 0
            monkeypatch.setattr(weak_positives, "_is_kept", lambda config: other)
        with pytest.raises(GateError) as caught:
            build(base, spark, f"broken {mistake}", weak={"share": 0.25})
        assert "gate weak_positives_differ" in {one.where for one in caught.value.problems}


class DescribeAConfigWithWeakPositives:
    @pytest.mark.parametrize(
        ("tables", "said"),
        [
            (["easy_negatives"], "no table that is written tells weak positives from others"),
            (
                ["positives", "training_samples_pointwise"],
                "training_samples_pointwise does not tell weak positives from others",
            ),
        ],
    )
    def it_is_refused_where_they_would_be_rows_like_all_others(
        self, tables: list[str], said: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ValueError, match=said):
            config(tmp_path, positives={"weak": {"share": 0.5}}, tables=tables)

    def it_is_refused_where_there_is_no_cap_to_count_in(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="no cap that they could be counted in"):
            config(tmp_path, positives={"weak": {"share": 0.5, "capped": True}})

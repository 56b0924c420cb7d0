"""Clicks without an impression as organic positives, and the audit of which they are."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.config.tree import TABLES, Config
from winnow.errors import GateError
from winnow.events import organic_positives, orphans
from winnow.events.attribution import click_key, unattributed_clicks
from winnow.events.click_users import Attributed

from tests.events.handmade import Built, Id, Logs, at, build_day, config

USERS, SHOWN = range(1, 21), range(1, 5)
SEARCHED, LATE, LIKED, OTHERS = 20, 5, 21, 22
"""Clicked and bought in search; clicked a day and more after it was shown; liked in search; an item
that only some clicked in search."""

NOT_THERE = ("training_samples_pointwise", "cascade_samples", "evaluation_samples")
TELLING = [name for name in TABLES if name not in NOT_THERE]


def logs(*, string_ids: bool = False) -> Logs:
    name: Any = str if string_ids else int
    made = Logs(string_ids=string_ids)
    for item in (*SHOWN, SEARCHED, LATE, LIKED, OTHERS, *range(100, 110)):
        made.item(name(item))

    def click(user: int, request: Id | None, item: int, when: Any, *action: str) -> None:
        made.click(name(user), request, name(item), when, *action, seconds=float(item))

    for user in USERS:
        before = name(user + 100)
        made.show(name(user), name(user), [name(i) for i in SHOWN], at("10:00"), scene="home")
        made.show(name(user), before, [name(LATE)], at("10:00", -1), scene="home")
        click(user, name(user), 1, at("10:05"))
        click(user, None, SEARCHED, at("11:00"), "buy")
        click(user, None, SEARCHED, at("10:30"))
        click(user, None, SEARCHED, at("10:30"))
        click(user, before, LATE, at("10:00:01"))
        click(user, None, LIKED, at("12:00"), "favourite")
        click(user, None, 100, at("12:00", -1))
        if user % 2:
            click(user, None, OTHERS, at("12:30"), "buy")
        for stage, items in (("coarse", [*SHOWN, 105, 106]), ("fine", SHOWN)):
            made.rank(name(user), stage, [name(i) for i in items], at("10:00"))
    made.folder("clicks", at("00:00", 1).date())
    return made


def settings(base: Path, **positives: Any) -> Config:
    return config(
        base,
        positives={
            "labels": ["buy"],
            "values": {"seconds": "sum"},
            "downsampling": {"rule": "cap", "threshold_clicks": 1},
            "per_user_cap": 1,
            **positives,
        },
        negatives={"per_positive": 4, "hard": [{"source": "cut", "stage": "coarse", "count": 1}]},
        exclusion={"exposure_lookback_days": 2, "click_lookback_days": 2},
        tables=TELLING,
        carry=["scene"],
        gates={
            n: {"fail": None}
            for n in ("clicked_share", "top_user_share", "rejected_share", "rejected_reason_share")
        },
    )


def build(base: Path, spark: SparkSession, *, string_ids: bool = False, **positives: Any) -> Built:
    tree = settings(base, **positives).model_dump(mode="json", by_alias=True)
    if string_ids:
        tree["ids"] |= dict.fromkeys(("user", "item", "request"), "string")
    return build_day(Config.model_validate_json(json.dumps(tree)), spark, immature=True)


ORGANIC: dict[str, Any] = {"organic": {"actions": ["click", "buy"]}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("organic")
    logs().write(folder)
    return folder


@pytest.fixture(scope="module", params=[pytest.param("sail", marks=pytest.mark.both_engines)])
def built(request: pytest.FixtureRequest, spark: SparkSession, base: Path) -> Built:
    return build(base, spark, weak={"share": 0.5}, **ORGANIC)


class DescribeOrganicPositives:
    @pytest.mark.parametrize("table", ["positives", "training_samples"])
    def it_takes_clicks_that_fit_no_impression_once_for_each_item(
        self, built: Built, table: str
    ) -> None:
        rows = built.rows(table, label_strength="organic")
        wanted = {(user, item) for user in USERS for item in (SEARCHED, LATE)}
        wanted |= {(user, OTHERS) for user in USERS if user % 2}
        assert sorted((r["user_id"], r["item_id"]) for r in rows) == sorted(wanted)

    def it_tells_of_the_click_and_of_no_impression(self, built: Built) -> None:
        for row in built.rows("training_samples", label_strength="organic", item_id=SEARCHED):
            assert row["click_ts"] == row["impression_ts"] == at("10:30")
            assert (row["action_type"], row["label_buy"]) == ("buy", 1)
            assert row["label_buy_delay_ms"] == timedelta(minutes=30).total_seconds() * 1000
            assert (row["position"], row["scene"], row["seconds"]) == (None, None, 40.0)

    def it_is_neither_thinned_nor_capped(self, built: Built) -> None:
        for row in built.rows("positives", label_strength="organic"):
            assert (row["keep_prob"], row["cap_prob"], row["user_rank_in_cap"]) == (1.0, 1.0, None)

    def it_has_a_request_of_its_own_without_hard_negatives(self, built: Built) -> None:
        rows = built.rows("training_samples", label_strength="organic")
        assert len({r["request_id"] for r in rows}) == len(rows)
        assert {r["n_hard"] for r in rows} == {0}
        for row in rows:
            assert row["shortfall_reasons"] == ["request_not_logged"]
            assert row["n_fill"] == 1

    def it_stays_a_positive_beside_strong_and_weak_ones(self, built: Built) -> None:
        found = {row["label_strength"] for row in built.rows("positives")}
        assert found == {"strong", "weak", "organic"}
        assert {r["item_id"] for r in built.rows("positives", label_strength="strong")} == {1}

    def it_is_no_orphan_while_other_actions_are(self, built: Built) -> None:
        assert built.codes() == [("clicks", "orphan")] * len(USERS)
        counts = built.summary.logs["clicks"]
        assert counts.valid == 3 * len(USERS) + len(USERS) + len(USERS) // 2

    def it_is_no_negative(self, built: Built) -> None:
        for user in USERS:
            clicked = {SEARCHED, LATE, LIKED, *([OTHERS] if user % 2 else [])}
            assert not built.negatives(user_id=user) & {*clicked, *SHOWN}


class DescribeOrganicPositivesThatCount:
    """Item 100 alone was clicked the date before: nothing else is hot."""

    def it_is_thinned_and_capped(self, spark: SparkSession, tmp_path: Path) -> None:
        made = logs()
        for user in USERS:
            made.click(user, None, 100, at("13:00"), "buy", seconds=1.0)
        made.write(tmp_path)
        organic = {"actions": ["click", "buy"], "thinned": True, "capped": True}
        thin = {"rule": "cap", "threshold_clicks": 10}
        rows = build(tmp_path, spark, organic=organic, downsampling=thin, per_user_cap=2).tables[
            "positives"
        ]
        hot = [row for row in rows if row["item_id"] == 100]
        assert 0 < len(hot) < len(USERS)
        assert {row["keep_prob"] for row in hot} == {0.5}
        assert {row["keep_prob"] for row in rows if row["item_id"] != 100} == {1.0}
        for user in USERS:
            of_user = [row for row in rows if row["user_id"] == user]
            assert sorted(row["user_rank_in_cap"] for row in of_user) == [1, 2]
            # One was shown, two were not, a third one of those with an odd number, and the hot one.
            assert {row["cap_prob"] for row in of_user} <= {2 / 3, 2 / 4, 2 / 5}


class DescribeStringIds:
    def it_names_the_request_by_text(self, spark: SparkSession, tmp_path: Path) -> None:
        logs(string_ids=True).write(tmp_path)
        made = build(tmp_path, spark, string_ids=True, **ORGANIC)
        rows = made.rows("positives", label_strength="organic")
        assert len(rows) == 2 * len(USERS) + len(USERS) // 2
        assert all(row["request_id"].startswith("organic/") for row in rows)


class DescribeMistakesWithOrganicPositives:
    @pytest.mark.parametrize(
        ("mistake", "gate"),
        [
            ("attributed too", "organic_positives_differ"),
            ("rejected all the same", "clicks_unaccounted"),
            ("the latest click", "organic_positives_differ"),
        ],
    )
    def it_does_not_pass(
        self,
        mistake: str,
        gate: str,
        spark: SparkSession,
        base: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        whole = organic_positives.organic_clicks
        if mistake == "attributed too":

            def every(clicks: DataFrame, attributed: Attributed, config: Config) -> DataFrame:
                return clicks.withColumn("click_key", click_key())

            monkeypatch.setattr(organic_positives, "organic_clicks", every)
        elif mistake == "the latest click":

            def latest(clicks: DataFrame, attributed: Attributed, config: Config) -> DataFrame:
                found = whole(clicks, attributed, config)
                return found.where((F.col("action_type") == "buy") | (F.col("item_id") != SEARCHED))

            monkeypatch.setattr(organic_positives, "organic_clicks", latest)
        else:
            monkeypatch.setattr(
                orphans,
                "unattributed_clicks",
                lambda clicks, pairs, refused, _: unattributed_clicks(clicks, pairs, refused),
            )
        with pytest.raises(GateError) as caught:
            build(base, spark, **ORGANIC)
        assert f"gate {gate}" in {problem.where for problem in caught.value.problems}


class DescribeAConfigWithOrganicPositives:
    def it_knows_the_actions(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="actions has no such action"):
            config(tmp_path, positives={"organic": {"actions": ["search"]}})

    def it_needs_a_table_that_tells_them_from_others(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="tells organic positives from others"):
            config(tmp_path, positives=ORGANIC, tables=["easy_negatives"])

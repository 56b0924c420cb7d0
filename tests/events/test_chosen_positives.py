"""Positives from some impressions only; what is forbidden always comes from all of them."""

import json
import random
from collections import defaultdict
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config

from tests.events.handmade import Built, Logs, at, build_day, config

CATALOGUE = range(1, 16)
SCENES = ("home", "search", "cart")
_NO_TABLES_BUT = ["positives", "easy_negatives", "training_samples", "ranking_samples"]


def settings(base: Path, **given: object) -> Config:
    """So many negatives of so few items that each allowed one is drawn for every user."""
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        negatives={
            "hard": [],
            "per_positive": 400,
            "easy": [{"source": "popularity", "alpha": 0.0}],
        },
        exclusion={"exposure_lookback_days": 1, "click_lookback_days": 1},
        popularity={"window_days": 1},
        positives={"downsampling": {"rule": "none"}, "where": {"scene": ["home"]}},
        tables=_NO_TABLES_BUT,
        gates={"rejected_share": {"fail": None}, "rejected_reason_share": {"fail": None}},
        **given,
    )


def drawn(seed: int) -> Logs:
    """Impressions of two dates in scenes drawn at random, of which some are clicked."""
    draw, day = random.Random(seed), Logs()
    for item in CATALOGUE:
        day.item(item)
    for user in range(1, 13):
        for number in range(6):
            request, when = 100 * user + number, at(f"{8 + number}:00".zfill(5), -(number // 4))
            scene = draw.choice(SCENES)
            items = draw.sample(CATALOGUE, 2)
            day.show(user, request, items, when, scene=scene)
            if draw.random() < 0.7:
                day.click(user, request, items[0], when)
        if draw.random() < 0.3:
            day.click(user, 9999, draw.choice(CATALOGUE), at("20:00"))
    for log in ("impressions", "clicks"):
        for offset in (-1, 0, 1):
            day.folder(log, at("00:00", offset).date())
    return day


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(1, marks=pytest.mark.both_engines),
        pytest.param(2, marks=pytest.mark.proof),
    ],
)
def made(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Logs, Built]:
    base, day = tmp_path_factory.mktemp("scenes"), drawn(request.param)
    day.write(base)
    return day, build_day(settings(base), spark)


def wanted_positives(day: Logs, scene: str | None = "home") -> set[tuple[int, int, int]]:
    clicked = {(row["user_id"], row["request_id"], row["item_id"]) for row in day.rows["clicks"]}
    shown = {
        (row["user_id"], row["request_id"], row["item_id"])
        for row in day.rows["impressions"]
        if row["scene"] == scene and row["impression_ts"] >= at("00:00")
    }
    return clicked & shown


class DescribePositivesWhere:
    def it_takes_positives_from_the_chosen_impressions(self, made: tuple[Logs, Built]) -> None:
        day, built = made
        wanted = wanted_positives(day)
        names = ("user_id", "request_id", "item_id")
        assert len(wanted) > 3
        for table, rows in (
            ("positives", built.tables["positives"]),
            ("ranking_samples", built.rows("ranking_samples", label=1)),
        ):
            assert {tuple(row[n] for n in names) for row in rows} == wanted, table

    def it_ranks_the_chosen_impressions_only(self, made: tuple[Logs, Built]) -> None:
        day, built = made
        own = [row for row in day.rows["impressions"] if row["impression_ts"] >= at("00:00")]
        chosen = [row for row in own if row["scene"] == "home"]
        assert 0 < len(built.tables["ranking_samples"]) == len(chosen) < len(own)

    def it_forbids_what_any_scene_showed(self, made: tuple[Logs, Built]) -> None:
        """Every item that is not forbidden is drawn: the forbidden set is exactly this one."""
        day, built = made
        forbidden: dict[int, set[int]] = defaultdict(set)
        for log in ("impressions", "clicks"):
            for row in day.rows[log]:
                forbidden[row["user_id"]].add(row["item_id"])
        users = {row["user_id"] for row in built.tables["positives"]}
        assert len(users) > 2
        for user in users:
            assert built.negatives(user_id=user) == set(CATALOGUE) - forbidden[user]

    def it_calls_a_click_on_another_impression_no_orphan(self, made: tuple[Logs, Built]) -> None:
        day, built = made
        lost = [row for row in day.rows["clicks"] if row["request_id"] == 9999]
        assert built.codes() == [("clicks", "orphan")] * len(lost)

    def it_counts_what_was_not_chosen(self, made: tuple[Logs, Built]) -> None:
        day, built = made
        own = [row for row in day.rows["impressions"] if row["impression_ts"] >= at("00:00")]
        told = json.loads(built.release.inputs_json)["logs"]["impressions"]
        assert told["not_chosen"] == sum(row["scene"] != "home" for row in own)
        assert told["valid"] == len(own)
        assert (told["rejected"], told["filtered"], told["duplicate"]) == (0, 0, 0)


class DescribePositivesWhereNot:
    def it_leaves_out_what_has_one_of_the_values_and_keeps_what_has_none(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        day = drawn(1)
        for row in day.rows["impressions"]:
            row["scene"] = None if row["scene"] == "home" else row["scene"]
        day.write(tmp_path)
        tree = json.loads(settings(tmp_path).model_dump_json(by_alias=True))
        del tree["positives"]["where"]
        tree["positives"]["where_not"] = {"scene": ["search", "cart"]}
        tree["carry"] = ["scene"]
        built = build_day(Config.model_validate_json(json.dumps(tree)), spark)
        names, rows = ("user_id", "request_id", "item_id"), built.tables["positives"]
        assert {tuple(row[n] for n in names) for row in rows} == wanted_positives(day, None)
        assert {row["scene"] for row in (*rows, *built.tables["ranking_samples"])} == {None}
        shown = {(row["user_id"], row["item_id"]) for row in day.rows["impressions"]}
        assert len(rows) > 3
        for row in rows:
            own = {item for user, item in shown if user == row["user_id"]}
            assert built.negatives(user_id=row["user_id"]) & own == set()

    def it_warns_where_no_impression_has_one_of_the_values(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        day = drawn(1)
        day.write(tmp_path)
        tree = json.loads(settings(tmp_path).model_dump_json(by_alias=True))
        del tree["positives"]["where"]
        tree["positives"]["where_not"] = {"scene": [True]}
        built = build_day(Config.model_validate_json(json.dumps(tree)), spark)
        assert [w for w in built.summary.warnings if "scene is never True" in w]

    def it_leaves_out_of_what_where_takes(self, spark: SparkSession, tmp_path: Path) -> None:
        day = drawn(2)
        day.write(tmp_path)
        tree = json.loads(settings(tmp_path).model_dump_json(by_alias=True))
        tree["positives"]["where"] = {"scene": ["home", "cart"]}
        tree["positives"]["where_not"] = {"scene": ["cart", "search"]}
        built = build_day(Config.model_validate_json(json.dumps(tree)), spark)
        names = ("user_id", "request_id", "item_id")
        found = {tuple(row[n] for n in names) for row in built.tables["positives"]}
        assert found == wanted_positives(day)


class DescribeTheWhereOfALog:
    def it_warns_of_negatives_that_the_dropped_rows_show(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        day = drawn(1)
        day.write(tmp_path)
        tree = json.loads(settings(tmp_path).model_dump_json(by_alias=True))
        tree["logs"]["impressions"]["where"] = tree["positives"].pop("where")
        built = build_day(Config.model_validate_json(json.dumps(tree)), spark)
        dropped = {
            (row["user_id"], row["item_id"])
            for row in day.rows["impressions"]
            if row["scene"] != "home"
        }
        negatives = [
            (row["user_id"], item)
            for row in built.tables["training_samples"]
            for item in row["neg_item_ids"]
        ]
        wrong = sum(pair in dropped for pair in negatives)
        (told,) = [w for w in built.summary.warnings if w.startswith("negatives_in_dropped_rows")]
        assert wrong > 0
        assert f": {wrong:,} negatives, wanted at most 0" in told.replace("\u202f", ",")

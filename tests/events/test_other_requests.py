"""Items that other requests of the user cut or put low as negatives."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import ConfigError

from tests.events.handmade import Built, Logs, Row, at, build_day, config

USERS = range(1, 31)
POSITIVE = 1
OWN = [POSITIVE, 2, 3, *range(10, 16)]
"""What the request with the positive ranks, its best first."""
MORNING, NOON, EVENING = 1000, 2000, 3000
"""Requests of a user are these and the user's number; the positive is shown at noon."""
IN_MORNING = [4, 20, 21, 22, 10, 11]
IN_EVENING = [5, 20, 30, 31]
ALONE, FORBIDDEN_ALL = 29, 30
"""A user of one request, and one who was shown all that others gave."""

CUT: Row = {"source": "cut", "stage": "coarse", "count": 2}
SOURCE: Row = {"source": "other_requests", "count": 3, "side": "either"}


def logs() -> Logs:
    made = Logs()
    for item in range(1, 61):
        made.item(item)
    for user in USERS:
        made.show(user, NOON + user, [POSITIVE, 2], at("12:00"))
        made.click(user, NOON + user, POSITIVE, at("12:30"))
        made.rank(NOON + user, "coarse", OWN, at("12:00"))
        made.rank(NOON + user, "fine", OWN[:3], at("12:00"))
        if user == ALONE:
            continue
        # Of the morning 4 was shown, and 99 is in no catalogue.
        made.show(user, MORNING + user, 4, at("08:00"))
        made.rank(MORNING + user, "coarse", [*IN_MORNING, 99], at("08:00"))
        made.rank(MORNING + user, "fine", IN_MORNING[:2], at("08:00"))
        made.show(user, EVENING + user, 5, at("15:00"))
        made.rank(EVENING + user, "coarse", IN_EVENING, at("15:00"))
        made.rank(EVENING + user, "fine", IN_EVENING[:1], at("15:00"))
        if user == FORBIDDEN_ALL:
            made.show(user, 4000 + user, [*IN_MORNING, *IN_EVENING], at("10:00", -1))
    for day in (0, 1):
        made.folder("clicks", at("00:00", day).date())
    return made


NAMES = ("impressions", "clicks", "ranking_log", "items")


def settings(base: Path, warehouse: str, *hard: Row, **other: Any) -> Config:
    made = config(
        base,
        logs=NAMES,
        negatives={"per_positive": 8, "hard": list(hard)},
        exclusion={"exposure_lookback_days": 3, "click_lookback_days": 3},
        gates={name: {"fail": None} for name in ("clicked_share", "rejected_share")},
        **other,
    )
    tree = made.model_dump(mode="json", by_alias=True)
    return Config.model_validate_json(json.dumps(tree | {"warehouse": str(base / warehouse)}))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("others")
    logs().write(folder)
    return folder


@pytest.fixture(scope="module", params=[pytest.param(3, marks=pytest.mark.both_engines)])
def built(request: pytest.FixtureRequest, spark: SparkSession, base: Path) -> Built:
    asked = SOURCE | {"count": request.param}
    return build_day(settings(base, "both", CUT, asked), spark, immature=True)


def of_others(built: Built, **equal: object) -> list[Row]:
    return built.rows("hard_negatives", source="other_requests", **equal)


class DescribeNegativesOfOtherRequests:
    def it_takes_what_other_requests_cut_and_the_own_one_did_not_rank(self, built: Built) -> None:
        found = {row["neg_item_id"] for row in of_others(built)}
        # 20 went on to the fine stage in the morning, and was cut in the evening.
        assert found == {20, 21, 22, 30, 31}

    def it_tells_the_request_and_what_its_stage_did(self, built: Built) -> None:
        for row in of_others(built):
            user, item = row["user_id"], row["neg_item_id"]
            listed, first = (IN_MORNING, MORNING) if item in (21, 22) else (IN_EVENING, EVENING)
            assert (row["request_id"], row["from_request_id"]) == (NOON + user, first + user)
            size = len(listed) + (first == MORNING)
            assert row["stage"] == "coarse" and row["hardness"] == 1
            assert (row["stage_rank"], row["stage_size"]) == (listed.index(item) + 1, size)

    def it_names_no_request_of_others(self, built: Built) -> None:
        rows = built.rows("hard_negatives", source="cut")
        assert {row["from_request_id"] for row in rows} == {None}

    def it_says_how_likely_it_was(self, built: Built) -> None:
        rows = of_others(built)
        assert len(rows) == 3 * (len(USERS) - 2)
        assert {row["incl_prob"] for row in rows} == {3 / 5}
        row = built.only("training_samples", user_id=1)
        end = row["n_easy"] + row["n_hard"]
        assert row["neg_source"][end - 3 : end] == [11, 11, 11]
        assert row["neg_incl_prob"][end - 3 : end] == [3 / 5] * 3

    def it_says_why_there_are_none(self, built: Built) -> None:
        assert built.reasons(user_id=ALONE) == {"no_other_request": 3}
        assert built.reasons(user_id=FORBIDDEN_ALL)["all_forbidden"] == 3

    def it_is_proven_by_gates_of_its_own(self, built: Built) -> None:
        record = AuditRecord.model_validate_json(built.release.quality_json)
        figures = {gate.name: gate.figure for gate in record.gates}
        assert (
            figures["other_request_unfounded"] == figures["other_requests_candidates_differ"] == 0
        )
        assert figures["hard_not_logged"] == figures["hard_not_cut"] == figures["hard_went_on"] == 0
        assert "shortfall_share.no_other_request" not in figures
        assert record.shortfall["no_other_request"] == 3


class DescribeWaysToAsk:
    def it_knows_nothing_of_later_requests_unless_asked(
        self, spark: SparkSession, base: Path
    ) -> None:
        one = SOURCE | {"side": "before"}
        rows = of_others(build_day(settings(base, "before", CUT, one), spark, immature=True))
        assert {row["neg_item_id"] for row in rows} == {21, 22}
        assert {row["incl_prob"] for row in rows} == {1.0}

    def it_looks_back_some_hours(self, spark: SparkSession, base: Path) -> None:
        one = SOURCE | {"side": "either", "hours": 3}
        rows = of_others(build_day(settings(base, "hours", CUT, one), spark, immature=True))
        assert {row["neg_item_id"] for row in rows} == {20, 30, 31}

    def it_takes_those_of_the_nearest_request_first(self, spark: SparkSession, base: Path) -> None:
        """The evening is three hours away, the morning four."""
        one = SOURCE | {"selection": "nearest", "count": 4}
        rows = of_others(build_day(settings(base, "nearest", CUT, one), spark, immature=True))
        assert {row["incl_prob"] for row in rows} == {None}
        for user in set(USERS) - {ALONE, FORBIDDEN_ALL}:
            own = {row["neg_item_id"] for row in rows if row["user_id"] == user}
            assert {20, 30, 31} < own and len(own) == 4

    def it_takes_an_item_of_several_requests_once_and_of_the_nearest(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        made = logs()
        for user in USERS:
            made.show(user, 5000 + user, 4, at("11:00"))
            made.rank(5000 + user, "coarse", [4, 21, 30], at("11:00"))
            made.rank(5000 + user, "fine", [4], at("11:00"))
        made.write(tmp_path)
        one = SOURCE | {"count": 6}
        rows = of_others(build_day(settings(tmp_path, "w", CUT, one), spark, immature=True))
        told = {(r["neg_item_id"], r["from_request_id"] - r["user_id"]) for r in rows}
        assert {(21, 5000), (30, 5000), (22, MORNING), (31, EVENING)} <= told
        assert not {(21, MORNING), (30, EVENING)} & told

    def it_takes_what_was_low_by_the_bands_of_the_config(
        self, spark: SparkSession, base: Path
    ) -> None:
        low = {"source": "low", "stage": "fine", "band": [1.0, 1.0], "count": 1}
        asked = settings(base, "low", low, SOURCE)
        rows = of_others(build_day(asked, spark, immature=True))
        assert {(r["neg_item_id"], r["stage"], r["rank_pct"]) for r in rows} == {(20, "fine", 1.0)}

    def it_knows_requests_by_text(self, spark: SparkSession, tmp_path: Path) -> None:
        made, texts = logs(), Logs(string_ids=True)
        for log, rows in made.rows.items():
            for row in rows:
                ids = {k: f"{k[0]}{v}" for k, v in row.items() if k.endswith("_id") and v}
                texts.rows[log].append(row | ids)
        texts.touched = made.touched
        texts.write(tmp_path)
        kinds = {"user": "string", "item": "string", "request": "string"}
        asked = settings(tmp_path, "texts", CUT, SOURCE, ids=kinds)
        rows = of_others(build_day(asked, spark, immature=True))
        found = {(row["neg_item_id"], row["from_request_id"][:2]) for row in rows}
        assert found == {("i20", "r3"), ("i21", "r1"), ("i22", "r1"), ("i30", "r3"), ("i31", "r3")}

    def it_gives_some_to_what_was_bought_without_a_request(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        made = logs()
        made.click(1, None, 50, at("12:00"), "buy")
        made.write(tmp_path)
        organic = {"organic": {"actions": ["buy"]}}
        asked = settings(tmp_path, "organic", CUT, SOURCE, positives=organic)
        rows = of_others(build_day(asked, spark, immature=True), user_id=1, item_id=50)
        assert len(rows) == 3
        # Its own request ranked nothing, so what noon cut may be among them.
        assert {row["from_request_id"] for row in rows} <= {MORNING + 1, NOON + 1, EVENING + 1}


class DescribeAConfigThatAsksForOtherRequests:
    @pytest.mark.parametrize(
        ("hard", "said"),
        [
            ([CUT, {"source": "other_requests"}], "many users have one request"),
            ([CUT, SOURCE, SOURCE], "named more than once"),
            ([SOURCE], "hard asks for neither"),
            ([CUT, SOURCE | {"hours": 25}], "less than or equal to 24"),
            ([CUT, SOURCE | {"selection": "top"}], "random"),
        ],
    )
    def it_is_refused_where_it_makes_no_sense(
        self, hard: list[Row], said: str, tmp_path: Path
    ) -> None:
        with pytest.raises((ValueError, ConfigError), match=said):
            settings(tmp_path, "refused", *hard)

    def it_is_refused_where_the_log_has_only_some_rows(self, tmp_path: Path) -> None:
        made = settings(tmp_path, "sampled", CUT, SOURCE).model_dump(mode="json", by_alias=True)
        made["logs"]["ranking_log"]["log_sample_rate"] = 0.5
        made["funnel"]["cut_known_by"] = "last_stage"
        with pytest.raises((ValueError, ConfigError), match="has no one number"):
            Config.model_validate_json(json.dumps(made))

"""Items that users rejected as negatives: the one source that may give what was shown."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.dataset as pds
import pytest
import winnow
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.audit.record import AuditRecord
from winnow.cli.show import readable, stage_names
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.errors import ConfigError, GateError
from winnow.events import events
from winnow.events.feedback import rejected_events
from winnow.events.kinds import FORBIDDEN
from winnow.run import Run
from winnow.sampler import steps

from tests.events.handmade import DAY, Built, Logs, Row, at, build_day, config

POSITIVE, REJECTED, LATER, CLICKED, OLD, TOO_OLD, UNKNOWN = 1, 2, 3, 4, 5, 6, 99
USERS = range(1, 31)
WITHOUT, ALL_CLICKED = 29, 30
"""A user who rejected nothing, and one who clicked all that they rejected."""

SOURCE: Row = {"source": "negative_feedback", "count": 2, "days": 3}


def logs() -> Logs:
    made = Logs()
    for item in range(1, 41):
        made.item(item)
    for user in USERS:
        made.show(user, user, [POSITIVE, REJECTED, LATER, 7], at("09:00"))
        made.show(user, 1000 + user, CLICKED, at("09:00", -2))
        made.click(user, user, POSITIVE, at("12:30"))
        made.click(user, 1000 + user, CLICKED, at("09:30", -2))
        made.rank(user, "coarse", [POSITIVE, REJECTED, LATER, 7, *range(10, 20), OLD], at("09:00"))
        made.rank(user, "fine", [POSITIVE, REJECTED, LATER, 7, 10, 11], at("09:00"))
        if user == WITHOUT:
            continue
        # After it was clicked: a click wins in any case.
        made.reject(user, CLICKED, at("11:00", -2))
        if user == ALL_CLICKED:
            continue
        made.reject(user, REJECTED, at("08:59"), "dislike")
        made.reject(user, REJECTED, at("10:00", -1))
        # At the very moment is not before.
        made.reject(user, LATER, at("09:00"))
        made.reject(user, LATER, at("15:00"))
        made.reject(user, OLD, at("00:00", -3))
        made.reject(user, TOO_OLD, at("23:59", -4))
        made.reject(user, UNKNOWN, at("10:00", -1))
    made.rows["negative_feedback"].append(made.rows["negative_feedback"][1])
    made.reject(5, None, at("10:00"))
    made.reject(6, 8, None)
    made.reject(0, 8, at("10:00"))
    for day in (0, 1):
        made.folder("clicks", at("00:00", day).date())
    return made


NAMES = ("impressions", "clicks", "ranking_log", "negative_feedback", "items")


def settings(base: Path, warehouse: str, *hard: Row, **other: Any) -> Config:
    made = config(
        base,
        logs=other.pop("logs", NAMES),
        negatives={"per_positive": 6, "hard": list(hard)},
        exclusion={"exposure_lookback_days": 3, "click_lookback_days": 3},
        gates={name: {"fail": None} for name in ("clicked_share", "rejected_share")},
        **other,
    )
    tree = made.model_dump(mode="json", by_alias=True)
    return Config.model_validate_json(json.dumps(tree | {"warehouse": str(base / warehouse)}))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feedback")
    logs().write(folder)
    return folder


@pytest.fixture(scope="module", params=[pytest.param(1, marks=pytest.mark.both_engines)])
def built(request: pytest.FixtureRequest, spark: SparkSession, base: Path) -> Built:
    cut = {"source": "cut", "stage": "coarse", "count": request.param}
    return build_day(settings(base, "both", cut, SOURCE), spark, immature=True)


def of_feedback(built: Built, **equal: object) -> list[Row]:
    return built.rows("hard_negatives", source="negative_feedback", **equal)


class DescribeNegativesThatUsersRejected:
    def it_takes_what_was_rejected_before_the_positive_was_shown(self, built: Built) -> None:
        for user in set(USERS) - {WITHOUT, ALL_CLICKED}:
            items = {row["neg_item_id"] for row in of_feedback(built, user_id=user)}
            assert items == {REJECTED, OLD}

    def it_gives_none_of_what_was_shown_under_another_source(self, built: Built) -> None:
        shown = {POSITIVE, REJECTED, LATER, CLICKED, 7}
        for row in built.tables["training_samples"]:
            both = zip(row["neg_item_ids"], row["neg_source"], strict=True)
            assert {item for item, source in both if source != 10} & shown == set()

    def it_knows_no_stage_and_says_how_likely_it_was(self, built: Built) -> None:
        rows = of_feedback(built)
        assert len(rows) == 2 * (len(USERS) - 2)
        told = [(r["stage"], r["stage_rank"], r["stage_score"], r["rank_pct"]) for r in rows]
        assert set(told) == {(None, None, None, None)}
        assert {(r["hardness"], r["incl_prob"]) for r in rows} == {(2, 1.0)}

    def it_says_the_same_in_the_list(self, built: Built) -> None:
        row = built.only("training_samples", user_id=1)
        end = row["n_easy"] + row["n_hard"]
        assert row["neg_source"][end - 2 : end] == [10, 10]
        assert row["neg_hardness"][end - 2 : end] == [2, 2]
        assert row["neg_log_q"][end - 2 : end] == [None, None]
        assert row["neg_incl_prob"][end - 2 : end] == [1.0, 1.0]

    def it_is_shown_with_its_source(self, built: Built) -> None:
        sample = built.only("training_samples", user_id=1)
        told = readable(sample, stage_names(built.release))["negatives"]
        assert ("cut", "coarse") in {(one["source"], one["stage"]) for one in told}
        assert ("negative_feedback", None) in {(one["source"], one["stage"]) for one in told}

    def it_says_why_there_are_none(self, built: Built) -> None:
        assert built.reasons(user_id=WITHOUT) == {"nothing_rejected": 2}
        assert built.reasons(user_id=ALL_CLICKED) == {"all_forbidden": 2}

    def it_lets_one_item_be_both_rejected_and_cut(self, built: Built) -> None:
        rows = built.rows("hard_negatives", neg_item_id=OLD)
        cut = {row["user_id"] for row in rows if row["source"] == "cut"}
        assert cut & {row["user_id"] for row in rows if row["source"] == "negative_feedback"}

    def it_accounts_for_every_row_of_the_log(self, built: Built) -> None:
        log = json.loads(built.release.inputs_json)["logs"]["negative_feedback"]
        of_date = 3 * (len(USERS) - 2)
        parts = ("valid", "duplicate", "rejected", "filtered", "other_date")
        assert log["read"] == sum(log[part] for part in parts)
        assert [log[part] for part in parts[:4]] == [of_date, 1, 2, 1]
        codes = [code for name, code in built.codes() if name == "negative_feedback"]
        assert codes == ["missing", "missing"]

    def it_is_proven_by_gates_of_its_own(self, built: Built) -> None:
        record = AuditRecord.model_validate_json(built.release.quality_json)
        figures = {gate.name: gate.figure for gate in record.gates}
        assert figures["negatives_not_rejected"] == figures["feedback_candidates_differ"] == 0
        assert figures["shown_negatives"] == figures["clicked_negatives"] == 0
        assert "shortfall_share.nothing_rejected" not in figures
        assert record.shortfall["nothing_rejected"] == 2


class DescribeWaysToAsk:
    def it_needs_no_ranking_log(self, spark: SparkSession, base: Path) -> None:
        names = tuple(name for name in NAMES if name != "ranking_log")
        made = settings(base, "alone", SOURCE | {"count": 1}, logs=names)
        rows = of_feedback(build_day(made, spark, immature=True))
        assert {(row["hardness"], row["incl_prob"]) for row in rows} == {(1, 0.5)}
        assert {row["neg_item_id"] for row in rows} == {REJECTED, OLD}

    def it_takes_the_latest_first(self, spark: SparkSession, base: Path) -> None:
        one = SOURCE | {"count": 1, "selection": "recent"}
        rows = of_feedback(build_day(settings(base, "recent", one), spark, immature=True))
        assert len(rows) == len(USERS) - 2
        assert {(row["neg_item_id"], row["incl_prob"]) for row in rows} == {(REJECTED, None)}

    def it_takes_some_types_alone(self, spark: SparkSession, base: Path) -> None:
        one = SOURCE | {"types": ["dislike"]}
        rows = of_feedback(build_day(settings(base, "types", one), spark, immature=True))
        assert {row["neg_item_id"] for row in rows} == {REJECTED}

    def it_never_takes_the_positive_itself(self, spark: SparkSession, base: Path) -> None:
        """What was shown and rejected, and is a weak positive."""
        made = settings(base, "weak", SOURCE, positives={"weak": {"share": 1.0}})
        own = of_feedback(build_day(made, spark, immature=True), item_id=REJECTED)
        assert {row["neg_item_id"] for row in own} == {OLD}

    def it_knows_an_item_under_another_id(self, spark: SparkSession, tmp_path: Path) -> None:
        made = logs()
        made.alias(102, REJECTED)
        for row in made.rows["negative_feedback"]:
            row["item_id"] = 102 if row["item_id"] == REJECTED else row["item_id"]
        made.write(tmp_path)
        asked = settings(tmp_path, "aliases", SOURCE, logs=(*NAMES, "item_aliases"))
        rows = of_feedback(build_day(asked, spark, immature=True))
        assert {row["neg_item_id"] for row in rows} == {REJECTED, OLD}


class DescribeASampleOfFrames:
    def it_has_the_rows_of_a_build_and_needs_the_frame(
        self, spark: SparkSession, base: Path
    ) -> None:
        made = settings(base, "frames", SOURCE)
        frames = {name: pds.dataset(base / name, partitioning="hive").to_table() for name in NAMES}
        tables = winnow.sample(**frames, config=made, ds=DAY, spark=spark)
        built = build_day(made, spark, immature=True)
        key = ("user_id", "item_id", "neg_item_id", "source", "incl_prob")
        found = sorted(tuple(row[k] for k in key) for row in tables["hard_negatives"].to_pylist())
        assert found == sorted(tuple(row[k] for k in key) for row in of_feedback(built))
        with pytest.raises(ConfigError, match="negative_feedback: this frame is missing"):
            winnow.sample(**frames | {"negative_feedback": None}, config=made, ds=DAY, spark=spark)


class DescribeABuildThatDoesNotAsk:
    def it_makes_the_same_rows_with_the_log_and_without(
        self, spark: SparkSession, base: Path
    ) -> None:
        cut = {"source": "cut", "stage": "coarse"}
        pins = []
        for number, names in enumerate((NAMES, tuple(n for n in NAMES if "feedback" not in n))):
            made = settings(base, f"unasked-{number}", cut, logs=names)
            release = build_day(made, spark, immature=True).release
            pins.append({p.table: p.content for p in release.tables if p.table != "rejected"})
        assert pins[0] == pins[1]


class DescribeMistakesWithRejections:
    @pytest.mark.parametrize(
        ("mistake", "gate"),
        [
            ("the oldest come first", "feedback_candidates_differ"),
            ("the future is known", "negatives_not_rejected"),
            ("clicks are not told apart", "clicked_negatives"),
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
        def turned(logs: Mapping[str, Log], run: Run) -> DataFrame | None:
            rows = rejected_events(logs, run)
            assert rows is not None
            before = run.day.shifted(-4).start_us
            turned_round = F.lit(before + run.day.start_us) - F.col("event_us")
            us = F.lit(before) if mistake == "the future is known" else turned_round
            return rows.withColumn("event_us", us)

        if mistake == "clicks are not told apart":
            monkeypatch.setattr(events, "CLICKED", FORBIDDEN)
        else:
            monkeypatch.setattr(steps, "rejected_events", turned)
        way = "recent" if mistake == "the oldest come first" else "random"
        asked = SOURCE | {"count": 1 if way == "recent" else 5, "selection": way}
        with pytest.raises(GateError) as caught:
            build_day(settings(base, mistake, asked), spark, immature=True)
        assert f"gate {gate}" in {problem.where for problem in caught.value.problems}


class DescribeAConfigThatAsksForRejections:
    def it_is_refused_without_the_log(self, tmp_path: Path) -> None:
        names = tuple(name for name in NAMES if name != "negative_feedback")
        with pytest.raises(ValueError, match="logs has no negative_feedback"):
            settings(tmp_path, "refused", SOURCE, logs=names)

    @pytest.mark.parametrize(
        ("hard", "said"),
        [
            ([{"source": "negative_feedback"}], "few users reject anything"),
            ([SOURCE, SOURCE], "named more than once"),
            ([SOURCE | {"types": []}], "at least 1 item"),
        ],
    )
    def it_is_refused_where_it_makes_no_sense(
        self, hard: list[Row], said: str, tmp_path: Path
    ) -> None:
        with pytest.raises((ValueError, ConfigError), match=said):
            settings(tmp_path, "refused", *hard)

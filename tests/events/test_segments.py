"""Draws by how popular an item is in the segment of the positive's user."""

import json
import math
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import InputError
from winnow.spark.limits import DEFAULT_LIMITS

from tests.events.handmade import Built, Logs, at, build_day, config

ITEMS, USERS = range(1, 11), range(1, 31)
COUNTRY = {user: ("NO", "SE", None)[user % 3] for user in USERS}
SEGMENT = {"source": "segment", "attribute": "country", "alpha": 1.0}


def logs() -> Logs:
    """Users of NO click items from 1 on, users of SE from 10 down; of every third nothing is known.

    What user 31 did is of no segment, what happened on the date is too late.
    """
    day = Logs()
    for item in ITEMS:
        day.item(item)
    for user in USERS:
        if COUNTRY[user] is not None or user % 2:
            day.user(user, country=COUNTRY[user])
        item = {"NO": 1 + user % 4, "SE": 10 - user % 4, None: 5}[COUNTRY[user]]
        for n in range(user % 5):
            day.click(user, None, item, at(f"1{n}:00", -1 - n % 3))
        day.show(user, user, [6, 7], at("10:00"))
        day.click(user, user, 6, at("10:01"))
        day.click(user, user, 6, at("10:02"), "buy")
    day.click(31, None, 2, at("12:00", -1))
    # Of another country by now, or only from the next date on.
    day.user(31, None, at("00:00"), country="NO")
    day.user(31, at("00:00", 1), None, country="SE")
    return day


def settings(base: Path, *easy: dict[str, Any], **popularity: Any) -> Config:
    made = config(
        base,
        logs=("impressions", "clicks", "items", "users"),
        positives={"downsampling": {"rule": "none"}},
        popularity={"window_days": 2, **popularity},
        exclusion={"exposure_lookback_days": 0, "click_lookback_days": 0},
        negatives={"hard": []},
    )
    tree = made.model_dump(mode="json", by_alias=True)
    tree["logs"]["users"]["carry"] = ["country"]
    tree["negatives"] = {"per_positive": 40, "easy": easy, "hard": [], "on_shortfall": "leave"}
    return Config.model_validate_json(json.dumps(tree))


def clicked(days: int) -> dict[str | None, Counter[int]]:
    """Clicks of each country on the dates before, by plain loops."""
    found: dict[str | None, Counter[int]] = defaultdict(Counter)
    for row in logs().rows["clicks"]:
        if at("00:00", -days) <= row["click_ts"] < at("00:00"):
            found[COUNTRY.get(row["user_id"])][row["item_id"]] += 1
    return found


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("segments")
    logs().write(base)
    return build_day(settings(base, SEGMENT, {"source": "popularity"}), spark, immature=True)


class DescribeDrawsBySegment:
    def it_passes_every_gate(self, built: Built) -> None:
        record = AuditRecord.model_validate_json(built.release.quality_json)
        assert [gate.name for gate in record.gates if gate.status in ("fail", "error")] == []
        assert "easy_draws_p.segment" in {gate.name for gate in record.gates}

    def it_draws_by_what_the_users_segment_clicked_before_the_date(self, built: Built) -> None:
        f, seen = clicked(2), set()
        for row in built.rows("easy_negatives", source="segment"):
            country = COUNTRY[row["user_id"]]
            assert country is not None
            seen.add((country, row["neg_item_id"]))
            total = sum(f[country][item] + 1 for item in ITEMS)
            allowed = sum(f[country][item] + 1 for item in ITEMS if item not in (6, 7))
            weight = f[country][row["neg_item_id"]] + 1
            assert row["q"] == pytest.approx(weight / total, rel=1e-9)
            assert row["log_q"] == pytest.approx(math.log(weight / allowed), abs=1e-8)
        assert f["NO"] != f["SE"]
        assert seen == {(c, item) for c in ("NO", "SE") for item in ITEMS if item not in (6, 7)}

    def it_gives_nothing_to_users_of_no_segment(self, built: Built) -> None:
        for row in built.tables["training_samples"]:
            known = COUNTRY[row["user_id"]] is not None
            assert row["n_easy"] == (40 if known else 20)
            assert row["shortfall_reasons"] == ([] if known else ["group_unknown"])

    @pytest.mark.parametrize(
        "popularity",
        [
            {"of": "actions", "half_life_days": 1.0},
            # What counts is counted by the same steps as for all items.
            pytest.param({"of": "users"}, marks=pytest.mark.proof),
            pytest.param({"of": "impressions"}, marks=pytest.mark.proof),
            pytest.param({"clicks": "attributed"}, marks=pytest.mark.proof),
        ],
        ids=str,
    )
    def it_counts_as_for_all_and_the_audit_counts_the_same(
        self, spark: SparkSession, tmp_path: Path, popularity: dict[str, Any]
    ) -> None:
        day = logs()
        for user in USERS:
            day.show(user, 100 + user, [user % 9 + 1], at("10:00", -1))
            day.click(user, 100 + user, user % 9 + 1, at("10:01", -1), "buy")
        day.write(tmp_path)
        found = build_day(settings(tmp_path, SEGMENT, **popularity), spark, immature=True)
        q = {(COUNTRY[r["user_id"]], r["q"]) for r in found.tables["easy_negatives"]}
        assert len({q for country, q in q if country == "NO"}) > 1


class DescribeAttributesThatTellNoSegments:
    def refused(self, spark: SparkSession, base: Path, day: Logs, attribute: str) -> str:
        day.write(base)
        made = settings(base, SEGMENT).model_dump(mode="json", by_alias=True)
        made["logs"]["users"]["carry"] = [attribute]
        made["negatives"]["easy"][0]["attribute"] = attribute
        with pytest.raises(InputError) as error:
            build_day(Config.model_validate_json(json.dumps(made)), spark, immature=True)
        return str(error.value)

    def it_refuses_one_with_too_many_values(self, spark: SparkSession, tmp_path: Path) -> None:
        day = logs()
        for user in range(1000, 1200):
            day.user(user, country=f"c{user}")
        text = self.refused(spark, tmp_path, day, "country")
        assert "logs.users.carry.country: the attribute has too many values" in text
        assert "found more than 200" in text

    def it_refuses_numbers_with_a_fraction(self, spark: SparkSession, tmp_path: Path) -> None:
        day = logs()
        day.rows["users"] = [{**row, "stay": 0.5} for row in day.rows["users"]]
        text = self.refused(spark, tmp_path, day, "stay")
        assert "a segment is told by text, whole numbers, yes or no, or dates, found double" in text

    def it_refuses_more_weights_than_a_machine_should_hold(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs().write(tmp_path)
        few = replace(DEFAULT_LIMITS, segment_weights=19)
        with pytest.raises(InputError, match=r"found 2 segments of 10 items, 20, expected 19"):
            build_day(settings(tmp_path, SEGMENT), spark, immature=True, limits=few)

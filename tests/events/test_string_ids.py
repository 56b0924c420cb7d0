"""Ids that are text, clicks that know no request, a ranking log without users, no items log.

The catalogue is what the logs have seen: items a to j, and x in tomorrow's log only.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.errors import InputError

from tests.events.handmade import DAY, MICROSECOND, Built, Logs, at, build_day, config

CATALOGUE = set("abcdefghij")
NOON = at("12:00")


def logs() -> Logs:
    day = Logs(string_ids=True)
    for log in ("impressions", "clicks", "ranking_log"):
        for offset in (-1, 0, 1):
            day.folder(log, at("00:00", offset).date())

    def click(user: str, item: str, clock: str, days: int = 0) -> None:
        day.rows["clicks"].append({"user_id": user, "item_id": item, "click_ts": at(clock, days)})

    # ann: an ordinary request; clicked b without being shown it.
    day.show("ann", "r1", "a", NOON)
    click("ann", "a", "12:01")
    click("ann", "b", "12:02")
    day.rank("r1", "coarse", "bcd", NOON)
    # bob: was shown everything.
    day.show("bob", "r2", list("abcdefghij"), NOON)
    click("bob", "c", "12:01")
    # cat: shown c three times, the last one tomorrow; a click goes to the latest one before it.
    day.show("cat", "r3", "c", at("09:00"))
    day.show("cat", "r4", "c", at("11:00"))
    day.show("cat", "r5", "c", at("01:00", 1))
    click("cat", "c", "10:00")
    click("cat", "c", "12:00")
    click("cat", "c", "02:00", 1)
    # dan: shown d late today and early tomorrow; the click is tomorrow's impression's.
    day.show("dan", "r6", "d", at("23:00"))
    day.show("dan", "r7", "d", at("00:30", 1))
    click("dan", "d", "00:40", 1)
    # eve: an impression with a broken position that forbids its item all the same.
    day.show("eve", "r8", "a", NOON)
    day.show("eve", "r8", "b", NOON, position=-1)
    click("eve", "a", "12:01")
    day.rank("r8", "coarse", "bcd", NOON)
    # fay: clicked at the very moment of the impression; and a microsecond before another one.
    day.show("fay", "r9", "e", NOON)
    click("fay", "e", "12:00")
    day.show("fay", "r10", "f", NOON)
    day.rows["clicks"].append({"user_id": "fay", "item_id": "f", "click_ts": NOON - MICROSECOND})
    # An empty text is nobody.
    day.show("", "r11", "g", NOON)
    day.show("gil", "r12", "x", at("12:00", 1))
    return day


def settings(base: Path) -> Config:
    return config(
        base,
        logs=("impressions", "clicks", "ranking_log"),
        ids={"user": "string", "item": "string", "request": "string"},
        attribution={"join": "last_impression"},
        funnel={"cut_known_by": "last_stage"},
        negatives={"per_positive": 4, "on_shortfall": "leave"},
        exclusion={"exposure_lookback_days": 1, "click_lookback_days": 1},
        popularity={"window_days": 1},
        positives={"downsampling": {"rule": "none"}},
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("string_ids")
    logs().write(folder)
    return folder


@pytest.fixture(scope="module")
def texts(spark: SparkSession, base: Path) -> Built:
    return build_day(settings(base), spark)


class DescribeStringIds:
    def it_writes_the_ids_as_they_were(self, texts: Built) -> None:
        row = texts.only("training_samples", user_id="ann")
        assert (row["request_id"], row["item_id"]) == ("r1", "a")
        assert set(row["neg_item_ids"]) <= CATALOGUE

    def it_forbids_the_item_of_an_orphan_click(self, texts: Built) -> None:
        assert texts.hard(user_id="ann") == {"c", "d"}
        assert "b" not in texts.negatives(user_id="ann")

    def it_forbids_the_item_of_a_rejected_impression(self, texts: Built) -> None:
        assert texts.hard(user_id="eve") == {"c", "d"}
        assert "b" not in texts.negatives(user_id="eve")
        assert [row["item_id"] for row in texts.rows("positives", user_id="eve")] == ["a"]

    def it_keeps_the_row_of_a_user_who_was_shown_everything(self, texts: Built) -> None:
        row = texts.only("training_samples", user_id="bob")
        assert (row["neg_item_ids"], row["shortfall"]) == ([], 4)
        assert texts.reasons(user_id="bob") == {
            "request_not_logged": 2,
            "catalogue_exhausted": 2,
        }

    def it_leaves_missing_hard_negatives_missing_where_told_so(self, texts: Built) -> None:
        row = texts.only("training_samples", user_id="cat", request_id="r3")
        assert (row["n_easy"], row["n_hard"], row["n_fill"], row["shortfall"]) == (2, 0, 0, 2)
        assert row["neg_source"] == [0, 0]

    def it_drops_users_that_mean_nobody(self, texts: Built) -> None:
        assert texts.summary.logs["impressions"].filtered == 1
        assert "" not in {row["user_id"] for row in texts.tables["ranking_samples"]}


class DescribeLastImpression:
    def it_gives_each_click_to_the_latest_impression_before_it(self, texts: Built) -> None:
        found = {r["request_id"]: r["click_ts"] for r in texts.rows("positives", user_id="cat")}
        assert found == {"r3": at("10:00"), "r4": at("12:00")}

    def it_gives_no_click_away_to_an_earlier_date(self, texts: Built) -> None:
        assert not texts.rows("positives", user_id="dan")
        assert [r["label"] for r in texts.rows("ranking_samples", user_id="dan")] == [0]

    def it_counts_a_click_at_the_moment_of_the_impression_but_not_before(
        self, texts: Built
    ) -> None:
        assert [row["item_id"] for row in texts.rows("positives", user_id="fay")] == ["e"]

    def it_rejects_what_is_no_ones_click(self, texts: Built) -> None:
        assert texts.codes() == [
            ("clicks", "orphan"),  # ann, never shown b
            ("clicks", "orphan"),  # fay, before the impression
            ("impressions", "position_negative"),  # eve
        ]


class DescribeACatalogueWithoutItemsLog:
    def it_is_what_the_logs_have_seen_until_the_end_of_the_date(self, texts: Built) -> None:
        assert {row["item_id"] for row in texts.tables["item_stats"]} == CATALOGUE

    def it_says_so_in_the_release(self, texts: Built) -> None:
        assert '"catalogue_from": "logs"' in texts.release.inputs_json


class DescribeAnEmptyDay:
    EMPTY = DAY + timedelta(days=30)

    def it_is_refused_naming_every_path(self, spark: SparkSession, base: Path) -> None:
        with pytest.raises(InputError) as caught:
            build_day(settings(base), spark, self.EMPTY)
        text = str(caught.value)
        for log in ("impressions", "clicks", "ranking_log"):
            assert f"{base}/{log}/date={self.EMPTY}" in text
        assert "--allow-empty" in text

    def it_is_refused_where_the_folder_is_there_but_holds_no_rows(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        hollow = logs()
        for log in ("impressions", "clicks", "ranking_log"):
            for offset in (-1, 0, 1):
                hollow.folder(log, self.EMPTY + timedelta(offset))
        hollow.write(tmp_path)
        with pytest.raises(InputError) as caught:
            build_day(settings(tmp_path), spark, self.EMPTY)
        assert f"no impression of {self.EMPTY} was read" in str(caught.value)

    @pytest.mark.fault(14)
    def it_makes_a_release_of_empty_tables_where_that_is_accepted(
        self, spark: SparkSession, base: Path, texts: Built
    ) -> None:
        empty = build_day(settings(base), spark, self.EMPTY, allow_empty=True)
        assert set(empty.tables) == set(texts.tables)
        assert {name: rows for name, rows in empty.tables.items() if rows} == {}
        assert empty.release.ds == self.EMPTY
        assert {pin.content.rows for pin in empty.release.tables} == {0}

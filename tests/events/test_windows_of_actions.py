"""Attribution windows of single actions: a purchase may come days after the click."""

import json
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.sampling import duration_us
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed
from winnow.errors import InputError

from tests.events.handmade import DAY, MICROSECOND, Built, Logs, at, build_day, config


def bought_late(last_folder: int = 7) -> Logs:
    """Items 1 to 6, shown at noon, and what their users did hours or days later."""
    day = Logs()
    for item in range(1, 30):
        day.item(item)
    for user in range(1, 7):
        day.show(user, 100 + user, user, at("12:00"))
    # 1: clicked, then bought on the third day. 2: only bought. 3: bought at the end of the window.
    day.click(1, 101, 1, at("12:05"))
    day.click(1, 101, 1, at("15:00", 3), "buy")
    day.click(2, 102, 2, at("11:00", 2), "buy")
    day.click(3, 103, 3, at("12:00", 7), "buy")
    # 4: bought after it. 5: clicked after 24 hours. 6: put in the cart after 90 minutes.
    day.click(4, 104, 4, at("12:00", 7) + MICROSECOND, "buy")
    day.click(5, 105, 5, at("13:00", 1))
    day.click(6, 106, 6, at("13:31"), "cart")
    for log in ("impressions", "clicks"):
        for offset in range(-8, last_folder + 1):
            day.folder(log, at("00:00", offset).date())
    return day


def settings(base: Path) -> Config:
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        attribution={"windows": {"buy": "7d", "cart": "90m"}},
        positives={"downsampling": {"rule": "none"}},
        popularity={"window_days": 1},
        negatives={"hard": [], "per_positive": 2},
        gates={name: {"fail": None} for name in ("rejected_share", "rejected_reason_share")},
    )


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("late")
    bought_late().write(base)
    return build_day(settings(base), spark)


class DescribeWindowsOfActions:
    def it_makes_and_strengthens_positives_within_the_actions_own_window(
        self, built: Built
    ) -> None:
        rows = built.tables["positives"]
        found = {row["item_id"]: (row["click_ts"], row["action_type"]) for row in rows}
        assert found == {
            1: (at("12:05"), "buy"),
            2: (at("11:00", 2), "buy"),
            3: (at("12:00", 7), "buy"),
        }

    def it_labels_the_same_impressions(self, built: Built) -> None:
        labels = {r["item_id"]: r["label"] for r in built.tables["ranking_samples"]}
        assert labels == {1: 1, 2: 1, 3: 1, 4: 0, 5: 0, 6: 0}

    @pytest.mark.parametrize(
        ("later", "orphans"),
        [
            (2, 0),
            (7, 1),
            # A day after the usual window, and dates with nothing to find.
            *(pytest.param(*one, marks=pytest.mark.proof) for one in ((0, 1), (1, 1), (3, 0))),
        ],
    )
    def it_looks_for_orphans_over_the_longest_window(
        self, spark: SparkSession, tmp_path: Path, later: int, orphans: int
    ) -> None:
        day = bought_late(15)
        day.show(9, 900, 20, at("10:00", later))
        day.write(tmp_path)
        of = date.fromordinal(DAY.toordinal() + later)
        found = build_day(settings(tmp_path), spark, of, allow_empty=True)
        assert found.codes() == [("clicks", "orphan")] * orphans

    def it_waits_for_the_logs_of_the_longest_window(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        bought_late(7).write(tmp_path)
        (tmp_path / "clicks" / f"date={at('00:00', 7).date()}" / "part.parquet").unlink()
        with pytest.raises(InputError, match="later dates"):
            build_day(settings(tmp_path), spark)
        found = build_day(settings(tmp_path), spark, immature=True)
        assert {row["mature"] for row in found.tables["positives"]} == {False}
        assert {row["item_id"] for row in found.tables["positives"]} == {1, 2}

    def it_reads_so_many_dates(self) -> None:
        needs = dates_needed(settings(Path("x")), DAY)
        assert needs.dates["clicks"].last == at("00:00", 7).date()
        assert needs.dates["impressions"].first == at("00:00", -7).date()


class DescribeDurations:
    @pytest.mark.parametrize(
        ("text", "minutes"), [("90m", 90), ("24h", 1440), ("7d", 10080), ("1m", 1), ("14d", 20160)]
    )
    def it_reads_minutes_hours_and_days(self, text: str, minutes: int) -> None:
        assert duration_us(text) == minutes * 60_000_000

    @pytest.mark.parametrize("text", ["", "7", "d", "7 d", "1.5h", "-1h", "0h", "15d", "7w", "٣d"])
    def it_takes_no_other_window(self, text: str) -> None:
        log = {"path": "x"}
        tree = {
            "logs": {"impressions": log, "clicks": log},
            "negatives": {"hard": []},
            "attribution": {"windows": {"buy": text}},
        }
        with pytest.raises(ValueError, match=r"attribution\.windows\.buy"):
            Config.model_validate_json(json.dumps(tree))

    def it_gives_windows_to_known_actions_only(self) -> None:
        log = {"path": "x"}
        tree = {
            "logs": {"impressions": log, "clicks": log},
            "negatives": {"hard": []},
            "attribution": {"windows": {"stare": "1h"}},
        }
        with pytest.raises(ValueError, match="actions has no such action"):
            Config.model_validate_json(json.dumps(tree))

"""One day of logs in which every user is an edge case of its own.

Where a case is about what is forbidden, its request has exactly as many candidates as hard
negatives are wanted, so that each allowed candidate must be taken and each forbidden one is missed.
"""

from pathlib import Path
from typing import Any

from winnow.config.tree import Config

from tests.events.handmade import MICROSECOND, Logs, at, config

WHOLE_CATALOGUE = [*range(1, 41), 92]
NOT_YET_ELIGIBLE, RETIRED, BORN_TODAY = 90, 91, 92
NOON = at("12:00")


def logs() -> Logs:
    """The events, by case."""
    day = Logs()
    for item in range(1, 41):
        day.item(item)
    day.item(NOT_YET_ELIGIBLE, valid_from=at("00:00", 1))
    day.item(RETIRED, valid_to=at("00:00"))
    day.item(BORN_TODAY, valid_from=at("00:00", 1) - MICROSECOND)
    for log in ("impressions", "clicks"):
        for offset in range(-4, 2):
            day.folder(log, at("00:00", offset).date())
    day.folder("ranking_log", at("00:00", 1).date())
    _negatives(day)
    _attribution(day)
    _exclusion(day)
    _popularity(day)
    return day


def _request(day: Logs, user: int, request: int, coarse: list[int]) -> None:
    """A request that shows item 1, has it clicked, and logs what coarse ranking cut."""
    day.show(user, request, 1, NOON)
    day.click(user, request, 1, at("12:01"))
    day.rank(request, "coarse", coarse, NOON)


def _negatives(day: Logs) -> None:
    # 1: a request as it should be.
    day.show(1, 101, [10, 11], NOON)
    day.click(1, 101, 10, at("12:01"))
    day.rank(101, "coarse", range(10, 20), NOON)
    day.rank(101, "fine", range(10, 15), NOON)
    # 2: was shown the whole catalogue.
    day.show(2, 102, WHOLE_CATALOGUE, NOON)
    day.click(2, 102, 20, at("12:01"))
    day.rank(102, "coarse", [20, 21, 22], NOON)
    # 3: a request without ranking rows.
    day.show(3, 103, 10, NOON)
    day.click(3, 103, 10, at("12:01"))
    # 4: was shown every candidate, the day before.
    day.show(4, 1040, [20, 21], at("23:00", -1))
    _request(day, 4, 104, [20, 21])
    # 5: a pool that is too small.
    _request(day, 5, 105, [1, 23, 24])
    # 12: candidates that may not be recommended on the date.
    _request(day, 12, 112, [NOT_YET_ELIGIBLE, RETIRED, BORN_TODAY, 31])
    # 16: candidates that other users were shown and clicked.
    _request(day, 16, 116, [10, 20, 31, 32])


def _attribution(day: Logs) -> None:
    # 6: a click exactly at the end of the attribution window.
    day.show(6, 106, 10, at("10:00"))
    day.click(6, 106, 10, at("10:00", 1))
    # 7: clicks one microsecond after it, today's and tomorrow's.
    day.show(7, 107, 10, at("10:00", -1))
    day.click(7, 107, 10, at("10:00") + MICROSECOND)
    day.show(7, 1071, 11, at("10:00"))
    day.click(7, 1071, 11, at("10:00", 1) + MICROSECOND)
    # 8: clicks after midnight, of yesterday's impression and of today's.
    day.show(8, 108, 10, at("23:50", -1))
    day.click(8, 108, 10, at("00:10"))
    day.show(8, 1081, 11, at("23:50"))
    day.click(8, 1081, 11, at("00:10", 1))
    # 13 and 14: 13 logs in as 14 between the impression and the click.
    day.show(13, 113, 30, NOON)
    day.click(14, 113, 30, at("12:02"))
    day.rank(113, "coarse", [30, 31, 32, 33], NOON)
    _request(day, 14, 114, [30, 31, 32, 33])
    # 15: an item shown twice in a request and clicked three times.
    day.show(15, 115, 10, at("10:05"), impression="later", position=7)
    day.show(15, 115, 10, at("10:00"), impression="earlier", position=3)
    day.click(15, 115, 10, at("10:06"))
    day.click(15, 115, 10, at("10:01"))
    day.click(15, 115, 10, at("10:07"), "buy")
    day.click(15, 115, 10, at("10:08"), "cart")


def _exclusion(day: Logs) -> None:
    # 9: a click without an impression.
    _request(day, 9, 109, [30, 31, 32, 33])
    day.click(9, 999, 30, NOON)
    # 10: an impression that was logged twice, and its click, too.
    day.show(10, 110, 30, NOON, impression="twice")
    day.show(10, 110, 30, NOON, impression="twice")
    day.click(10, 110, 30, at("12:01"))
    day.click(10, 110, 30, at("12:01"))
    day.rank(110, "coarse", [30, 31, 32, 33], NOON)
    # 11: an impression with a negative position, and a click on it.
    _request(day, 11, 111, [30, 31, 32, 33])
    day.show(11, 111, 30, NOON, position=-1)
    day.click(11, 111, 30, at("12:01"))
    # 17: how far the exclusion looks back: two days of impressions, three of clicks.
    _request(day, 17, 117, [31, 32, 33, 34, 35])
    day.show(17, 1170, 31, at("00:00", -2))
    day.show(17, 1171, 32, at("00:00", -2) - MICROSECOND)
    day.click(17, None, 33, at("00:00", -3))
    day.click(17, None, 34, at("00:00", -3) - MICROSECOND)
    day.show(17, 1172, 35, at("00:00", 1))
    # Nobody: two values that mean no user.
    day.show(0, 180, [12, 13], NOON)
    day.show(-1, 181, 12, NOON)
    day.click(0, 180, 12, at("12:01"))


def _popularity(day: Logs) -> None:
    # 19: the edges of the popularity window of three days; one click was logged twice.
    day.click(19, None, 38, at("00:00"))
    for _ in range(2):
        day.click(19, None, 39, at("00:00") - MICROSECOND)
    day.click(19, None, 39, at("00:00", -3))
    day.click(19, None, 40, at("00:00", -3) - MICROSECOND)


def settings(base: Path, **negatives: Any) -> Config:
    """Four easy and four hard negatives per positive, nothing thinned, short windows."""
    return config(
        base,
        funnel={"cut_known_by": "last_stage"},
        negatives={"per_positive": 8, **negatives},
        exclusion={"exposure_lookback_days": 2, "click_lookback_days": 3},
        popularity={"window_days": 3},
        positives={"downsampling": {"rule": "none"}, "weights": {"buy": 3.0}},
        # User 2 is shown the whole catalogue.
        gates={"top_user_share": {"fail": None}},
        tables=[
            "positives", "easy_negatives", "hard_negatives", "training_samples",
            "training_samples_pointwise", "ranking_samples",
        ],
    )  # fmt: skip

"""Histories carried from date to date: the rows of a build that reads all dates from the logs.

What is asserted is told from the rows of the logs by plain Python.
"""

import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import InputError

from tests.events.handmade import DAY, Built, Logs, Row, at, build_day, config

LENGTH, DAYS = 4, 3
DATES = tuple(DAY - timedelta(back) for back in (3, 2, 1, 0))
OF_FEW = (
    "top_user_share", "rejected_share.clicks", "rejected_reason_share.clicks.orphan",
    "clicked_share", "requests_of_several_users",
)  # fmt: skip
ACTIONS = ("click", "buy")


def some_logs(*, strings: bool = False) -> Logs:
    """Logs of a week: clicks at one time, logged twice, without an impression, by others' ids."""
    random, made = Random(7), Logs(string_ids=strings)

    def named(number: int) -> Any:
        return f"n{number:03}" if strings else number

    for item in range(1, 40):
        made.item(named(item))
    for offset in range(-6, 1):
        for user in range(1, 13):
            # Some have no click for days, and some none again.
            quiet = random.random() < 0.4 or (user in (3, 4) and offset > -3)
            when = at(f"{8 + user % 12:02}:00", offset)
            request = named(1000 * (offset + 10) + user)
            shown = random.sample(range(1, 40), 4)
            made.show(named(user), request, [named(one) for one in shown], when)
            if quiet:
                continue
            for item in shown[: random.choice((1, 1, 2))]:
                clicked = when + timedelta(minutes=random.choice((1, 1, 2)))
                action = random.choice(ACTIONS)
                for _ in range(random.choice((1, 1, 2))):
                    made.click(named(user), request, named(item), clicked, action)
            for _ in range(random.choice((0, 0, 3))):
                hour = timedelta(hours=random.choice((-1, 1)))
                made.click(named(user), named(9), named(random.randint(1, 39)), when + hour, "buy")
    # Somebody with too many clicks two dates ago, who clicks one request after the other was shown.
    user = named(20)
    for minute in range(6):
        made.click(user, named(9), named(30 + minute), at(f"10:0{minute}", -2))
    made.show(user, named(50), [named(1), named(2)], at("12:00"))
    made.show(user, named(51), [named(3), named(4)], at("12:01"))
    made.click(user, named(51), named(3), at("12:02"))
    made.click(user, named(50), named(1), at("12:05"))
    for log in ("impressions", "clicks"):
        for offset in range(-7, 2):
            made.folder(log, at("00:00", offset).date())
    return made


def carrying(base: Path, **requests: Any) -> Config:
    """A config that carries histories, and reads the clicks of two dates for all else."""
    history = {"carried": True} | requests.pop("history", {})
    settings: dict[str, Any] = {
        "logs": ("impressions", "clicks", "items"),
        "negatives": {"per_positive": 2, "hard": []},
        "positives": {"actions": list(ACTIONS), "downsampling": {"rule": "none"}},
        "exclusion": {"exposure_lookback_days": 0, "click_lookback_days": 1},
        "popularity": {"window_days": 1},
        "requests": {
            "history_length": LENGTH, "history_days": DAYS, "history": history, **requests,
        },
        "tables": ["training_samples", "request_samples", "user_sequences"],
        "gates": {name: {"fail": None} for name in OF_FEW},
    }  # fmt: skip
    if requests.pop("strings", False):
        settings["ids"] = {"user": "string", "item": "string", "request": "string"}
        settings["requests"].pop("strings")
    return config(base, **settings)


def of_the_logs(base: Path) -> Config:
    """The same, but that the clicks of all dates are read each day."""
    tree = carrying(base).model_dump(mode="json", by_alias=True)
    tree["requests"]["history"]["carried"] = False
    tree["exclusion"]["click_lookback_days"] = DAYS
    tree["warehouse"] = str(base / "of-the-logs")
    return Config.model_validate_json(json.dumps(tree))


def build_dates(settings: Config, spark: SparkSession, *days: date) -> list[Built]:
    accept = {"immature": True, "allow_empty": True}
    return [build_day(settings, spark, day, **accept) for day in days]


def micros(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000 + when.microsecond


def wanted(clicks: list[Row], day: date) -> dict[Any, Row]:
    """The state of each user as of the end of a date, told from all rows of the click log."""
    first = day - timedelta(DAYS)
    found = defaultdict[Any, set[tuple[int, Any, int]]](set)
    for row in clicks:
        when = row["click_ts"]
        if row["user_id"] is not None and first <= when.date() <= day:
            event = (micros(when), row["item_id"], ACTIONS.index(row["action_type"]))
            found[row["user_id"]].add(event)
    states = {}
    for user, events in found.items():
        ordered = sorted(events)
        kept, left = ordered[-LENGTH:], ordered[:-LENGTH]
        dates = Counter(us // 86_400_000_000 * 86_400_000_000 for us, _, _ in left)
        states[user] = {
            "item_ids": [item for _, item, _ in kept],
            "actions": [ACTIONS[code] for _, _, code in kept],
            "us": [us for us, _, _ in kept],
            "left_out_day_us": sorted(dates),
            "left_out_counts": [dates[one] for one in sorted(dates)],
        }
    return states


def states(built: Built) -> dict[Any, Row]:
    own = {"ds", "user_id", "shuffle_key"}
    rows = built.tables["history_state"]
    found = {row["user_id"]: {n: v for n, v in row.items() if n not in own} for row in rows}
    assert len(found) == len(rows)
    return found


def gate(built: Built, name: str) -> tuple[str, float | None]:
    record = AuditRecord.model_validate_json(built.release.quality_json)
    (found,) = [one for one in record.gates if one.name == name]
    return found.status, found.figure


def told(built: Built) -> Row:
    record: Row = json.loads(built.release.inputs_json)["history_state"]
    return record


def requests(built: Built) -> list[str]:
    """Requests without their negatives: what clicks are read for decides what is forbidden."""
    rows = built.tables["request_samples"]
    return sorted(repr({n: v for n, v in r.items() if not n.startswith("neg_")}) for r in rows)


def sequences(built: Built) -> list[str]:
    return sorted(map(repr, built.tables["user_sequences"]))


class DescribeCarriedHistories:
    @pytest.mark.both_engines
    def it_has_the_rows_of_a_build_that_reads_all_dates(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = some_logs()
        logs.write(tmp_path)
        made = build_dates(carrying(tmp_path), spark, *DATES[1:])
        for built, day in zip(made, DATES[1:], strict=True):
            assert states(built) == wanted(logs.rows["clicks"], day)
            assert gate(built, "history_state_differs") == ("pass", 0)
            assert gate(built, "history_log_differs") == ("pass", 0)
        state = states(made[-1])
        # All that is to be shown is there: users who are not seen, a cap, and what has expired.
        today = {row["user_id"] for row in logs.rows["clicks"] if row["click_ts"].date() == DAY}
        assert set(state) - today
        assert any(one["left_out_counts"] for one in state.values())
        assert set(states(made[0])) - set(state)
        (whole,) = build_dates(of_the_logs(tmp_path), spark, DAY)
        assert requests(made[-1]) == requests(whole)
        assert any(row["hist_left_out"] for row in whole.tables["request_samples"])
        assert sequences(made[-1]) == sequences(whole)
        assert "history_state" not in whole.tables, "none is written unless asked for"
        assert "history_state" not in json.loads(whole.release.inputs_json)
        assert told(made[0]) == {
            "anew": "no earlier date is released",
            "reads_from": str(DATES[1] - timedelta(DAYS)),
            "missing_dates": [],
        }
        before = made[1].release
        pin = before.pin("history_state")
        assert pin is not None
        assert told(made[2]) == {
            "ds": str(DATES[2]), "release_id": before.release_id, "version": pin.version,
            "rows": pin.content.rows, "content": pin.content.total,
            "reads_from": str(DAY), "missing_dates": [],
        }  # fmt: skip

    @pytest.mark.proof
    def it_is_exact_again_when_late_clicks_have_come_and_dates_are_built_in_order(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = some_logs()
        late = [r for r in logs.rows["clicks"] if r["click_ts"].date() == DATES[1]][::2]
        here = [row for row in logs.rows["clicks"] if row not in late]
        everything, logs.rows["clicks"] = logs.rows["clicks"], here
        logs.write(tmp_path)
        settings = carrying(tmp_path)
        build_dates(settings, spark, *DATES[1:3])
        logs.rows["clicks"] = everything
        logs.write(tmp_path)
        (middle,) = build_dates(settings, spark, DATES[1])
        assert states(middle) == wanted(everything, DATES[1])
        # The date behind it has gone on from what was replaced, and the next one says so.
        (stale,) = build_dates(settings, spark, DAY)
        assert states(stale) != wanted(everything, DAY)
        assert gate(stale, "history_state_replaced") == ("warn", 1)
        made = build_dates(settings, spark, *DATES[2:])
        for built, day in zip(made, DATES[2:], strict=True):
            assert states(built) == wanted(everything, day)
        assert gate(made[-1], "history_state_replaced") == ("pass", 0)

    @pytest.mark.proof
    def it_reads_dates_again_for_what_comes_late(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = some_logs()
        late = [r for r in logs.rows["clicks"] if r["click_ts"].date() == DATES[2]][::2]
        everything = logs.rows["clicks"]
        logs.rows["clicks"] = [row for row in everything if row not in late]
        logs.write(tmp_path)
        plain = carrying(tmp_path)
        build_dates(plain, spark, *DATES[1:3])
        logs.rows["clicks"] = everything
        logs.write(tmp_path)
        (without,) = build_dates(plain, spark, DAY)
        assert gate(without, "history_log_differs")[0] == "warn"
        rereading = carrying(tmp_path, history={"reread_days": 1})
        (built,) = build_dates(rereading, spark, DAY)
        assert (told(built)["ds"], told(built)["reads_from"]) == (str(DATES[1]), str(DATES[2]))
        assert states(built) == wanted(everything, DAY)
        assert gate(built, "history_log_differs") == ("pass", 0)


class DescribeAMissingState:
    def it_is_that_of_an_older_date_or_read_from_the_log(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = some_logs(strings=True)
        logs.write(tmp_path)
        settings = carrying(tmp_path, strings=True)
        _, last = build_dates(settings, spark, DATES[0], DATES[2])
        assert (told(last)["ds"], told(last)["reads_from"]) == (str(DATES[0]), str(DATES[1]))
        assert states(last) == wanted(logs.rows["clicks"], DATES[2])
        longer = carrying(tmp_path, strings=True, history_length=LENGTH + 1)
        (anew,) = build_dates(longer, spark, DAY)
        assert told(anew)["anew"] == f"the release of {DATES[2]} was made with history_length 4"
        assert gate(anew, "history_restarted") == ("warn", 1)
        failing = {"on_missing_state": "fail"}
        longest = carrying(tmp_path, strings=True, history_length=9, history=failing)
        with pytest.raises(InputError, match="was made with history_length 5"):
            build_dates(longest, spark, DAY + timedelta(1))

    @pytest.mark.proof
    def it_is_read_from_the_log_where_clicks_mean_something_else_now(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        """A state of other clicks would give each user a past that no log has."""
        logs = some_logs()
        logs.write(tmp_path)
        build_dates(carrying(tmp_path), spark, DATES[2])
        tree = carrying(tmp_path).model_dump(mode="json", by_alias=True)
        tree["logs"]["clicks"]["where"] = {"action_type": ["buy"]}
        (built,) = build_dates(Config.model_validate_json(json.dumps(tree)), spark, DAY)
        bought = [row for row in logs.rows["clicks"] if row["action_type"] == "buy"]
        assert states(built) == wanted(bought, DAY)
        why = f"the release of {DATES[2]} was made with logs.clicks.where.action_type not set"
        assert told(built)["anew"] == why
        assert gate(built, "history_restarted") == ("warn", 1)

    @pytest.mark.proof
    def it_names_dates_that_nothing_knows(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = some_logs()
        logs.touched["clicks"] = {day for day in logs.touched["clicks"] if day >= DATES[2]}
        logs.rows["clicks"] = [
            row for row in logs.rows["clicks"] if row["click_ts"].date() >= DATES[2]
        ]
        logs.write(tmp_path)
        first, second = build_dates(carrying(tmp_path), spark, *DATES[2:])
        assert told(first)["missing_dates"] == [str(DATES[2] - timedelta(n)) for n in (3, 2, 1)]
        assert gate(first, "history_dates_missing") == ("warn", 3)
        assert gate(second, "history_dates_missing") == ("warn", 2)

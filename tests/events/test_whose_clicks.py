"""Whose positive a click makes where ids of requests and impressions are not unique in the log."""

import random
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.audit.recompute.pairs import recomputed_pairs
from winnow.config.tree import Config
from winnow.contracts.rows import valid_rows
from winnow.engine.engine import Engine
from winnow.errors import GateError
from winnow.events.attribution import attributed_pairs
from winnow.events.click_users import settled
from winnow.run import Run
from winnow.spark.scratch import Scratch
from winnow.spark.sized import Sized

from tests.audit import small
from tests.events.handmade import DAY, Built, Logs, at, build_day, config

NOON = at("12:00")
USERS = range(1, 7)


def counting_per_user(*, ranking_knows_users: bool = True) -> Logs:
    """Every user has a request 1 that shows items 10 to 12; user 1 alone clicks item 10.

    User 2 clicks what request 2 shows. User 9 clicks under request 1, which it has none of, an item
    that six users were shown, and another that only user 6 was shown.
    """
    day = Logs()
    for item in range(1, 60):
        day.item(item)
    for user in USERS:
        day.show(user, 1, [10, 11, 12], NOON + timedelta(minutes=user))
        # Each user's own candidates, as many as hard negatives are wanted.
        own = [20 + 4 * user + n for n in range(4)]
        more = {"user_id": user} if ranking_knows_users else {}
        day.rank(1, "coarse", own, NOON, **more)
    day.show(6, 1, 13, NOON)
    day.click(1, 1, 10, at("12:08"))
    day.show(2, 2, 14, at("13:00"))
    day.click(2, 2, 14, at("13:01"))
    day.click(9, 1, 11, at("12:10"))
    day.click(9, 1, 13, at("12:10"))
    day.show(9, 5, 15, at("14:00"))
    day.click(9, 5, 15, at("14:01"))
    for log in ("impressions", "clicks", "ranking_log"):
        for offset in (-1, 0, 1):
            day.folder(log, at("00:00", offset).date())
    return day


def built(spark: SparkSession, base: Path, day: Logs, **settings: object) -> Built:
    day.write(base)
    given = {
        "funnel": {"cut_known_by": "last_stage"},
        "negatives": {"per_positive": 8},
        "exclusion": {"exposure_lookback_days": 1, "click_lookback_days": 1},
        "popularity": {"window_days": 1},
        "positives": {"downsampling": {"rule": "none"}},
        **settings,
    }
    return build_day(config(base, **given), spark)


def positives(of: Built) -> list[tuple[object, ...]]:
    rows = of.tables["positives"]
    return sorted((row["user_id"], row["request_id"], row["item_id"]) for row in rows)


def labelled(of: Built) -> list[tuple[object, ...]]:
    rows = of.rows("ranking_samples", label=1)
    return sorted((row["user_id"], row["request_id"], row["item_id"]) for row in rows)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("request_item", marks=pytest.mark.both_engines),
        pytest.param("impression_id", marks=pytest.mark.proof),
    ],
)
def counted(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    """The impression ids of ``Logs`` are request/item, so they count per user as well."""
    base = tmp_path_factory.mktemp("counted")
    return built(spark, base, counting_per_user(), attribution={"join": request.param})


class DescribeIdsThatCountPerUser:
    def it_gives_a_positive_to_the_user_who_clicked_and_to_no_other(self, counted: Built) -> None:
        own = [(1, 1, 10), (2, 2, 14), (9, 5, 15)]
        assert positives(counted) == labelled(counted) == own

    def it_rejects_the_clicks_that_fit_other_users_only(self, counted: Built) -> None:
        assert counted.codes() == [("clicks", "user_differs")] * 2

    def it_says_that_ids_are_shared(self, counted: Built) -> None:
        (told,) = [text for text in counted.summary.warnings if text.startswith("shared_ids")]
        assert told.endswith(" ids, wanted at most 0 (2 clicks rejected as user_differs)")

    def it_keeps_the_impressions_of_all_users(self, counted: Built) -> None:
        shown = [(row["user_id"], row["item_id"]) for row in counted.tables["ranking_samples"]]
        wanted = [(user, item) for user in USERS for item in (10, 11, 12)]
        assert sorted(shown) == sorted([*wanted, (6, 13), (2, 14), (9, 15)])
        assert counted.summary.logs["impressions"].duplicate == 0
        assert counted.summary.logs["ranking_log"].duplicate == 0

    def it_takes_the_hard_negatives_of_the_users_own_request(self, counted: Built) -> None:
        assert counted.hard(user_id=1) == {24, 25, 26, 27}
        assert counted.reasons(user_id=2) == {"request_not_logged": 4}

    def it_forbids_what_such_a_click_was_on(self, counted: Built) -> None:
        assert not {11, 13, 15} & counted.negatives(user_id=9)


class DescribeTheConfigsAnswer:
    def it_asks_users_to_agree(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = counting_per_user()
        found = built(spark, tmp_path, logs, attribution={"users": "agree"})
        assert positives(found) == labelled(found) == [(1, 1, 10), (2, 2, 14), (9, 5, 15)]
        assert found.codes() == [("clicks", "orphan")] * 2
        assert found.hard(user_id=1) == {24, 25, 26, 27}
        assert not [text for text in found.summary.warnings if text.startswith("shared_ids")]

    def it_takes_the_impressions_user_where_there_is_one(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        """The ids are said to be unique; what six users were shown is still nobody's click."""
        logs = counting_per_user()
        found = built(spark, tmp_path, logs, attribution={"users": "impression"})
        assert positives(found) == [(1, 1, 10), (2, 2, 14), (6, 1, 13), (9, 5, 15)]
        assert found.codes() == [("clicks", "user_differs")]
        assert [w for w in found.summary.warnings if w.startswith("clicks_of_other_users")]
        assert 13 not in found.negatives(user_id=9)


class DescribeARankingLogWithoutUsers:
    def it_is_refused_where_request_ids_are_of_several_users(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = counting_per_user(ranking_knows_users=False)
        with pytest.raises(GateError) as caught:
            built(spark, tmp_path, logs)
        (problem,) = caught.value.problems
        assert "requests_of_several_users" in str(problem)
        assert "1 of 3 request ids" in str(problem)

    def it_is_joined_by_request_where_the_config_says_that_ids_are_unique(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs = counting_per_user(ranking_knows_users=False)
        found = built(spark, tmp_path, logs, attribution={"users": "impression"})
        assert len(found.hard(user_id=1)) == 4


class DescribeRequestIdsThatBeginAnew:
    def it_warns_on_the_later_date(self, spark: SparkSession, tmp_path: Path) -> None:
        day = Logs()
        for offset in (0, 1):
            day.show(1, 1, [10, 11], at("12:00", offset))
            day.show(2, 2, [10, 11], at("12:00", offset))
            day.click(2, 2, 10, at("12:01", offset))
            day.show(3, 30 + offset, [12, 13], at("12:00", offset))
            day.click(3, 30 + offset, 12, at("12:01", offset))
        day.click(1, 1, 10, at("11:00", 1))
        day.click(1, 1, 11, at("12:30", 1))
        for item in range(1, 40):
            day.item(item)
        for log in ("impressions", "clicks"):
            for offset in (-1, 2):
                day.folder(log, at("00:00", offset).date())
        day.write(tmp_path)
        settings = config(
            tmp_path, logs=("impressions", "clicks", "items"), negatives={"hard": []},
            attribution={"window_hours": 48},
        )  # fmt: skip
        found = build_day(settings, spark, at("00:00", 1).date(), immature=True)
        (told,) = [w for w in found.summary.warnings if w.startswith("request_ids_reused")]
        assert "items of requests" in told


class DescribeImpressionIdsOfPages:
    @pytest.mark.parametrize("join", ["request_item", "impression_id"])
    def it_keeps_every_item_of_a_page(self, spark: SparkSession, tmp_path: Path, join: str) -> None:
        day = Logs()
        for user, page in ((1, "a"), (2, "b")):
            day.show(user, user, [10, 11, 12], NOON, impression=page)
            day.show(user, user, 12, NOON, impression=page)
            day.click(user, user, 10 + user, at("12:01"), impression=page)
        for item in range(1, 40):
            day.item(item)
        for log in ("impressions", "clicks"):
            day.folder(log, at("00:00", -1).date())
            day.folder(log, at("00:00", 1).date())
        found = built(
            spark, tmp_path, day, attribution={"join": join}, negatives={"hard": []},
            logs=("impressions", "clicks", "items"),
        )  # fmt: skip
        assert positives(found) == labelled(found) == [(1, 1, 11), (2, 2, 12)]
        assert len(found.tables["ranking_samples"]) == 6
        assert found.summary.logs["impressions"].duplicate == 2


def minutes(n: int) -> datetime:
    return NOON + timedelta(minutes=n)


class DescribeDrawnLogs:
    """Logs drawn at random, with ids unique or not, and who clicked by plain Python."""

    @pytest.mark.parametrize(
        ("users", "seed"),
        [
            # Of ids that are unique, where the seed is even, and that are not, on both engines.
            pytest.param(users, seed, marks=[pytest.mark.both_engines] if seed in both else [])
            for users, both in (("auto", (0, 1)), ("agree", ()), ("impression", (1,)))
            for seed in range(4)
        ],
    )
    def it_finds_the_pairs_that_plain_python_finds(
        self, engine: Engine, tmp_path: Path, seed: int, users: str
    ) -> None:
        spark, draw = engine.spark, random.Random(seed)
        unique = seed % 2 == 0
        settings = small.config(attribution={"users": users}, negatives={"hard": []})
        impressions = [
            {
                "user_id": user, "request_id": 100 * user * unique + request, "item_id": item,
                "impression_id": str(number),
                "event_us": small.us() + 60_000_000 * draw.randrange(60),
            }
            for number, (user, request, item) in enumerate(
                sorted({tuple(draw.randrange(1, 5) for _ in range(3)) for _ in range(40)})
            )
        ]  # fmt: skip
        clicks = []
        for number in range(30):
            of = draw.choice(impressions)
            user = of["user_id"] if draw.random() < 0.6 else draw.randrange(1, 7)
            later = small.us() + 60_000_000 * draw.randrange(90) + number
            clicks.append(
                {k: of[k] for k in ("request_id", "item_id")}
                | {"user_id": user, "event_us": later, "action_type": "click"}
            )
        wanted, refused = self.expected(impressions, clicks, users)
        logs = {
            "impressions": small.log(spark, "impressions", impressions, settings),
            "clicks": small.log(spark, "clicks", clicks, settings),
        }
        scratch = Scratch(spark, engine.ship, tmp_path, uuid.uuid4().hex)
        run = Run(settings, small.THE_DAY, scratch)
        shown = valid_rows(logs["impressions"])
        joined = attributed_pairs(
            shown, Sized(valid_rows(logs["clicks"]), 30), logs["impressions"].contract, run,
        )  # fmt: skip
        found = settled(scratch.staged(joined, "pairs"), shown, run)
        names = ("user_id", "request_id", "item_id", "impression_us", "click_us")
        rows = found.pairs.frame.collect()
        assert sorted(tuple(row[n] for n in names) for row in rows) == wanted
        assert found.pairs.rows == len(wanted) > 5
        assert (0 if found.refused is None else found.refused.count()) == refused
        again = recomputed_pairs(logs, settings, small.THE_DAY, scratch, n_clicks=30)
        names = ("user_id", "request_id", "item_id", "shown_us", "clicked_us")
        rows = again.rows.collect()
        assert sorted(tuple(row[n] for n in names) for row in rows) == wanted

    def expected(
        self, impressions: list[small.Row], clicks: list[small.Row], users: str
    ) -> tuple[list[tuple[int, ...]], int]:
        of_request: dict[int, set[int]] = {}
        for row in impressions:
            of_request.setdefault(row["request_id"], set()).add(row["user_id"])
        shared = any(len(of) > 1 for of in of_request.values())
        pairs, refused = [], 0
        for click in clicks:
            same = [
                row
                for row in impressions
                if (row["request_id"], row["item_id"]) == (click["request_id"], click["item_id"])
                and 0 <= click["event_us"] - row["event_us"] <= 24 * 3_600_000_000
            ]
            own = [row for row in same if row["user_id"] == click["user_id"]]
            others = {row["user_id"] for row in same}
            may = users == "impression" or (users == "auto" and not shared)
            if not own and same and users != "agree" and not (may and len(others) == 1):
                refused += 1
            counting = own or (same if may and len(others) == 1 else [])
            pairs += [
                (
                    row["user_id"],
                    row["request_id"],
                    row["item_id"],
                    row["event_us"],
                    click["event_us"],
                )
                for row in counting
            ]
        return sorted(pairs), refused


def test_the_date_of_these_logs_is_the_one_that_is_built() -> None:
    assert NOON.date() == DAY
    assert isinstance(small.config(), Config)

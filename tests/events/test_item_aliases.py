"""One item under several ids is one item in every log, and the audit sees where it is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.errors import GateError, InputError
from winnow.events import item_aliases
from winnow.spark.limits import Limits
from winnow.spark.sized import Sized

from tests.events.handmade import Built, Id, Logs, at, build_day, config

LOGS = ("impressions", "clicks", "ranking_log", "items", "item_aliases")
USERS = range(1, 9)

# 11 and 21 are 1 (21 through 11), 12 is 2; 13 was 3 until yesterday, 4 is its own again.
ALIASES: tuple[tuple[Any, ...], ...] = (
    (11, 1),
    (21, 11),
    (12, 2),
    (17, 7),
    (13, 3, None, at("00:00")),
    (4, 3, at("00:00", -9)),
    (4, 4, at("00:00", -1)),
    (14, 4, at("00:00", 1)),
)


def logs(name: Callable[[int], Id] = int, aliases: tuple[tuple[Any, ...], ...] = ALIASES) -> Logs:
    """Everybody is shown 1 under two aliases and clicks 2, the day before under an alias."""
    made = Logs(string_ids=name is not int)
    for row in aliases:
        made.alias(name(row[0]), name(row[1]), *row[2:])
    for item in range(1, 8):
        made.item(name(item), city=f"city {item}")
    made.item(name(21), at("00:00", -1), city="of an alias")
    made.item(name(13), city="city 13")
    for user in USERS:
        who, of_today, before = name(user), name(user), name(100 + user)
        made.show(who, of_today, [name(11), name(2), name(21)], at("10:00"))
        made.click(who, of_today, name(2), at("10:05"))
        made.show(who, before, [name(12)], at("10:00", -1))
        made.click(who, before, name(12), at("10:05", -1))
        made.click(who, before, name(2), at("10:05", -1), "buy")
        made.click(who, None, name(17), at("11:00", -1))
        ranked = [name(n) for n in (2, 1, 21, 5, 12, 6, 11)]
        made.rank(of_today, "coarse", ranked, at("10:00"))
        made.rank(of_today, "fine", ranked[:2], at("10:00"))
    return made


def settings(base: Path, **more: Any) -> Config:
    string = {"user": "string", "item": "string", "request": "string"}
    made = config(
        base,
        logs=LOGS,
        ids=string if more.pop("string_ids", False) else {},
        negatives={
            "per_positive": 8,
            "easy": [{"source": "popularity", "count": 4}, {"source": "uniform", "count": 2}],
            "hard": [{"source": "cut", "stage": "coarse"}],
        },
        exclusion={"exposure_lookback_days": 2, "click_lookback_days": 2},
        gates={name: {"fail": None} for name in ("clicked_share", "top_user_share")},
        **more,
    )
    tree = made.model_dump(mode="json", by_alias=True)
    tree["logs"]["items"]["carry"] = ["city"]
    return Config.model_validate(tree, strict=False)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(int, marks=pytest.mark.both_engines),
        pytest.param(str, marks=pytest.mark.proof),
    ],
)
def built(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    base, strings = tmp_path_factory.mktemp("aliases"), request.param is not int
    logs(request.param).write(base)
    found = build_day(settings(base, string_ids=strings), spark, immature=True)
    return Built(
        found.summary, {n: _as_numbers(rows) for n, rows in found.tables.items()}, found.release
    )


def _as_numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("item_id", "neg_item_id", "user_id", "request_id")

    def one(row: dict[str, Any]) -> dict[str, Any]:
        ids = {n: int(row[n]) for n in names if row.get(n) is not None}
        lists = (
            {"neg_item_ids": [int(i) for i in row["neg_item_ids"]]} if "neg_item_ids" in row else {}
        )
        return {**row, **ids, **lists}

    return [one(row) for row in rows]


class DescribeAnItemWithSeveralIds:
    def it_is_one_item_of_the_catalogue(self, built: Built) -> None:
        found = {row["item_id"]: row["eligible_from"] for row in built.rows("item_stats")}
        # 13 stands for itself again, as 4 does.
        assert set(found) == {1, 2, 3, 4, 5, 6, 7, 13}

    def it_has_what_is_carried_of_its_own_id(self, built: Built) -> None:
        found = {row["item_id"]: row["city"] for row in built.rows("item_stats")}
        assert found == {n: f"city {n}" for n in (1, 2, 3, 4, 5, 6, 7, 13)}

    def it_is_as_popular_as_all_its_ids_together(self, built: Built) -> None:
        assert built.only("item_stats", item_id=2)["clicks"] == 2 * len(USERS)

    def it_is_a_positive_under_its_own_id(self, built: Built) -> None:
        found = {(row["user_id"], row["item_id"]) for row in built.rows("positives")}
        assert found and found <= {(user, 2) for user in USERS}

    def it_is_no_negative_under_another_id_than_it_was_shown_by(self, built: Built) -> None:
        drawn = [row["neg_item_id"] for row in built.rows("easy_negatives")]
        assert set(drawn) == {3, 4, 5, 6, 13}
        assert built.hard() == {5, 6}

    def it_is_one_candidate_at_its_best_place(self, built: Built) -> None:
        places = {(r["neg_item_id"], r["stage_rank"]) for r in built.rows("hard_negatives")}
        # 2, 1, (21), 5, (12), 6, (11): four items.
        assert places == {(5, 3), (6, 4)}

    def it_is_one_impression_of_the_request_where_the_ids_of_impressions_agree(
        self, built: Built
    ) -> None:
        shown = [row["item_id"] for row in built.rows("ranking_samples", user_id=1)]
        assert sorted(shown) == [1, 1, 2]

    def it_loses_no_row_of_the_alias_log(self, built: Built) -> None:
        counts = built.summary.logs["item_aliases"]
        assert (counts.read, counts.valid) == (len(ALIASES), len(ALIASES))


class DescribeALogWithoutImpressionIds:
    def it_names_impressions_by_the_id_of_the_item(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        made = logs()
        for row in made.rows["impressions"]:
            del row["impression_id"]
        made.write(tmp_path)
        built = build_day(settings(tmp_path), spark, immature=True)
        shown = built.rows("ranking_samples", user_id=1)
        assert sorted(row["impression_id"] for row in shown) == ["1/1/1", "1/1/2"]
        assert built.summary.logs["impressions"].duplicate == len(USERS)


class DescribeAnAliasLogThatContradictsItself:
    @pytest.mark.parametrize(
        ("aliases", "said"),
        [
            (((11, 12), (12, 13), (13, 11)), "in a circle, .* found 11 → 12 → 13 → 11"),
            (((11, 1), (11, 2), (12, 2)), r"two items at once, found 11 → 1 and 2, expected"),
            (
                ((11, 1, at("00:00", -3)), (11, 2, at("00:00", -3), at("00:00", 3))),
                "two items at once, found 11 → 1 and 2",
            ),
        ],
    )
    def it_is_refused_by_the_names_of_ids(
        self, aliases: tuple[Any, ...], said: str, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs(aliases=aliases).write(tmp_path)
        with pytest.raises(InputError, match=f"logs.item_aliases: .*{said}"):
            build_day(settings(tmp_path), spark, immature=True)

    def it_counts_where_it_begins_last(self, spark: SparkSession, tmp_path: Path) -> None:
        of_11 = ((11, 3, at("00:00", -3)), (11, 1, at("00:00", -2)), (11, 5, at("00:00", 1)))
        rest = ((21, 11), (12, 2), (12, 2, at("00:00", -2)))
        logs(aliases=of_11 + rest).write(tmp_path)
        built = build_day(settings(tmp_path), spark, immature=True)
        assert {1, 2} & built.negatives() == set()
        assert 3 in built.negatives()

    def it_rejects_a_row_without_a_target(self, spark: SparkSession, tmp_path: Path) -> None:
        made = logs()
        made.alias(5, None)
        made.write(tmp_path)
        gates = {name: {"fail": None} for name in ("clicked_share", "top_user_share")}
        accepted = gates | {"rejected_share.item_aliases": {"fail": None}}
        tree = settings(tmp_path).model_dump(mode="json", by_alias=True) | {"gates": accepted}
        built = build_day(Config.model_validate(tree, strict=False), spark, immature=True)
        assert ("item_aliases", "missing") in built.codes()
        assert 5 in built.negatives()


@pytest.mark.parametrize(
    ("forgotten", "gates"),
    [
        ("impressions", {"shown_negatives"}),
        ("clicks", {"clicked_negatives"}),
        pytest.param("items", {"ineligible_negatives"}, marks=pytest.mark.proof),
        pytest.param("ranking_log", {"hard_rank_differs"}, marks=pytest.mark.proof),
    ],
)
class DescribeAMutantThatForgetsTheAliasesOfALog:
    def it_does_not_pass(
        self,
        forgotten: str,
        gates: set[str],
        spark: SparkSession,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        whole = item_aliases._canonical

        def some(log: Log, aliases: Sized, limits: Limits) -> Log:
            return log if log.name == forgotten else whole(log, aliases, limits)

        monkeypatch.setattr(item_aliases, "_canonical", some)
        logs().write(tmp_path)
        with pytest.raises(GateError) as caught:
            build_day(settings(tmp_path), spark, immature=True)
        failed = {problem.where.removeprefix("gate ") for problem in caught.value.problems}
        assert gates <= failed

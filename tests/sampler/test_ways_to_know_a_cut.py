"""One funnel, logged in three ways: each way of knowing a cut finds the same hard candidates."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.events.events import ranked_events
from winnow.events.stage_orders import StageOrders
from winnow.events.union import RANKED_COLUMNS
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.groups import positive_codes, sample_groups
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.positives import Pairs, keep_positives
from winnow.sampler.recipe import RecipeSettings
from winnow.spark.sized import Sized

from tests.recipes import funnel, taken
from tests.runs import run_of
from tests.sampler.grouped import grouped_of
from tests.sampler.many_positives import table_of

WAYS = ("passed", "membership", "last_stage")
STAGES: tuple[dict[str, Any], ...] = (
    {"name": "coarse", "take": "cut"},
    {"name": "fine", "take": "low", "band": [0.5, 1.0]},
    {"name": "shown"},
)
ITEMS = 60


class Row(NamedTuple):
    """A row of the ranking log."""

    request_id: int
    item_id: int
    stage: str
    score: float | None = None
    rank: int | None = None
    stage_size: int | None = None
    passed: bool | None = None
    cut_reason: str | None = None
    valid: bool = True


class Negative(NamedTuple):
    """A hard candidate: what its row of hard_negatives says."""

    request: int
    item: int
    stage: int
    rank: int | None
    size: int | None
    score: float | None


SCHEMA = (
    "request_id bigint, item_id bigint, stage string, score double, rank int, stage_size int, "
    "passed boolean, cut_reason string, valid boolean"
)


def config(
    how: str,
    stages: Sequence[dict[str, Any]] = STAGES,
    *,
    selection: str = "random",
    **hard: object,
) -> Config:
    log = {"path": "x"}
    tree = {
        "logs": {"impressions": log, "clicks": log, "ranking_log": log},
        "funnel": funnel(stages, cut_known_by=how, **hard),
        "negatives": {"hard": taken(stages, selection=selection)},
    }
    return Config.model_validate_json(json.dumps(tree))


def candidates(
    spark: SparkSession,
    rows: Sequence[Row],
    settings: Config,
    orders: StageOrders | None = None,
    *,
    columns: Sequence[str] = RANKED_COLUMNS,
    chosen: int = ITEMS,
    sampled: bool = False,
) -> list[Negative]:
    """Sample every request of a log, one positive each; every candidate is taken unless fewer are.

    Args:
        spark: The session.
        rows: The log.
        settings: The ladder.
        orders: What orders its stages; None is the score.
        columns: The columns that the log has.
        chosen: Hard negatives per positive.
        sampled: Whether the log holds only some rows of a request.
    """
    stages = settings.ladder
    orders = orders or StageOrders((True,) * len(stages), (1,) * len(stages))
    requests = sorted({row.request_id for row in rows})
    asked = spark.createDataFrame(
        [(r, 5, r + 100) for r in requests], "request_id bigint, user_key bigint, owner_key bigint"
    )
    run = run_of(spark, settings)
    log = spark.createDataFrame([tuple(row) for row in rows], SCHEMA)
    made = ranked_events(log, Sized(asked, len(requests)), run, orders, mapped=columns).toArrow()
    table = table_of(np.ones(ITEMS, np.int64))
    item_keys = np.sort(table.keys)

    def column(name: str, kind: Any) -> Any:
        there = name in made.column_names
        return made[name].to_numpy().astype(kind) if there else np.empty(0, kind)

    events = Events(
        column("owner_key", np.uint64),
        item_keys[column("item_key", np.int64)],
        column("kind", np.int8),
        column("score", np.float64),
        column("rank", np.int32),
        column("stage_size", np.int32),
        np.empty(0, np.int64),
    )
    n = len(requests)
    owners = np.array(requests, np.uint64)
    pairs = Pairs(
        np.full(n, 5, np.uint64), owners, np.full(n, item_keys[0]), owners + U(100),
        np.zeros(n, np.int64), np.ones(n, np.int64), np.zeros(n, np.int8), np.zeros(n, np.int64),
    )  # fmt: skip
    kept = keep_positives(pairs, table.hot_keys, table.hot_keep, U(1), U(1))
    of_all = settings.negatives.model_copy(update={"per_positive": chosen, "easy": ()})
    log_of = settings.logs.ranking_log
    assert log_of is not None
    logs = settings.logs.model_copy(
        update={"ranking_log": log_of.model_copy(update={"sampled": sampled})}
    )
    wanted = settings.model_copy(update={"negatives": of_all, "logs": logs})
    recipe = RecipeSettings.of(wanted, orders.by_score).recipe()
    codes = positive_codes(kept, table)
    group_of = np.zeros((len(recipe.sources.asked), len(codes)), np.int32)
    shown_us = pairs.impression_us[kept.pair]
    groups = sample_groups(
        events, *grouped_of(events, kept, table), kept, shown_us, codes, table, group_of, recipe
    )
    item_of = {int(key): place for place, key in enumerate(item_keys)}
    return [
        Negative(int(request), item_of[int(table.keys[code])], stage, rank or None, size or None,
                 None if np.isnan(score) else score)
        for request, code, stage, rank, size, score in zip(
            np.repeat(kept.request, groups.n_hard),
            groups.chosen.code.tolist(), groups.chosen.stage.tolist(), groups.chosen.rank.tolist(),
            groups.chosen.size.tolist(), groups.chosen.score.tolist(), strict=True,
        )
    ]  # fmt: skip


class Funnel(NamedTuple):
    """One request: the ranking of each stage, the best first, and how many of it went on."""

    request: int
    lists: tuple[tuple[int, ...], ...]

    def rows(self, how: str, *, base: int = 1) -> list[Row]:
        """The log of the funnel; where the stop is told, each item has one row."""
        found = []
        for place, (items, stage) in enumerate(zip(self.lists, STAGES, strict=True)):
            later = self.lists[place + 1] if place + 1 < len(self.lists) else ()
            for rank, item in enumerate(items):
                if how == "last_stage" and item in later:
                    continue
                found.append(
                    Row(
                        self.request,
                        item,
                        stage["name"],
                        1.0 - rank / 64,
                        rank + base,
                        passed=item in later if how == "passed" else None,
                    )
                )
        return found

    def expected(self, low: float, high: float) -> set[Negative]:
        """What coarse ranking cut, and what fine ranking ranked low and did not show."""
        coarse, fine, shown = self.lists
        found = {
            Negative(self.request, item, 0, rank, len(coarse), 1.0 - (rank - 1) / 64)
            for rank, item in enumerate(coarse, start=1)
            if item not in fine and fine
        }
        for rank, item in enumerate(fine, start=1):
            share = (rank - 1) / (len(fine) - 1) if len(fine) > 1 else 0.0
            if item not in shown and low <= share <= high:
                score = 1.0 - (rank - 1) / 64
                found.add(Negative(self.request, item, 1, rank, len(fine), score))
        return found


def drawn_funnel(request: int, dice: Random) -> Funnel:
    """Some items at each stage, of which any go on, not only the best, in an order of their own."""
    items = dice.sample(range(1, ITEMS), dice.randint(3, 40))
    lists = [tuple(items)]
    for least in (1, 0):
        lists.append(tuple(dice.sample(lists[-1], dice.randint(least, len(lists[-1])))))
    return Funnel(request, tuple(lists))


def with_dirt(rows: list[Row], dice: Random) -> list[Row]:
    """The rows of several recall channels, of which the best counts, in any order."""
    worse = [
        row._replace(score=(row.score or 0.0) - dice.random(), rank=(row.rank or 0) + 3)
        for row in rows
        if dice.random() < 0.1 and row.stage == "coarse"
    ]
    return dice.sample([*rows, *worse], len(rows) + len(worse))


class DescribeKnowingACut:
    @pytest.mark.parametrize("how", WAYS)
    @pytest.mark.parametrize(("low", "high"), [(0.5, 1.0), (0.25, 0.75), (0.0, 1.0)])
    @pytest.mark.parametrize("base", [0, 1])
    def it_finds_the_same_candidates_ranks_and_bands_in_any_funnel(
        self, spark: SparkSession, how: str, low: float, high: float, base: int
    ) -> None:
        dice = Random(f"{low} {high} {base}")
        funnels = [drawn_funnel(request, dice) for request in range(60)]
        rows = [row for funnel in funnels for row in funnel.rows(how, base=base)]
        if how != "last_stage":
            rows = with_dirt(rows, dice)
        by_score = tuple(how != "last_stage" and stage != 1 for stage in range(3))
        stages = (STAGES[0], {**STAGES[1], "band": [low, high]}, STAGES[2])
        found = candidates(
            spark, rows, config(how, stages), StageOrders(by_score, (base,) * 3),
            columns=("score", "rank"),
        )  # fmt: skip
        expected = [negative for funnel in funnels for negative in funnel.expected(low, high)]
        assert sorted(found) == sorted(expected)
        assert len(found) > 300

    @pytest.mark.parametrize("selection", ["random", "top", "tail"])
    def it_chooses_the_same_ones(self, spark: SparkSession, selection: str) -> None:
        dice = Random(3)
        funnels = [drawn_funnel(request, dice) for request in range(40)]
        found = []
        for how in WAYS:
            rows = [row for funnel in funnels for row in funnel.rows(how)]
            orders = StageOrders((how != "last_stage",) * 3, (1,) * 3)
            settings = config(how, selection=selection)
            found.append(candidates(spark, rows, settings, orders, chosen=3))
        assert found[0] == found[1] == found[2]
        assert len(found[0]) > 60

    def it_takes_no_item_as_cut_that_the_log_says_went_on(self, spark: SparkSession) -> None:
        # The fine log of item 12 is lost; only "passed" can know that it was not cut.
        funnel = Funnel(1, ((10, 11, 12, 13), (11, 12), (11,)))

        def found(how: str) -> set[tuple[int, int]]:
            rows = [row for row in funnel.rows(how) if row[1:3] != (12, "fine")]
            return {(n.item, n.stage) for n in candidates(spark, rows, config(how))}

        assert found("passed") == {(10, 0), (13, 0)}
        assert found("membership") == {(10, 0), (12, 0), (13, 0)}

    def it_takes_no_item_as_cut_where_the_next_stage_never_ran(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12), (), ())).rows("membership")
        assert candidates(spark, rows, config("membership")) == []

    def it_takes_no_item_as_cut_where_the_log_does_not_say(self, spark: SparkSession) -> None:
        rows = [
            row._replace(passed=None) for row in Funnel(1, ((10, 11), (11,), ())).rows("passed")
        ]
        assert {n.item for n in candidates(spark, rows, config("passed"))} == set()

    def it_takes_only_cuts_for_an_allowed_reason(self, spark: SparkSession) -> None:
        reasons = {15: "score", 16: "business", 17: None}
        rows = [
            row._replace(cut_reason=reasons.get(row.item_id, "score"))
            for row in Funnel(1, ((15, 16, 17, 18, 11), (11,), ())).rows("membership")
        ]
        found = candidates(spark, rows, config("membership", cut_reasons=["score"]))
        assert {n.item for n in found if n.stage == 0} == {15, 18}


class DescribeWhatTheLogDoesNotTell:
    def it_says_no_rank_where_only_the_stop_is_known(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12, 13), (11, 13), (11,))).rows("last_stage")
        stages = (STAGES[0], {**STAGES[1], "band": [0.0, 1.0]}, STAGES[2])
        found = candidates(spark, rows, config("last_stage", stages), columns=("score",))
        assert set(found) == {
            Negative(1, 10, 0, None, 4, 1.0),
            Negative(1, 12, 0, None, 4, 1.0 - 2 / 64),
            Negative(1, 13, 1, None, 2, 1.0 - 1 / 64),
        }

    def it_takes_nothing_into_a_band_without_its_place(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12, 13), (11, 13), (11,))).rows("last_stage")
        found = candidates(spark, rows, config("last_stage"), columns=("score",))
        assert {n.item for n in found} == {10, 12}

    def it_knows_a_rank_but_no_size_of_a_sampled_log(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12, 13, 14), (11,), ())).rows("passed")
        some = [row for row in rows if row.item_id in (11, 13)]
        orders = StageOrders((False,) * 3, (1,) * 3)
        (found,) = candidates(spark, some, config("passed"), orders, sampled=True)
        assert found == Negative(1, 13, 0, 4, None, 1.0 - 3 / 64)

    def it_takes_the_size_of_a_stage_that_the_log_tells(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12, 13, 14), (10, 11, 12, 13, 14), ())).rows("passed")
        some = [row._replace(stage_size=5) for row in rows if row.item_id in (11, 13)]
        orders = StageOrders((False,) * 3, (1,) * 3)
        (found,) = candidates(spark, some, config("passed"), orders, sampled=True)
        assert (found.item, found.stage, found.rank, found.size) == (13, 1, 4, 5)

    def it_leaves_an_item_without_a_value_out_of_a_band(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12, 13), (10, 11, 12, 13), (10,))).rows("passed")
        rows = [row._replace(score=None) if row.item_id == 11 else row for row in rows]
        found = candidates(spark, rows, config("passed"), columns=("score",))
        # The three others keep their places among four: what has no score is behind them.
        assert {(n.item, n.rank, n.size) for n in found} == {(13, 3, 4)}

    def it_leaves_an_item_without_a_rank_out_of_a_band(self, spark: SparkSession) -> None:
        rows = Funnel(1, ((10, 11, 12, 13), (10, 11, 12, 13), (10,))).rows("passed")
        rows = [row._replace(rank=None) if row.item_id == 11 else row for row in rows]
        orders = StageOrders((False,) * 3, (1,) * 3)
        found = candidates(spark, rows, config("passed"), orders)
        assert {(n.item, n.rank, n.size) for n in found} == {(13, 3, 4)}

    @pytest.mark.parametrize("selection", ["top", "tail"])
    def it_selects_none_without_a_value(self, spark: SparkSession, selection: str) -> None:
        rows = Funnel(1, ((10, 11, 12, 13), (13,), ())).rows("membership")
        rows = [row._replace(score=None) if row.item_id == 11 else row for row in rows]
        settings = config("membership", selection=selection)
        assert {n.item for n in candidates(spark, rows, settings, columns=("score",))} == {10, 12}

    def it_counts_a_broken_row_in_the_list_and_takes_nothing_of_it(
        self, spark: SparkSession
    ) -> None:
        for how in ("membership", "last_stage"):
            rows = Funnel(1, ((10, 11, 12, 13), (10,), ())).rows(how)
            rows = [row._replace(valid=row.item_id != 12) for row in rows]
            orders = StageOrders((how != "last_stage",) * 3, (1,) * 3)
            found = candidates(spark, rows, config(how), orders)
            assert {(n.item, n.rank, n.size) for n in found if n.stage == 0} == {
                (11, 2, 4),
                (13, 4, 4),
            }

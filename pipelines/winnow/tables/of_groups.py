"""The tables that are made of sample groups: no sampling, no shuffle, all of them in one pass.

Tasks make the rows in Arrow and write them where they are: most tables have a row per negative, and
to hand these to an engine costs more than all else, on Spark many times more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.arrays.sorting import order_of
from winnow.arrays.text_codes import REPEATED_TEXT, named, with_dictionaries
from winnow.events.kinds import ORGANIC, WEAK
from winnow.events.pair_columns import value_column
from winnow.events.placement import POSITIVE_KEY, sample_id, shard, split
from winnow.sampler.group_columns import chosen_lists_of, drawn_lists_of
from winnow.sampler.positive_columns import VALUE_WEIGHT, label_time
from winnow.tables.group_lists import GroupLists
from winnow.tables.labels import labels
from winnow.tables.listwise import listwise_columns
from winnow.tables.pointwise import pointwise
from winnow.tables.sources import StageSources, is_one_of, source_names

if TYPE_CHECKING:
    from winnow.config.tree import Config
    from winnow.contracts.tables import TableContract

OF_GROUPS = (
    "positives",
    "easy_negatives",
    "hard_negatives",
    "training_samples",
    "training_samples_pointwise",
)
"""The tables that ``GroupTables`` makes."""


def with_placement(groups: DataFrame, config: "Config", day: date, *, mature: bool) -> DataFrame:
    """Add to sample groups what every table shares.

    Adds ``ds``, ``sample_id``, ``split``, ``shard``, ``mature``, the contract's timestamps, the
    action's name, ``label_strength``, ``undo_weight``, ``sample_weight``, the labels of single
    actions, and values of clicks.
    """
    actions = config.positives.actions
    weights = [float(config.positives.weights.get(action, 1.0)) for action in actions]
    chances = ["keep_prob"]
    if config.positives.per_user_cap is not None:
        chances.append("cap_prob")
    if config.positives.upsampling is not None:
        chances.append("repeat_expect")
    action = F.col("action")
    if config.positives.organic is not None:
        action = F.when(action < WEAK, action - F.lit(ORGANIC)).otherwise(action)
    by_value = F.lit(1.0) if config.positives.weight_by is None else F.col(VALUE_WEIGHT)
    return groups.select(
        "*",
        F.lit(day).alias("ds"),
        sample_id().alias("sample_id"),
        split(config, day).alias("split"),
        shard(config, *POSITIVE_KEY).alias("shard"),
        F.lit(mature).alias("mature"),
        F.timestamp_micros("impression_us").alias("impression_ts"),
        _by_code(action, actions).alias("action_type"),
        *_of_strength(config, _by_code(action, weights) * by_value),
        (F.lit(1.0) / reduce(mul, map(F.col, chances))).alias("undo_weight"),
        *(F.col(value_column(name)).alias(name) for name in config.positives.values),
        *labels(config, F.col("impression_us"), lambda name, _: F.col(label_time(name))),
    )


def _of_strength(config: "Config", weight: Column) -> Iterator[Column]:
    """Give what differs where there was no click or no impression: time, weight and strength."""
    weak, clicked, strong = config.positives.weak, F.timestamp_micros("click_us"), F.lit("strong")
    if weak is not None:
        is_weak = F.col("action") == WEAK
        clicked, strong = F.when(~is_weak, clicked), F.when(is_weak, "weak").otherwise(strong)
        weight = F.when(is_weak, F.lit(weak.weight)).otherwise(weight)
    if config.positives.organic is not None:
        strong = F.when(F.col("action") < WEAK, "organic").otherwise(strong)
    yield clicked.alias("click_ts")
    yield weight.alias("sample_weight")
    yield strong.alias("label_strength")


def _by_code(code: Column, values: tuple[str, ...] | list[float]) -> Column:
    return F.coalesce(*(F.when(code == i, F.lit(v)) for i, v in enumerate(values)))


@dataclass(frozen=True)
class GroupTables:
    """How sample groups become the rows of tables; small enough to travel with a task.

    Attributes:
        columns: The columns of each table that is made, in the contract's order.
        stages: The stages of hard negatives.
        sources: The names of the sources by their codes.
        n_requested: Negatives per positive.
        mixture: Whether draws tell how likely they are of all sources together.
        distinct: The codes of the sources that repeat no item of a positive.
        of_others: Whether negatives may be of other requests than the positive's.
    """

    columns: Mapping[str, tuple[str, ...]]
    stages: StageSources
    sources: tuple[str, ...]
    n_requested: int
    mixture: bool = False
    distinct: tuple[int, ...] = ()
    of_others: bool = False

    @classmethod
    def of(cls, config: "Config", contracts: "Mapping[str, TableContract]") -> Self:
        """Take what is needed of a config and of the contracts of the tables that it writes."""
        return cls(
            columns={name: tuple(contracts[name].names) for name in OF_GROUPS if name in contracts},
            stages=StageSources.of(config),
            sources=source_names(config),
            n_requested=config.negatives.per_positive,
            mixture=bool(config.negatives.mixture),
            distinct=tuple(s.code for s in config.negatives.drawn if s.distinct),
            of_others=config.negatives.other_requests is not None,
        )

    def rows(self, groups: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        """Give the name and the rows of every table, in the order of ``shuffle_key``.

        Args:
            groups: Sample groups as from ``with_placement``.
        """
        keys = groups["shuffle_key"].to_numpy()
        groups = with_dictionaries(groups, REPEATED_TEXT)
        groups = groups.take(pa.array(order_of(keys))).combine_chunks()
        easy = GroupLists(groups, drawn_lists_of(mixture=self.mixture))
        request = groups.schema.field("request_id").type if self.of_others else None
        hard = GroupLists(groups, chosen_lists_of(request))
        listwise = {"training_samples", "training_samples_pointwise"} & set(self.columns)
        if listwise:
            added = listwise_columns(easy, hard, self.stages, self.n_requested, self.distinct)
        for name, columns in self.columns.items():
            if name == "easy_negatives":
                yield name, self._easy_rows(easy, columns)
            elif name == "hard_negatives":
                yield name, self._hard_rows(hard, columns)
            elif name == "training_samples_pointwise":
                yield name, pointwise(groups, added, columns, self.sources)
            else:
                known = added if name in listwise else {}
                yield name, pa.table({c: known[c] if c in known else groups[c] for c in columns})

    def _hard_rows(self, hard: GroupLists, columns: tuple[str, ...]) -> pa.Table:
        stage, rank, size = (hard.elements(name) for name in ("stage", "rank", "size"))
        values = {
            "incl_prob": hard.elements("incl_prob"),
            "neg_item_id": hard.elements("item_ids"),
            "source": named(hard.elements("source"), self.sources),
            "stage": self.stages.name_of(stage),
            "stage_rank": rank,
            "stage_size": size,
            "stage_score": hard.elements("score"),
            "rank_pct": _percentiles(rank, size),
            "hardness": self.stages.hardness_of(stage),
        }
        if self.of_others:
            values["from_request_id"] = hard.elements("request_id")
        return hard.long(columns, values)

    def _easy_rows(self, easy: GroupLists, columns: tuple[str, ...]) -> pa.Table:
        values = {
            "draw_no": pa.array(easy.position.astype(np.int32)),
            "neg_item_id": easy.elements("item_ids"),
            "source": named(easy.elements("source"), self.sources),
            **{name: easy.elements(name) for name in easy.kind.values if name != "source"},
            "log_q_conditional": is_one_of(easy.elements("source"), self.distinct),
        }
        return easy.long(columns, values)


def _percentiles(rank: pa.Array, size: pa.Array) -> pa.Array:
    """Return (rank - 1) / (size - 1); NULL where one of them is not known."""
    unknown = pc.or_(rank.is_null(), size.is_null()).to_numpy(zero_copy_only=False)
    behind, others = (pc.fill_null(column, 1).to_numpy() - 1 for column in (rank, size))
    return pa.array(np.where(others > 0, behind / np.maximum(others, 1), 0.0), mask=unknown)

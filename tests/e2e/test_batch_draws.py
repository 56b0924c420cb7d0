"""Pools of batches: what is drawn, how likely it is, and what must be masked.

What is asserted is told from the rows of the logs and tables by plain Python, not by Winnow's code.
"""

import math
from collections import Counter
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.loading.samples import stream_of
from winnow.loading.vocabulary import Vocabulary
from winnow.losses import batch_and_pool
from winnow.release.opening import open_release

from tests.e2e.test_in_batch import SIZE, batches, in_batches, record_of, splits, written
from tests.e2e.test_random_recipes import of_window, random_logs, search
from tests.events.handmade import DAY, Built, Logs, Row, build_day

SOURCES: list[Row] = [
    {"source": "uniform", "count": 5},
    {"source": "popularity", "alpha": 0.5, "count": 4},
    {"source": "hot", "top": 0.2, "count": 2},
    {"source": "cold", "most_clicks": 1, "count": 3},
    {"source": "uniform", "count": 2},
]
NAMES = ["uniform"] * 5 + ["popularity"] * 4 + ["hot"] * 2 + ["cold"] * 3 + ["uniform_2"] * 2


def with_pools(base: Path, sources: list[Row] = SOURCES, **settings: Any) -> Config:
    """A config of few dates with pools that two batches of eight share."""
    pool = {"sources": sources, "batches": 2}
    return in_batches(base, **{"in_batch": {"batch_size": SIZE, "pool": pool}} | settings)


def pools_of(built: Built) -> list[list[Row]]:
    """The draws of each pool, by slot."""
    rows = sorted(built.tables["batch_draws"], key=lambda row: (row["pool_id"], row["slot"]))
    return [list(own) for _, own in groupby(rows, key=lambda row: row["pool_id"])]


def chances(built: Built) -> dict[str, dict[int, float]]:
    """How likely each source of ``SOURCES`` is to draw each item, by the clicks of item_stats."""
    clicks = {row["item_id"]: row["clicks"] for row in built.tables["item_stats"]}
    n_hot = math.ceil(0.2 * sum(n > 0 for n in clicks.values()))
    hot = sorted(clicks, key=lambda item: (-clicks[item], item))[:n_hot]
    weights = {
        "uniform": dict.fromkeys(clicks, 1.0),
        "popularity": {item: (n + 1) ** 0.5 for item, n in clicks.items()},
        "hot": {item: (clicks[item] + 1) ** 0.75 for item in hot},
        "cold": {item: 1.0 for item, n in clicks.items() if n <= 1},
    }
    weights["uniform_2"] = weights["uniform"]
    return {
        name: {item: one / sum(of.values()) for item, one in of.items()}
        for name, of in weights.items()
    }


def all_is_right(logs: Logs, settings: Config, built: Built) -> None:
    reach = settings.exclusion
    forbidden = of_window(logs, "impressions", "impression_ts", reach.exposure_lookback_days)
    forbidden |= of_window(logs, "clicks", "click_ts", reach.click_lookback_days)
    likely, pools, pool = chances(built), pools_of(built), -1
    of_split = dict(splits(built))
    counts = {name: Counter(row["item_id"] for row in rows) for name, rows in of_split.items()}
    own, before = Counter(NAMES), (0, "", 0)
    for batch in batches(built):
        split = batch[0]["split"]
        shared, name, size = before
        if (split, len(batch)) != (name, size) or shared == 2:
            pool, shared = pool + 1, 0
        before = (shared + 1, split, len(batch))
        assert {row["pool_id"] for row in batch} == {pool}

        def mixture(item: int, split: str = split, size: int = len(batch)) -> float:
            in_batch = size * counts[split][item] / len(of_split[split])
            drawn = sum(n * likely[source].get(item, 0.0) for source, n in own.items())
            return math.log((in_batch + drawn) / (size + len(NAMES)))

        items = [draw["item_id"] for draw in pools[pool]]
        for slot, draw in enumerate(pools[pool]):
            assert (draw["slot"], draw["source"]) == (slot, NAMES[slot])
            assert draw["item_slot"] == items.index(draw["item_id"])
            chance = likely[draw["source"]][draw["item_id"]]
            # Weights are whole numbers, a millionth off their powers at most.
            assert draw["log_q"] == pytest.approx(math.log(chance), abs=1e-5)
            assert draw["mixture_log_q"] == pytest.approx(mixture(draw["item_id"]), abs=1e-5)
        for row in batch:
            assert row["in_batch_mixture_log_q"] == pytest.approx(mixture(row["item_id"]), abs=1e-5)
            masked = {item for item in items if (row["user_id"], item) in forbidden}
            assert row["pool_conflict_item_slots"] == sorted(map(items.index, masked))
            assert row["item_id"] not in items or row["item_id"] in masked
    assert len(pools) == pool + 1


def is_loaded(built: Built, settings: Config) -> None:
    """Each batch comes with its pool, from the first to the last and from the middle."""
    release, pools = open_release(Path(settings.warehouse), ds=DAY), pools_of(built)
    rows = [batch for batch in batches(built) if batch[0]["split"] == "train"]
    stream = stream_of(release, None, in_batch=True, pool=True)
    loaded = [*stream.run()]
    assert len(loaded) == len(rows) == len(stream)
    for batch, own in zip(loaded, rows, strict=True):
        pool = pools[own[0]["pool_id"]]
        items = [draw["item_id"] for draw in pool]
        slots = [draw["item_slot"] for draw in pool]
        assert batch["item_id"].tolist() == [row["item_id"] for row in own]
        assert batch["pool_item_ids"].tolist() == items
        assert batch["pool_mixture_log_q"].tolist() == [draw["mixture_log_q"] for draw in pool]
        masked = [[slot in row["pool_conflict_item_slots"] for slot in slots] for row in own]
        assert batch["pool_conflicts"].tolist() == masked
        loss = batch_and_pool(
            np.zeros((len(own), len(own))),
            np.zeros((len(own), len(pool))),
            batch["in_batch_mixture_log_q"],
            batch["pool_mixture_log_q"],
            batch["conflicts"],
            batch["pool_conflicts"],
        )
        assert np.isfinite(loss).all()
    halves = [
        [b["pool_item_ids"].tolist() for b in stream.copied().run(worker, 2)] for worker in (0, 1)
    ]
    assert sorted(halves[0] + halves[1]) == sorted(b["pool_item_ids"].tolist() for b in loaded)
    known = Vocabulary.of_items(release)
    numbers = stream_of(release, None, in_batch=True, pool=True, vocabularies={"item_id": known})
    first = next(numbers.run())["pool_item_ids"].tolist()
    assert first == known.numbers(loaded[0]["pool_item_ids"].tolist()).tolist()


class DescribePools:
    @pytest.mark.both_engines
    def it_tells_draws_chances_and_conflicts(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = written(random_logs(Random(11)), tmp_path)
        settings = with_pools(tmp_path)
        built = build_day(settings, spark, immature=True)
        judged = [g for g in record_of(built).gates if g.group == "in-batch negatives"]
        judged += [g for g in record_of(built).gates if g.name.startswith("source_groups_differ.")]
        gates = {g.name: g.status for g in judged if "pool" in g.name}
        statistics = [f"pool_draws_{what}.{name}" for name in dict.fromkeys(NAMES) for what in "pb"]
        named = {
            "pools_differ",
            "pool_draws_differ",
            "pool_chances_differ",
            "pool_item_slots_differ",
            "pool_conflicts_missing",
            "pool_conflicts_unfounded",
            "pool_shortfall",
            "pool_unseen",
            *(f"source_groups_differ.pool_{name}" for name in dict.fromkeys(NAMES)),
            *(name.replace("_b.", "_bias.") for name in statistics),
        }
        # The weights of popularity to the power of 0.5 are not those of item_stats.
        assert gates == dict.fromkeys(named, "pass")
        assert len(pools_of(built)) >= 3
        all_is_right(logs, settings, built)
        masked = [len(row["pool_conflict_item_slots"]) for row in built.tables["training_samples"]]
        assert sum(masked) >= 40
        is_loaded(built, settings)

    def it_draws_anew_in_another_epoch_and_keeps_batches_and_chances(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        random_logs(Random(11)).write(tmp_path)
        first = build_day(with_pools(tmp_path), spark, immature=True)
        second = build_day(with_pools(tmp_path, epoch=1), spark, immature=True)
        drawn = [
            [d["item_id"] for d in pool] for built in (first, second) for pool in pools_of(built)
        ]
        assert len({tuple(items) for items in drawn}) == len(drawn)
        told = [
            {(row["sample_id"], row["pool_id"], row["in_batch_mixture_log_q"]) for row in rows}
            for rows in (first.tables["training_samples"], second.tables["training_samples"])
        ]
        assert told[0] == told[1]

    def it_has_no_pool_for_weak_positives_and_says_what_a_source_could_not_give(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        made = random_logs(Random(11))
        search(Random(1), made)
        # Nothing was clicked before the date, so nothing is hot.
        made.rows["clicks"] = [r for r in made.rows["clicks"] if r["click_ts"].date() >= DAY]
        made.write(tmp_path)
        sources = [{"source": "hot", "count": 3}, {"source": "uniform", "count": 6}]
        settings = with_pools(tmp_path, sources, positives={"weak": {"share": 0.3}})
        built = build_day(settings, spark, immature=True)
        weak = built.rows("training_samples", label_strength="weak")
        columns = ("pool_id", "in_batch_mixture_log_q", "pool_conflict_item_slots")
        assert weak
        assert {row[name] for row in weak for name in columns} == {None}
        assert {len(pool) for pool in pools_of(built)} == {6}
        short = next(g for g in record_of(built).gates if g.name == "pool_shortfall")
        assert (short.status, short.detail) == ("warn", "nothing to draw: hot")
        assert short.figure == pytest.approx(1 / 3)

"""What a task makes of its events, without Spark."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.invariants.one_partition import STAGES, USERS, events, sampled
from tests.recipes import negatives
from tests.sampler.reference import fold, mix64


def columns(table: pa.Table) -> dict[str, list[object]]:
    return {str(k): v for k, v in table.to_pydict().items()}


class DescribeOnePartition:
    def it_samples_the_same_rows_in_any_order_of_its_events(self, tmp_path: Path) -> None:
        rows = events()
        backwards = rows.take(pa.array(np.arange(rows.num_rows)[::-1]))
        halves = pa.concat_batches([rows.slice(1000), rows.slice(0, 1000)])
        expected = columns(sampled(tmp_path, rows))
        assert len(expected["user_id"]) > 100
        assert columns(sampled(tmp_path, backwards)) == expected
        assert columns(sampled(tmp_path, halves)) == expected

    def it_samples_the_same_rows_whoever_else_is_in_the_partition(self, tmp_path: Path) -> None:
        rows = events()
        users = np.array(rows["user_key"].to_numpy())
        together = sampled(tmp_path, rows).sort_by("shuffle_key")
        apart = pa.concat_tables(
            sampled(tmp_path, rows.filter(pa.array(users % 7 == part))) for part in range(7)
        ).sort_by("shuffle_key")
        assert columns(apart) == columns(together)

    def it_gives_each_positive_another_shuffle_key(self, tmp_path: Path) -> None:
        keys = sampled(tmp_path)["shuffle_key"].to_pylist()
        assert len(set(keys)) == len(keys) > 100

    def it_starts_what_a_positive_is_given_from_all_64_bits_of_the_seed(
        self, tmp_path: Path
    ) -> None:
        # States on both sides of 2^63, one after the other in one process.
        for seed in (0, 1, 2, 3):
            state = fold(mix64(seed), 0)
            table = sampled(tmp_path, seed=seed, epoch=seed)
            for row in table.slice(0, 20).to_pylist():
                keys = (row["user_id"], row["request_id"], row["item_id"])
                expected = state
                for key in keys:
                    expected = fold(expected, key)
                expected = fold(expected, 5)
                assert row["shuffle_key"] % 2**64 == expected

    def it_keeps_the_same_positives_in_every_epoch(self, tmp_path: Path) -> None:
        """Thinned ones among them, with their order: only what is drawn for them is another."""
        lists: dict[str, tuple[str, ...]] = {
            "easy": ("item_ids", "source", "q", "log_q", "attempts")
        }
        lists["hard"] = ("item_ids", "source", "stage", "rank", "size", "score", "incl_prob")
        of_negatives = [f"{kind}_{name}" for kind, names in lists.items() for name in names]
        tables = [sampled(tmp_path, epoch=epoch) for epoch in (0, 1, 77)]
        first, *others = [columns(table.drop_columns(of_negatives)) for table in tables]
        assert 100 < len(first["user_id"]) < 8 * USERS
        assert all(other == first for other in others)
        for name in ("easy_item_ids", "hard_item_ids"):
            assert len({str(table[name].to_pylist()) for table in tables}) == 3

    def it_gives_fresh_negatives_in_another_epoch(self, tmp_path: Path) -> None:
        keyed = [
            {
                (r["user_id"], r["request_id"], r["item_id"]): r["easy_item_ids"]
                for r in sampled(tmp_path, epoch=epoch).to_pylist()
            }
            for epoch in (0, 1)
        ]
        both = set(keyed[0]) & set(keyed[1])
        assert len(both) == len(keyed[0]) == len(keyed[1]) > 50
        assert sum(keyed[0][key] == keyed[1][key] for key in both) == 0

    def it_does_not_change_easy_negatives_with_the_number_of_hard_ones(
        self, tmp_path: Path
    ) -> None:
        def easy(on_shortfall: Any) -> dict[int, list[int]]:
            mix = negatives(10, hard=0.4, stages=STAGES, max_rejections=1)
            rows = sampled(tmp_path, negatives=mix | {"on_shortfall": on_shortfall}).to_pylist()
            return {r["shuffle_key"]: r["easy_item_ids"][: r["n_easy"]] for r in rows}

        assert easy({"fill": "popularity"}) == easy("leave")

"""Every recipe builds simulated logs, gives the negatives it asks for, and its page reads them."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.building.face import build
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.release.opening import open_release
from winnow.shipped_files import shipped_recipes

from tests.docs.pages import ROOT, blocks_of, lines_of, run_page

DAY = "2026-01-01"
SIZE = [
    "--days",
    "2",
    "--users",
    "300",
    "--items",
    "400",
    "--requests-per-day",
    "500",
    "--log-candidates",
]
RECIPES = shipped_recipes()
TESTED_ELSEWHERE = ("held_out_evaluation", "in_batch_logq", "mixed_in_batch", "sequence_requests")
"""What is special to them has tests of its own: their builds are proofs."""


class Built(NamedTuple):
    config: Config
    record: AuditRecord
    tables: dict[str, list[dict[str, Any]]]


Recipe = Callable[[str], Built]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated logs, and beside them the config of every recipe."""
    out = tmp_path_factory.mktemp("recipes")
    assert main(["simulate", "--out", str(out), *SIZE, "--json"]) == 0
    for name in RECIPES:
        assert main(["init", str(out / f"{name}.yaml"), "--recipe", name]) == 0
    return out


@pytest.fixture(scope="module")
def built(spark: SparkSession, folder: Path) -> Recipe:
    """Build a recipe, the first time that one asks for it."""

    @cache
    def once(name: str) -> Built:
        config = load_config(folder / f"{name}.yaml")
        build(folder / f"{name}.yaml", DAY, engine=spark)
        release = open_release(config.warehouse)
        record = AuditRecord.model_validate_json(release.releases[0].quality_json)
        tables = {table: release.arrow(table).to_table().to_pylist() for table in release.tables}
        return Built(config, record, tables)

    return once


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.proof] * (name in TESTED_ELSEWHERE))
        for name in RECIPES
    ],
)
class DescribeARecipe:
    def it_passes_every_gate(self, name: str, built: Recipe) -> None:
        gates = built(name).record.gates
        assert len(gates) > 30
        assert [gate.name for gate in gates if gate.status not in ("pass", "warn")] == []

    def it_writes_the_tables_that_it_names(self, name: str, built: Recipe) -> None:
        found = built(name)
        assert set(found.tables) == set(found.config.tables_written)
        assert all(rows for rows in found.tables.values())

    def it_gives_as_many_negatives_of_each_source_as_it_asks_for(
        self, name: str, built: Recipe
    ) -> None:
        config, _, tables = built(name)
        numbers, n = config.negatives.numbers, len(tables["positives"])
        assert n > 200
        if "easy_negatives" in tables:
            drawn = Counter(row["source"] for row in tables["easy_negatives"])
            asked = zip(config.negatives.easy, numbers.easy, strict=True)
            assert drawn == {entry.source: count * n for entry, count in asked}
        if "hard_negatives" in tables:
            samples = tables["training_samples"]
            missing = sum(row["n_fill"] + row["shortfall"] for row in samples)
            hard = len(tables["hard_negatives"])
            assert hard + missing == config.negatives.n_hard * n
            assert missing < 0.01 * hard

    def it_has_a_page_that_runs_and_shows_what_is_printed(
        self, name: str, built: Recipe, spark: SparkSession, folder: Path
    ) -> None:
        assert built(name).record.gates, "the page opens the release"
        shown = run_page(ROOT / "docs" / "recipes" / f"{name}.md", spark, folder).shown
        assert len(shown) >= 1
        for line, _, wanted, printed in shown:
            assert lines_of(printed) == lines_of(wanted), f"line {line}"

    def it_has_a_page_that_shows_a_part_of_it(self, name: str) -> None:
        page = ROOT / "docs" / "recipes" / f"{name}.md"
        whole = yaml.safe_load((ROOT / "configs" / "recipes" / f"{name}.yaml").read_text())
        (part,) = [yaml.safe_load(b.text) for b in blocks_of(page) if b.language == "yaml"]
        assert part
        for key, value in part.items():
            shown = whole[key]
            if isinstance(value, dict):
                shown = {below: shown[below] for below in value}
            assert shown == value, key


class DescribeWhatIsSpecialToARecipe:
    def it_has_half_easy_and_half_hard_ones(self, built: Recipe) -> None:
        rows = built("easy_hard_5050").tables["training_samples"]
        assert {(r["n_easy"], r["n_hard"] + r["n_fill"], r["shortfall"]) for r in rows} == {
            (10, 10, 0)
        }
        assert {r["source"] for r in built("easy_hard_5050").tables["hard_negatives"]} == {
            "cut", "low",
        }  # fmt: skip

    def it_leaves_positives_alone_where_a_probability_undoes_popularity(
        self, built: Recipe
    ) -> None:
        rows = built("two_tower_softmax").tables["training_samples"]
        assert {row["keep_prob"] for row in rows} == {1.0}
        assert all(None not in row["neg_log_q"] for row in rows)

    def it_has_one_probability_for_two_sources(self, built: Recipe) -> None:
        tables = built("mixed_negatives").tables
        by_pair: dict[tuple[int, int], set[float]] = {}
        for row in tables["easy_negatives"]:
            pair = (row["sample_id"], row["neg_item_id"])
            by_pair.setdefault(pair, set()).add(row["mixture_log_q"])
        assert {len(found) for found in by_pair.values()} == {1}

    def it_pairs_each_positive_with_one_item(self, built: Recipe) -> None:
        rows = built("bpr_pairs").tables["training_samples_pointwise"]
        pairs = Counter((row["sample_id"], row["label"]) for row in rows)
        assert len(pairs) == len(rows) == 2 * len({sample for sample, _ in pairs})

    def it_thins_what_was_not_clicked(self, built: Recipe) -> None:
        _, record, tables = built("ranking_pointwise")
        rows = tables["ranking_samples"]
        clicked = sum(row["label"] for row in rows)
        assert record.funnel is not None
        others = record.funnel.exposed - clicked
        assert {row["neg_keep_prob"] for row in rows if not row["label"]} == {0.2}
        assert len(rows) - clicked == pytest.approx(0.2 * others, rel=0.1)
        assert sum(row["score_fine"] is not None for row in rows) > 0.9 * len(rows)

    def it_draws_nothing_from_the_catalogue_for_the_coarse_ranker(self, built: Recipe) -> None:
        rows = built("coarse_ranking").tables["training_samples"]
        assert {row["n_easy"] + row["n_fill"] for row in rows} == {0}
        found = Counter(
            (row["source"], row["stage"])
            for row in built("coarse_ranking").tables["hard_negatives"]
        )
        assert set(found) == {("cut", "coarse"), ("low", "fine")}
        assert found["cut", "coarse"] == pytest.approx(8 * len(rows), rel=0.01)

    def it_has_each_candidate_with_its_rung(self, built: Recipe, folder: Path) -> None:
        tables = built("cascade_fs_ltr").tables
        clicked = {row["request_id"] for row in tables["positives"]}
        logged = pq.read_table(folder / "logs" / "candidates" / f"date={DAY}").to_pylist()
        stages = ("retrieval", "prerank", "coarse", "rank", "rerank")
        deepest = {
            (row["request_id"], row["item_id"]): sum(row[f"in_{stage}"] for stage in stages) - 1
            for row in logged
            if row["request_id"] in clicked and not row["in_edge"]
        }
        found = {
            (row["request_id"], row["item_id"]): row["stage_reached"]
            for row in tables["cascade_samples"]
        }
        unseen = {key: rung for key, rung in found.items() if rung < len(stages)}
        assert len(unseen) > 10_000
        assert unseen == {key: rung for key, rung in deepest.items() if key in unseen}
        assert len(unseen) > 0.98 * len(deepest)
        assert {found[key] for key in found.keys() - deepest.keys()} == {6, 7}

    def it_takes_so_many_from_each_stage(self, built: Recipe) -> None:
        tables = built("cascade_fs_ltr").tables
        n = len(tables["positives"])
        drawn = Counter(row["stage"] for row in tables["hard_negatives"])
        assert set(drawn) == {"prerank", "coarse", "rank"}
        for stage, count in {"prerank": 2, "coarse": 1, "rank": 1}.items():
            assert drawn[stage] == pytest.approx(count * n, rel=0.02)

    def it_draws_from_the_city_of_the_positive(self, built: Recipe, folder: Path) -> None:
        items = pq.read_table(folder / "logs" / "items").to_pylist()
        city = {row["item_id"]: row["city"] for row in items}
        draws = built("airbnb_style").tables["easy_negatives"]
        same: dict[str, list[bool]] = {}
        for row in draws:
            is_same = city[row["item_id"]] == city[row["neg_item_id"]]
            same.setdefault(row["source"], []).append(is_same)
        assert all(same["same_attribute"])
        assert sum(same["popularity"]) < 0.25 * len(same["popularity"])

    def it_has_positives_after_the_popularity_and_new_items(
        self, built: Recipe, folder: Path
    ) -> None:
        tables = built("news_churn").tables
        assert min(r["impression_ts"] for r in tables["positives"]) >= datetime(
            2026, 1, 1, 6, tzinfo=UTC
        )
        items = pq.read_table(folder / "logs" / "items").to_pylist()
        born = {row["item_id"]: row["valid_from"] for row in items}
        popularity = {row["item_id"]: row["popularity"] for row in tables["item_stats"]}
        cold = {r["neg_item_id"] for r in tables["easy_negatives"] if r["source"] == "cold"}
        assert len(cold) > 3
        for item in cold:
            is_new = born[item] >= datetime(2025, 12, 31, tzinfo=UTC)
            assert is_new or popularity[item] == 0.0


class DescribeInitWithARecipe:
    def it_names_the_nearest_of_a_wrong_name(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "winnow.yaml"
        assert main(["init", str(path), "--recipe", "bpr_pair"]) == 2
        assert capsys.readouterr().err == (
            "--recipe: there is no such recipe, found bpr_pair, expected one of "
            f"{', '.join(RECIPES)}. Did you mean bpr_pairs?\n"
        )
        assert list(tmp_path.iterdir()) == []

    def it_lists_the_names(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["init", "--help"]) == 0
        told = "".join(capsys.readouterr().out.split())
        assert all(name in told for name in RECIPES)

    def it_does_not_look_at_logs_as_well(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "winnow.yaml"
        words = ["--recipe", "bpr_pairs", "--from", str(tmp_path)]
        assert main(["init", str(path), *words]) == 2
        assert "--recipe: does not go together with --from" in capsys.readouterr().err
        assert not path.exists()

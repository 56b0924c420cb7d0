"""The proof of the gates: a build that is broken on purpose does not pass, an unbroken one does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from winnow.audit.gates import draws, shares
from winnow.audit.gates import popularity as popularity_gates
from winnow.audit.recompute import date_items, draws_pass, hard_pass
from winnow.audit.recompute.untouched import parted
from winnow.audit.record import AuditRecord
from winnow.audit.registry import GATE_OF, GATES, gates_of
from winnow.config.entries import PopularityEntry, UniformEntry
from winnow.sampler.sources import popularity, registry
from winnow.sampler.sources.drawn import CatalogueItems, Groups
from winnow.sampler.sources.registry import _GROUPS
from winnow.spark import passes
from winnow.spark.limits import Limits, ShuffleLimit

from tests.audit import (
    broken_distinct,
    broken_feedback,
    broken_others,
    broken_pools,
    broken_popularity,
    broken_ranking,
    broken_recall,
    broken_sources,
)
from tests.audit.in_every_run import Mistakes
from tests.audit.memory import Memory
from tests.audit.mutants import (
    DISTINCT,
    MUTANTS,
    NONSENSE,
    OTHERS,
    POOLED,
    POPULAR,
    RECALLED,
    REJECTING,
    SAMPLED,
    SOURCED,
    Mutant,
)
from tests.audit.workbench import Bench, Broken, asking, build

if TYPE_CHECKING:
    from winnow.engine.engine import Engine


# Spark takes ten seconds for a mutant where Sail takes one: there a few stand for all.
ON_EVERY_ENGINE = {
    "nothing is forbidden",
    "popularity knows the date",
    "keep prob is not applied",
    "what went on is taken as cut",
    "users are mixed up",
    "easy negatives are doubled",
}


REQUESTS = (
    "request_history_differs",
    "request_history_late",
    "request_negatives_shown",
    "request_page_differs",
    "request_parts_differ",
    "request_rows_differ",
)
SEQUENCES = ("sequence_misplaced", "sequence_targets_differ", "sequence_differs")
HISTORIES = ("history_state_outside", "history_state_lost", "history_state_differs")
EVALUATION = (
    "evaluation_negatives_differ",
    "evaluation_negatives_shown",
    "evaluation_positives_differ",
    "evaluation_positives_early",
    "evaluation_requests_differ",
    "evaluation_seen_differs",
    "evaluation_seen_late",
    "evaluation_sizes_differ",
    "evaluation_trained",
)
BATCH_POOLS = (
    "pool_chances_differ",
    "pool_conflicts_missing",
    "pool_conflicts_unfounded",
    "pool_draws_differ",
    "pool_item_slots_differ",
    "pools_differ",
)
PROVEN_ELSEWHERE = {
    **dict.fromkeys(BATCH_POOLS, "audit/test_broken_batch_draws.py"),
    "batch_conflicts": "audit/test_broken_conflict_free.py",
    "conflict_free_differs": "audit/test_broken_conflict_free.py",
    "batch_conflicts_missing": "audit/test_broken_batches.py",
    "batch_conflicts_unfounded": "audit/test_broken_batches.py",
    "batch_item_slots_differ": "audit/test_broken_batches.py",
    "batches_differ": "audit/test_broken_batches.py",
    "in_batch_chances_differ": "audit/test_broken_batches.py",
    "in_batch_forbidden_differs": "audit/test_broken_batches.py",
    "excluded_items_differ": "e2e/test_excluded_items.py",
    "frequency_state_differs": "audit/test_broken_frequency.py",
    "streaming_log_q_differs": "audit/test_broken_frequency.py",
    **dict.fromkeys(EVALUATION, "audit/test_broken_evaluation.py"),
    **dict.fromkeys(REQUESTS, "audit/test_broken_requests.py"),
    **dict.fromkeys((*HISTORIES, *SEQUENCES[:2]), "audit/test_broken_histories.py"),
    "organic_positives_differ": "events/test_organic_positives.py",
    "source_groups_differ": "audit/test_mutants.py",
    "weak_positives_differ": "events/test_weak_positives.py",
}
"""Where the mistakes are made that other gates on the truths catch."""


ALONE = [mutant for mutant in MUTANTS if mutant.alone]

_MISTAKES = Mistakes()


def each_of(mutants: Sequence[Mutant]) -> pytest.MarkDecorator:
    """Give a test each mutant; those of which all gates catch an earlier one are proofs."""
    given = _MISTAKES.of((mutant, mutant.caught_by) for mutant in mutants)
    return pytest.mark.parametrize("mutant", given, ids=lambda mutant: mutant.name)


def failed(record: AuditRecord) -> set[str]:
    return {gate.name for gate in record.gates if gate.status in ("fail", "error")}


def told(seen: list[int]) -> Callable[[DataFrame, str, int, int], DataFrame]:
    """Return ``of_pass`` that also notes which passes there were."""

    def noted(rows: DataFrame, key: str, number: int, n_passes: int) -> DataFrame:
        seen.append(number)
        return passes.of_pass(rows, key, number, n_passes)

    return noted


@pytest.fixture(scope="module")
def bench(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    name = "spark.sql.shuffle.partitions"
    before = engine.spark.conf.get(name, "4") or "4"
    # So few rows need no second task.
    engine.spark.conf.set(name, "1")
    yield build(engine, tmp_path_factory.mktemp("bench"))
    engine.spark.conf.set(name, before)


@pytest.fixture(scope="module")
def many(bench: Bench) -> Bench:
    limits = replace(bench.scratch.limits, compared_positives=100)
    return replace(bench, scratch=replace(bench.scratch, limits=limits), memory=Memory())


@pytest.fixture(scope="module")
def idle(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("idle"), idle=3_000)


@pytest.fixture(scope="module")
def vast(idle: Bench) -> Bench:
    limits = replace(idle.scratch.limits, audited_items=0)
    return replace(idle, scratch=replace(idle.scratch, limits=limits), memory=Memory())


@pytest.fixture(scope="module")
def sampled(bench: Bench) -> Bench:
    return asking(bench, broken_ranking.settings())


@pytest.fixture(scope="module")
def popular(bench: Bench, engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("popular"), broken_popularity.SETTINGS)


@pytest.fixture(scope="module")
def sourced(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("sourced"), broken_sources.SETTINGS)


@pytest.fixture(scope="module")
def pooled(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("pooled"), broken_pools.SETTINGS)


@pytest.fixture(scope="module")
def recalled(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("recalled"), broken_recall.SETTINGS)


@pytest.fixture(scope="module")
def rejecting(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("rejecting"), broken_feedback.SETTINGS)


@pytest.fixture(scope="module")
def asking_others(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("others"), broken_others.SETTINGS)


@pytest.fixture(scope="module")
def distinct(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("distinct"), broken_distinct.SETTINGS)


class DescribeTheUnbrokenBuild:
    def it_passes_every_gate(self, bench: Bench) -> None:
        record = bench.audit()
        assert failed(record) == set()
        assert record.verdict == "pass", [g for g in record.gates if g.status != "pass"]

    def it_has_enough_of_everything_to_notice_a_mistake(self, bench: Bench) -> None:
        record = bench.audit()
        assert record.funnel is not None
        assert min(record.funnel.kept, record.funnel.easy, record.funnel.hard) > 200
        assert record.funnel.fill > 50
        assert record.funnel.clicked is not None
        assert record.funnel.clicked - record.funnel.kept > 100
        assert {gate.name.split(".")[0] for gate in record.gates} >= set(GATE_OF) - {
            "volume_deviation",
            "item_drift",
            # Only of logs whose users disagree, or whose ranking rows name no user.
            "shared_ids",
            "requests_of_several_users",
            # Of an impression log with a where.
            "negatives_in_dropped_rows",
            # Of ranking_samples that keep some rows without a click: see ``sampled``.
            "negative_keep_p",
            "negative_keep_bias",
            "negative_keep_differs",
            # Of draws from what anybody was shown: see ``pooled``.
            "exposed_history_share",
            # Of several sources of draws, of margins and choices by score: see ``sourced``.
            "mixture_log_q_differs",
            "hard_within_margin",
            "hard_candidates_beyond_margin",
            "hard_order_differs",
            "source_groups_differ",
            # Of draws of what was not recalled: see ``recalled``.
            "recalled_negatives",
            "recall_unknown_differs",
            # Of batches that the build decides.
            "batches_differ",
            "in_batch_chances_differ",
            "batch_conflicts_missing",
            "batch_conflicts_unfounded",
            "batch_item_slots_differ",
            "in_batch_forbidden_differs",
            "in_batch_thinned",
            "in_batch_unseen",
            # Of batches without conflicts: see test_broken_conflict_free.
            "batch_conflicts",
            "conflict_free_differs",
            "batches_left_out",
            # Of draws that the rows of a batch share: see test_broken_batch_draws.
            *BATCH_POOLS,
            "pool_draws_p",
            "pool_draws_bias",
            "pool_shortfall",
            "pool_unseen",
            # Of held-out requests: see test_broken_evaluation.
            *EVALUATION,
            # Of the running estimate of how likely items are in them: see test_broken_frequency.
            "frequency_state_differs",
            "streaming_log_q_differs",
            "frequency_restarted",
            "frequency_state_replaced",
            "frequency_saturated",
            "frequency_rank_correlation",
            "frequency_distance",
            # Of lists of forbidden items: see test_excluded_items.
            "excluded_items_differ",
            "excluded_truncated",
            # Of rows of whole requests: see test_broken_requests.
            "request_history_late",
            "request_history_differs",
            "request_page_differs",
            "request_negatives_shown",
            "request_rows_differ",
            "request_parts_differ",
            # Of histories that are carried from date to date: see test_broken_histories.
            *HISTORIES,
            *SEQUENCES,
            "history_log_differs",
            "history_restarted",
            "history_state_replaced",
            "history_dates_missing",
            # Of negatives that users rejected: see ``rejecting``.
            "negatives_not_rejected",
            "feedback_candidates_differ",
            # Of negatives of other requests: see ``asking_others``.
            "other_request_unfounded",
            "other_requests_candidates_differ",
            # Of draws that repeat no item: see ``distinct``.
            "repeated_draws",
            "log_q_conditional_differs",
            # Of positives that were not clicked, or not shown.
            "weak_positives_differ",
            "organic_positives_differ",
            # Of popularity that is not clicks of earlier dates: see ``popular``.
            "item_popularity_differs",
            "positives_before_popularity",
        }


class DescribeAnAuditInSeveralPasses:
    def it_measures_the_same(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        in_one = bench.audit()
        few = Limits(audited=ShuffleLimit(2_000_000, 1_000), memory_gib=1.0)
        scratch = replace(bench.scratch, limits=few)
        seen: list[int] = []
        monkeypatch.setattr(hard_pass, "of_pass", told(seen))
        monkeypatch.setattr(draws_pass, "of_pass", told(seen))
        in_several = replace(bench, scratch=scratch, memory=Memory()).audit()
        assert max(seen) >= 2
        wanted = {g.name: pytest.approx(g.figure, rel=1e-9) for g in in_one.gates}
        assert {g.name: g.figure for g in in_several.gates} == wanted
        assert in_several.hard_origins == in_one.hard_origins

    def it_measures_the_same_of_sides_that_are_not_broadcast(self, bench: Bench) -> None:
        limits = replace(bench.scratch.limits, broadcast_rows=0)
        scratch = replace(bench.scratch, limits=limits)
        shuffled = replace(bench, scratch=scratch, memory=Memory()).audit()
        wanted = {g.name: pytest.approx(g.figure, rel=1e-9) for g in bench.audit().gates}
        assert {g.name: g.figure for g in shuffled.gates} == wanted


class DescribeAnAuditOfManyPositives:
    """What is looked at of some positives only; here a few hundred are many."""

    def it_passes_every_gate_and_says_of_which_it_saw_some(self, many: Bench) -> None:
        record = many.audit()
        assert failed(record) == set()
        thinned = {g.name.split(".")[0] for g in record.gates if "looked at 1 in" in g.detail}
        assert {"tables_disagree", "shard_differs", "lists_uneven", "hard_not_cut"} <= thinned
        assert not {"shown_negatives", "log_q_differs", "duplicate_keys"} & thinned

    @pytest.mark.parametrize("name", ["users are mixed up", "shards go by user"])
    def it_catches_what_is_wrong_in_many_rows(self, many: Bench, name: str) -> None:
        mutant = next(one for one in MUTANTS if one.name == name)
        record = many.audit(mutant.make(many), mutant.caught_by)
        assert failed(record) >= set(mutant.caught_by)


_MODULES = [popularity_gates, draws, shares]
OF_ITEMS = {gate.name for gate in gates_of(_MODULES)}
"""The gates that look at items, of a vast catalogue at the untouched ones by their weight."""


@pytest.mark.sail_only
class DescribeAnAuditOfAVastCatalogue:
    """Items that nothing tells of are counted by their weight; here a few hundred are many."""

    def it_measures_the_same(
        self, idle: Bench, vast: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = idle.audit()
        seen: list[int] = []

        def noted(*given: Any) -> Any:
            told, untouched = parted(*given)
            seen.append(untouched.items)
            return told, untouched

        monkeypatch.setattr(date_items, "parted", noted)
        monkeypatch.setattr(date_items, "recomputed_items", None)
        record = vast.audit()
        errors = [g for g in record.gates if g.status == "error"]
        assert errors == []
        assert seen[0] > 1_000, "there must be items that nothing tells of"
        # Cells of draws are parts of the items of one weight then.
        by_cells = ("easy_draws_p", "easy_draws_bias")
        found = {g.name: g.figure for g in record.gates if not g.name.startswith(by_cells)}
        wanted = {g.name: g.figure for g in plain.gates if not g.name.startswith(by_cells)}
        assert found == {name: pytest.approx(value, rel=1e-9) for name, value in wanted.items()}
        assert failed(record) == set()
        assert record.top_items == plain.top_items[: len(record.top_items)]
        for band, known in zip(record.bands, plain.bands, strict=True):
            assert band.model_dump() == pytest.approx(known.model_dump(), rel=1e-9, abs=1e-6)

    @pytest.mark.proof
    @pytest.mark.parametrize(
        "mutant",
        [mutant for mutant in MUTANTS if OF_ITEMS & {n.split(".")[0] for n in mutant.caught_by}],
        ids=lambda mutant: mutant.name,
    )
    def it_catches_each_mistake_about_items_and_draws(self, vast: Bench, mutant: Mutant) -> None:
        assert failed(vast.audit(mutant.make(vast), mutant.caught_by)) >= set(mutant.caught_by)

    @pytest.mark.parametrize(
        ("gate", "column", "said", "wrong"),
        [
            # The places of two items of which nothing is told are exchanged.
            ("item_index_differs", "item_idx", "item_idx + 1 - 2 * (item_id div 1000021)", 2),
            ("item_q_differs", "q", "q * if(item_id = 1000007, 2, 1)", 1),
            ("weights_differ", "weight", "weight * if(item_id = 1000007, 2, 1)", 1),
            ("eligible_from_differs", "eligible_from", "eligible_from + interval 1 hour", 2),
            ("popularity_differs", "clicks", "clicks + 1", 2),
            ("item_positives_differ", "positives", "positives + 1", 2),
            ("in_batch_q_differs", "in_batch_q", "in_batch_q + 0.001", 2),
            ("item_impressions_differ", "impressions", "impressions + 1", 2),
            ("catalogue_differs", "item_id", "if(item_id = 1000007, -999, item_id)", 2),
            ("duplicate_keys.item_stats", "item_id", "1000021", 1),
        ],
    )
    def it_counts_mistakes_about_what_nothing_is_told_of(
        self, vast: Bench, gate: str, column: str, said: str, wrong: int
    ) -> None:
        stats = vast.tables["item_stats"]
        of_two = f"if(item_id IN (1000007, 1000021), {said}, {column})"
        changed = stats.withColumn(column, F.expr(of_two).cast(stats.schema[column].dataType))
        record = vast.audit(Broken(tables={"item_stats": changed}), [gate])
        assert {g.figure for g in record.gates if g.name == gate} == {wrong}


class DescribeAMutant:
    @each_of(MUTANTS)
    def it_is_caught(self, bench: Bench, mutant: Mutant) -> None:
        quick = type(bench.scratch.spark).__module__.startswith("pyspark.sql.connect")
        if not quick and mutant.name not in ON_EVERY_ENGINE:
            pytest.skip("all mutants are made on the sail engine, on spark only some")
        record = bench.audit(mutant.make(bench), mutant.caught_by)
        assert failed(record) >= set(mutant.caught_by)
        assert record.verdict == "fail"

    @pytest.mark.proof
    @pytest.mark.sail_only
    @pytest.mark.parametrize("mutant", ALONE, ids=lambda mutant: mutant.name)
    def it_is_noticed_by_no_other_gate(self, bench: Bench, mutant: Mutant) -> None:
        assert failed(bench.audit(mutant.make(bench))) == set(mutant.caught_by)


class DescribeABuildThatKeepsSomeRowsWithoutAClick:
    def it_passes_every_gate(self, sampled: Bench) -> None:
        record = sampled.audit()
        assert record.verdict == "pass", [g for g in record.gates if g.status != "pass"]
        rows = sampled.tables["ranking_samples"].where("label = 0").count()
        assert rows > 200, "there must be enough to notice a mistake"
        names = {gate.name.split(".")[0] for gate in record.gates}
        assert {"negative_keep_p", "negative_keep_bias", "negative_keep_differs"} <= names

    @each_of(SAMPLED)
    def it_does_not_pass_with_a_mistake(self, sampled: Bench, mutant: Mutant) -> None:
        assert failed(sampled.audit(mutant.make(sampled), mutant.caught_by)) >= set(
            mutant.caught_by
        )


@pytest.mark.sail_only
class DescribeSeveralSourcesAndQuotas:
    def it_passes_every_gate(self, sourced: Bench) -> None:
        record = sourced.audit()
        assert failed(record) == set()
        assert {
            "mixture_log_q_differs",
            "easy_draws_p.same_attribute",
            "hard_within_margin",
            "hard_candidates_beyond_margin",
            "hard_order_differs",
            "source_groups_differ.uniform",
        } <= {gate.name for gate in record.gates}
        told = sourced.tables["hard_negatives"].where("incl_prob < 1").count()
        assert told > 100, "there must be enough to notice a mistake"

    @each_of(SOURCED)
    def it_does_not_pass_with_a_mistake(self, sourced: Bench, mutant: Mutant) -> None:
        assert failed(sourced.audit(mutant.make(sourced), mutant.caught_by)) >= set(
            mutant.caught_by
        )


@pytest.mark.sail_only
class DescribeDrawsFromPools:
    def it_passes_every_gate(self, pooled: Bench) -> None:
        record = pooled.audit()
        assert failed(record) == set()
        assert {"easy_draws_p.exposed", "easy_draws_p.segment", "exposed_history_share"} <= {
            gate.name for gate in record.gates
        }

    @each_of(POOLED)
    def it_does_not_pass_with_a_mistake(self, pooled: Bench, mutant: Mutant) -> None:
        assert failed(pooled.audit(mutant.make(pooled), mutant.caught_by)) >= set(mutant.caught_by)


@pytest.mark.sail_only
class DescribeDrawsOfWhatWasNotRecalled:
    def it_passes_every_gate(self, recalled: Bench) -> None:
        record = recalled.audit()
        assert failed(record) == set()
        names = {gate.name for gate in record.gates}
        assert {"recalled_negatives", "recall_unknown_differs", "easy_draws_p.popularity"} <= names
        assert record.shortfall["recall_unknown"] > 50, "there must be enough to notice a mistake"

    @each_of(RECALLED)
    def it_does_not_pass_with_a_mistake(self, recalled: Bench, mutant: Mutant) -> None:
        assert failed(recalled.audit(mutant.make(recalled), mutant.caught_by)) >= set(
            mutant.caught_by
        )


@pytest.mark.sail_only
class DescribeNegativesThatUsersRejected:
    def it_passes_every_gate_with_items_that_were_shown(self, rejecting: Bench) -> None:
        record = rejecting.audit()
        assert failed(record) == set()
        assert {"negatives_not_rejected", "feedback_candidates_differ"} <= {
            g.name for g in record.gates
        }
        rows = rejecting.tables["hard_negatives"].where("source = 'negative_feedback'")
        shown = rejecting.logs["impressions"].frame.selectExpr("user_id", "item_id neg_item_id")
        of_both = rows.join(shown.distinct(), ["user_id", "neg_item_id"], how="left_semi")
        assert of_both.count() > 50, "there must be enough to notice a mistake"
        assert rows.where("incl_prob < 1").count() > 20
        assert rows.where("stage IS NOT NULL OR stage_rank IS NOT NULL").count() == 0

    @each_of(REJECTING)
    def it_does_not_pass_with_a_mistake(self, rejecting: Bench, mutant: Mutant) -> None:
        assert failed(rejecting.audit(mutant.make(rejecting), mutant.caught_by)) >= set(
            mutant.caught_by
        )


@pytest.mark.sail_only
class DescribeNegativesOfOtherRequests:
    def it_passes_every_gate_with_items_of_both_kinds(self, asking_others: Bench) -> None:
        record = asking_others.audit()
        assert failed(record) == set()
        names = {gate.name for gate in record.gates}
        assert {"other_request_unfounded", "other_requests_candidates_differ"} <= names
        rows = asking_others.tables["hard_negatives"].where("source = 'other_requests'")
        assert rows.where("incl_prob < 1").count() > 100, "there must be enough to notice a mistake"
        assert {row["stage"] for row in rows.select("stage").distinct().collect()} == {
            "coarse",
            "fine",
        }

    @each_of(OTHERS)
    def it_does_not_pass_with_a_mistake(self, asking_others: Bench, mutant: Mutant) -> None:
        assert failed(asking_others.audit(mutant.make(asking_others), mutant.caught_by)) >= set(
            mutant.caught_by
        )


@pytest.mark.sail_only
class DescribeDistinctDraws:
    def it_passes_every_gate(self, distinct: Bench) -> None:
        record = distinct.audit()
        assert failed(record) == set()
        names = {gate.name for gate in record.gates}
        assert {
            "repeated_draws",
            "log_q_conditional_differs.training_samples",
            "log_q_conditional_differs.training_samples_pointwise",
            "log_q_conditional_differs.easy_negatives",
            "easy_draws_p.popularity",
        } <= names
        assert "coverage_p" not in names

    @pytest.mark.parametrize("table", ["training_samples_pointwise", "easy_negatives"])
    def it_finds_the_order_of_draws_in_long_tables(self, distinct: Bench, table: str) -> None:
        """Where training_samples is not written, and where pointwise is not either."""
        left_out = {"training_samples", "training_samples_pointwise"} - {table}
        tables = {name: rows for name, rows in distinct.tables.items() if name not in left_out}
        told = replace(distinct, tables=tables, memory=Memory())
        figures = {gate.name: gate.figure for gate in told.audit().gates}
        assert (figures["repeated_draws"], figures["log_q_differs"]) == (0, 0)

    @each_of(DISTINCT)
    def it_does_not_pass_with_a_mistake(self, distinct: Bench, mutant: Mutant) -> None:
        assert failed(distinct.audit(mutant.make(distinct), mutant.caught_by)) >= set(
            mutant.caught_by
        )


@pytest.mark.sail_only
class DescribeARuleThatSamplerAndAuditShare:
    """The audit asks the sources for their groups, as the sampler does: a wrong rule is in both."""

    def it_is_caught_by_the_definition_alone(
        self, engine: "Engine", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def by_popularity(_entry: UniformEntry, items: CatalogueItems) -> Groups:
            return popularity.groups(PopularityEntry(source="popularity"), items)

        monkeypatch.setattr(registry, "_GROUPS", {**_GROUPS, "uniform": by_popularity})
        record = build(engine, tmp_path, broken_sources.SETTINGS).audit()
        assert failed(record) == {"source_groups_differ.uniform"}


@pytest.mark.sail_only
class DescribePopularityOfActionsUntilAnHour:
    def it_passes_every_gate(self, popular: Bench) -> None:
        record = popular.audit()
        assert failed(record) == set()
        assert {"item_popularity_differs", "positives_before_popularity"} <= {
            gate.name for gate in record.gates
        }

    @each_of(POPULAR)
    def it_does_not_pass_with_a_mistake(self, popular: Bench, mutant: Mutant) -> None:
        assert failed(popular.audit(mutant.make(popular), mutant.caught_by)) >= set(
            mutant.caught_by
        )


class DescribeNonsense:
    @pytest.mark.parametrize("mutant", NONSENSE, ids=[mutant.name for mutant in NONSENSE])
    def it_is_warned_of(self, bench: Bench, mutant: Mutant) -> None:
        statuses = {g.name: g.status for g in bench.audit(mutant.make(bench)).gates}
        assert {gate: statuses[gate] for gate in mutant.caught_by} == dict.fromkeys(
            mutant.caught_by, "warn"
        )


class DescribeGatesOnTheTruths:
    def it_has_a_mutant_that_each_of_them_catches(self) -> None:
        mutants = [
            *MUTANTS,
            *SAMPLED,
            *SOURCED,
            *POOLED,
            *POPULAR,
            *RECALLED,
            *REJECTING,
            *OTHERS,
            *DISTINCT,
        ]
        caught = {gate.split(".")[0] for mutant in mutants for gate in mutant.caught_by}
        absolute = {gate.name for gate in GATES if gate.absolute}
        assert absolute - caught == set(PROVEN_ELSEWHERE)

    @pytest.mark.parametrize("gate", PROVEN_ELSEWHERE)
    def it_has_a_test_of_those_that_need_builds_of_their_own(self, gate: str) -> None:
        text = (Path(__file__).parents[1] / PROVEN_ELSEWHERE[gate]).read_text(encoding="utf-8")
        assert gate in text

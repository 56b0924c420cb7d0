"""Tables beside each other and beside their contracts: each mistake is counted."""

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.audit.gates.agreement import agreement_figures, compared_tables
from winnow.audit.gates.mix import count_negatives, mix_figures
from winnow.audit.recompute.row_sample import RowSample
from winnow.audit.recompute.staged_rows import hard_of, negatives_of, positives_of

from tests.audit.small import Row, config, frame, sample, wrong

SETTINGS = config(negatives={"per_positive": 4})


def long_tables() -> dict[str, list[Row]]:
    """The same negatives, one to a row."""
    key: Row = {"user_id": 7, "request_id": 1, "item_id": 5, "shuffle_key": 9}
    draws = [(1, 0, -1.0), (2, 1, -2.0), (2, 2, -2.0)]
    easy: list[Row] = [
        key | {"neg_item_id": i, "source": "easy_fill" if n == 2 else "popularity", "draw_no": n}
        | {"log_q": log_q, "q": 0.1}
        for i, n, log_q in draws
    ]  # fmt: skip
    hard: list[Row] = [key | {"neg_item_id": 3, "source": "cut", "hardness": 1, "incl_prob": 1.0}]
    point: Row = {"user_id": 7, "request_id": 1, "pos_item_id": 5, "shuffle_key": 9}
    point |= {"keep_prob": 0.5}
    other: Row = {"hardness": 0, "log_q": None, "incl_prob": None, "draw_no": 0}
    flat = [point | {"item_id": 5, "label": 1, "source": "positive"} | other | {"hardness": None}]
    for row in (*easy, *hard):
        own = {
            n: row[n] for n in ("source", "draw_no", "log_q", "hardness", "incl_prob") if n in row
        }
        flat.append(point | {"item_id": row["neg_item_id"], "label": 0} | other | own)
    return {"easy_negatives": easy, "hard_negatives": hard, "training_samples_pointwise": flat}


class DescribeAgreement:
    def figures(self, spark: SparkSession, table: str, **change: Any) -> dict[str, Any]:
        tables = long_tables()
        if change:
            tables[table][-1] |= change
        staged = {n: frame(spark, n, rows, SETTINGS) for n, rows in tables.items()}
        staged["training_samples"] = frame(spark, "training_samples", [sample()], SETTINGS)
        staged["positives"] = staged["training_samples"].select("user_id", "item_id", "keep_prob")
        return wrong(agreement_figures(staged, RowSample(), 0, SETTINGS))

    def it_finds_the_same_rows_in_all_tables(self, spark: SparkSession) -> None:
        assert self.figures(spark, "easy_negatives") == {}

    @pytest.mark.parametrize(
        ("table", "change"),
        [
            ("easy_negatives", {"neg_item_id": 1}),
            ("easy_negatives", {"source": "popularity"}),
            ("easy_negatives", {"draw_no": 3}),
            ("easy_negatives", {"shuffle_key": 8}),
            ("hard_negatives", {"hardness": 2}),
            ("hard_negatives", {"incl_prob": 0.25}),
            ("training_samples_pointwise", {"label": 1}),
            ("training_samples_pointwise", {"incl_prob": None}),
            ("training_samples_pointwise", {"pos_item_id": 6}),
        ],
    )
    def it_notices_one_other_value(
        self, spark: SparkSession, table: str, change: dict[str, Any]
    ) -> None:
        assert self.figures(spark, table, **change) == {f"tables_disagree.{table}": 1}

    def it_compares_the_positives_of_a_stretch_where_there_are_many(
        self, spark: SparkSession
    ) -> None:
        def rows(key: int, keep_prob: float) -> list[Row]:
            return [sample() | {"shuffle_key": key, "keep_prob": keep_prob}]

        samples = frame(spark, "training_samples", rows(2**62, 0.5), SETTINGS)
        others = frame(spark, "training_samples", rows(2**62, 0.25), SETTINGS)
        for positives, number, differ in ((samples, 3, 0), (others, 3, 1), (others, 2, 0)):
            staged = {"training_samples": samples, "positives": positives}
            found = agreement_figures(staged, RowSample(4, number), 1, SETTINGS)
            assert [figure.value for figure in found] == [differ]
            assert found[0].detail == "looked at 1 in 4 rows"

    def it_judges_nothing_by_keys_that_hide_the_rows(self, spark: SparkSession) -> None:
        rows = [sample() | {"shuffle_key": 0}] * 1_000
        samples = frame(spark, "training_samples", rows, SETTINGS)
        staged = {"training_samples": samples, "positives": samples}
        with pytest.raises(ValueError, match="not spread like a hash"):
            agreement_figures(staged, RowSample(4, 0), 1_000, SETTINGS)

    def it_has_nothing_to_compare_without_training_samples(self, spark: SparkSession) -> None:
        staged = {"positives": frame(spark, "training_samples", [sample()], SETTINGS)}
        assert compared_tables(staged) == ()
        assert agreement_figures(staged, RowSample(), 0, SETTINGS) == []


class DescribeRowsOfOtherTables:
    def it_finds_the_negatives_in_any_of_them(self, spark: SparkSession) -> None:
        """A release may hold one of the tables only; it is audited all the same."""
        staged = {n: frame(spark, n, rows, SETTINGS) for n, rows in long_tables().items()}
        staged["training_samples"] = frame(spark, "training_samples", [sample()], SETTINGS)
        easy, hard = "easy_negatives", "hard_negatives"
        for names in ([easy, hard], ["training_samples"], ["training_samples_pointwise"]):
            some = {name: staged[name] for name in names}
            found = negatives_of(some, SETTINGS)
            assert found is not None
            zipped = F.explode(F.arrays_zip("neg_item_ids", "neg_source", "neg_log_q")).alias("n")
            rows = found.select("user_id", zipped).select("user_id", "n.*").collect()
            assert sorted(map(tuple, rows), key=str) == sorted(
                [(7, 1, 0, -1.0), (7, 2, 0, -2.0), (7, 3, 2, None), (7, 2, 1, -2.0)], key=str
            )
            positives = positives_of(some)
            assert positives is not None
            assert positives.rows.count() == 1
            assert positives.complete == (easy not in names)
            stages = hard_of(some, SETTINGS)
            assert stages is not None
            if easy not in names:
                assert [tuple(row) for row in stages.collect()] == [(7, 1, 5, 3, "coarse")]
        assert [negatives_of({}, SETTINGS), positives_of({}), hard_of({}, SETTINGS)] == [None] * 3


class DescribeMix:
    def figures(self, spark: SparkSession, *rows: Row, **mix: Any) -> dict[str, Any]:
        settings = SETTINGS.model_copy(
            update={"negatives": SETTINGS.negatives.model_copy(update=mix)}
        )
        samples = frame(spark, "training_samples", rows, settings)
        counts = count_negatives(samples, settings, RowSample())
        return wrong(mix_figures(counts, settings, RowSample()))

    def it_passes_a_fill_with_its_reason(self, spark: SparkSession) -> None:
        assert self.figures(spark, sample()) == {
            "hard_share": -0.5, "shortfall_share.pool_too_small": 0.25,
        }  # fmt: skip

    def it_judges_the_mix_of_logged_requests_only(self, spark: SparkSession) -> None:
        found = self.figures(spark, sample(shortfall_reasons=["request_not_logged"]))
        assert found == {"shortfall_share.request_not_logged": 0.25}

    @pytest.mark.parametrize(
        ("change", "gates"),
        [
            (
                {"n_fill": 0, "shortfall": 1},
                {"lists_uneven", "mix_differs", "sources_differ"},
            ),
            ({"n_requested": 5}, {"negatives_unaccounted", "mix_differs"}),
            ({"neg_log_q": [-1.0]}, {"lists_uneven"}),
            ({"shortfall_counts": [2]}, {"shortfall_unexplained", "mix_differs"}),
            (
                {"n_easy": 3, "n_fill": 0},
                {
                    "mix_differs",
                    "shortfall_unexplained",
                    "sources_differ",
                    "incl_prob_differs.training_samples",
                },
            ),
        ],
    )
    def it_counts_what_does_not_add_up(
        self, spark: SparkSession, change: dict[str, Any], gates: set[str]
    ) -> None:
        found = set(self.figures(spark, sample(**change)))
        assert found - {"hard_share", "shortfall_share.pool_too_small"} == gates

    @pytest.mark.parametrize(
        ("n_hard", "chances", "wrong_ones"),
        [
            (2, [None, None, 0.4, 0.4], 0),
            (2, [None, None, 0.3, 0.3], 1),
            (2, [None, None, 2.0, 2.0], 1),
            (2, [None, None, 1.0, 0.5], 1),
            (2, [None, None, 0.5, None], 1),
            (2, [None, None, 0.0, 0.0], 1),
            (2, [None, 0.5, 0.5, None], 1),
            (1, [None, None, 1.0, None], 0),
            (1, [None, None, 0.5, None], 1),
            (1, [None, None, 1.0, 1.0], 1),
            (0, [None, None, None, None], 0),
            (0, [None, None, 1.0, None], 1),
        ],
    )
    def it_notices_chances_that_no_pool_gives(
        self, spark: SparkSession, n_hard: int, chances: list[float | None], wrong_ones: int
    ) -> None:
        """Two chosen of five have a chance of 0.4; if one of two was found, the pool was one."""
        row = sample(n_hard=n_hard, n_fill=2 - n_hard, neg_incl_prob=chances)
        found = self.figures(spark, row)
        assert found.get("incl_prob_differs.training_samples", 0) == wrong_ones

    @pytest.mark.parametrize(
        ("n_hard", "chance", "wrong_ones"),
        [(2, 0.2, 0), (2, 0.4, 1), (2, 0.5, 0), (2, 1.0, 1), (1, 0.5, 0), (1, 1.0, 1)],
    )
    def it_knows_the_share_of_rows_that_the_log_keeps(
        self, spark: SparkSession, n_hard: int, chance: float, wrong_ones: int
    ) -> None:
        """Of two chosen of five, of which the log kept half as many, 0.2; all that it had: 0.5."""
        logs, log = SETTINGS.logs, SETTINGS.logs.ranking_log
        assert log is not None
        half = log.model_copy(update={"log_sample_rate": 0.5})
        rated = logs.model_copy(update={"ranking_log": half})
        settings = SETTINGS.model_copy(update={"logs": rated})
        chances = [None, None, chance, chance if n_hard == 2 else None]
        row = sample(n_hard=n_hard, n_fill=2 - n_hard, neg_incl_prob=chances)
        rows = frame(spark, "training_samples", [row], settings)
        counts = count_negatives(rows, settings, RowSample())
        found = wrong(mix_figures(counts, settings, RowSample()))
        assert found.get("incl_prob_differs.training_samples", 0) == wrong_ones

    def it_wants_no_chances_where_none_was_taken(self, spark: SparkSession) -> None:
        hard = [e.model_copy(update={"selection": "top"}) for e in SETTINGS.negatives.hard]
        chosen = SETTINGS.negatives.model_copy(update={"hard": tuple(hard)})
        settings = SETTINGS.model_copy(update={"negatives": chosen})
        rows = frame(spark, "training_samples", [sample()], settings)
        counts = count_negatives(rows, settings, RowSample())
        found = wrong(mix_figures(counts, settings, RowSample()))
        assert found["incl_prob_differs.training_samples"] == 1

    def it_passes_what_is_left_empty_as_configured(self, spark: SparkSession) -> None:
        lists = {n: v[:3] for n, v in sample().items() if n.startswith("neg_")}
        row = sample(n_fill=0, shortfall=1, **lists)
        found = self.figures(spark, row, on_shortfall="leave")
        assert set(found) == {"hard_share", "shortfall_share.pool_too_small"}

    def it_passes_a_user_who_was_shown_everything(self, spark: SparkSession) -> None:
        lists: Row = {n: [] for n in sample() if n.startswith("neg_")}
        row = sample(
            n_easy=0, n_hard=0, n_fill=0, shortfall=4, **lists, shortfall_counts=[2, 2],
            shortfall_reasons=["all_forbidden", "catalogue_exhausted"],
        )  # fmt: skip
        found = self.figures(spark, row)
        assert set(found) == {
            "hard_share", "shortfall_share.all_forbidden", "shortfall_share.catalogue_exhausted",
        }  # fmt: skip

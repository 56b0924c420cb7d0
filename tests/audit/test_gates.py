"""The gates count what is wrong, and what is counted fails a release."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.audit.exclusion import exclusion_gates
from pipelines.audit.gates import Gate, as_json, exactly, require_passed
from pipelines.audit.structure import conservation_gates, reader_protocol_gate, unique_key_gate
from pipelines.config.sampling import Exclusion
from pipelines.config.tree import Ids
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.tables import table_contract
from pipelines.errors import GateError

DAY = CalendarDay(date(2026, 1, 10), "Asia/Tokyo")
WINDOW = Exclusion(exposure_lookback_days=2, click_lookback_days=4, lookahead_days=1)
EVENT = "user_id bigint, item_id bigint, event_us bigint"
NEGATIVE = "user_id bigint, neg_item_id bigint"

Events = list[tuple[int, int, int]]


def figures(gates: list[Gate]) -> dict[str, int]:
    assert all(gate.passed == (gate.figure == gate.allowed) for gate in gates)
    return {gate.name: gate.figure for gate in gates}


def exclusion(
    spark: SparkSession,
    *negatives: list[tuple[int, int]],
    shown: Events = (),  # type: ignore[assignment]
    clicked: Events = (),  # type: ignore[assignment]
) -> dict[str, int]:
    gates = exclusion_gates(
        [spark.createDataFrame(list(rows), NEGATIVE) for rows in negatives],
        spark.createDataFrame(list(shown), EVENT),
        spark.createDataFrame(list(clicked), EVENT),
        WINDOW,
        DAY,
    )
    return figures(gates)


class DescribeExclusionGates:
    def it_passes_negatives_of_other_users_items(self, spark: SparkSession) -> None:
        now = DAY.start_us
        found = exclusion(
            spark, [(1, 5), (1, 6)], shown=[(2, 5, now), (1, 7, now)], clicked=[(2, 6, now)]
        )
        assert found == {"no_shown_negative": 0, "no_clicked_negative": 0}

    def it_counts_each_negative_that_its_user_was_shown(self, spark: SparkSession) -> None:
        now = DAY.start_us
        found = exclusion(
            spark, [(1, 5), (1, 5), (2, 5)], [(1, 5)], shown=[(1, 5, now), (1, 5, now + 1)]
        )
        assert found == {"no_shown_negative": 3, "no_clicked_negative": 0}

    def it_counts_each_negative_that_its_user_clicked(self, spark: SparkSession) -> None:
        found = exclusion(spark, [(1, 5), (2, 5)], clicked=[(1, 5, DAY.start_us)])
        assert found == {"no_shown_negative": 0, "no_clicked_negative": 1}

    def it_counts_a_negative_that_was_shown_and_clicked_in_both(self, spark: SparkSession) -> None:
        found = exclusion(
            spark, [(1, 5)], shown=[(1, 5, DAY.start_us)], clicked=[(1, 5, DAY.start_us)]
        )
        assert found == {"no_shown_negative": 1, "no_clicked_negative": 1}

    @pytest.mark.parametrize(
        ("log", "first"),
        [("shown", DAY.shifted(-2).start_us), ("clicked", DAY.shifted(-4).start_us)],
    )
    def it_looks_at_whole_dates_of_the_calendar_zone(
        self, spark: SparkSession, log: str, first: int
    ) -> None:
        last = DAY.shifted(1).end_us - 1
        rows = [(1, 10, first - 1), (1, 11, first), (1, 12, last), (1, 13, last + 1)]
        found = exclusion(spark, [(1, item) for item in (10, 11, 12, 13)], **{log: rows})
        assert found[f"no_{log}_negative"] == 2
        for item, expected in ((10, 0), (11, 1), (12, 1), (13, 0)):
            assert exclusion(spark, [(1, item)], **{log: rows})[f"no_{log}_negative"] == expected


POSITIVES = table_contract("positives").resolved(Ids())


class DescribeUniqueKeys:
    @staticmethod
    def rows(spark: SparkSession, *keys: tuple[int, int, int]) -> DataFrame:
        kind = "user_id bigint, request_id bigint, item_id bigint, ds date"
        return spark.createDataFrame([(*key, DAY.date) for key in keys], kind)

    def it_passes_rows_that_differ_in_one_column_of_the_key(self, spark: SparkSession) -> None:
        gate = unique_key_gate(self.rows(spark, (1, 1, 1), (1, 1, 2), (1, 2, 1)), POSITIVES)
        assert (gate.passed, gate.figure) == (True, 0)

    def it_counts_rows_that_repeat_a_key(self, spark: SparkSession) -> None:
        gate = unique_key_gate(
            self.rows(spark, (1, 1, 1), (1, 1, 1), (1, 1, 1), (2, 1, 1)), POSITIVES
        )
        assert (gate.passed, gate.figure) == (False, 2)


SAMPLE = (
    "n_requested int, n_easy int, n_hard int, n_fill int, shortfall int, "
    "neg_item_ids array<bigint>, neg_source array<tinyint>, neg_hardness array<tinyint>, "
    "neg_log_q array<double>, neg_incl_prob array<double>, shortfall_counts array<int>"
)


def sample(**changed: Any) -> dict[str, Any]:
    """A row that asked for six: two easy, one hard, one fill, two missing."""
    n = changed.pop("n", 4)
    fine = {
        "n_requested": 6, "n_easy": 2, "n_hard": 1, "n_fill": 1, "shortfall": 2,
        "neg_item_ids": list(range(n)), "neg_source": [0] * n, "neg_hardness": [0] * n,
        "neg_log_q": [-1.0] * n, "neg_incl_prob": [None] * n, "shortfall_counts": [2, 1],
    }  # fmt: skip
    return fine | changed


def conservation(spark: SparkSession, *rows: dict[str, Any], **counts: int) -> dict[str, int]:
    tables = {"training_samples": spark.createDataFrame(list(rows), SAMPLE)}
    tables |= {name: spark.range(n) for name, n in counts.items()}
    return figures(conservation_gates(tables))


class DescribeConservation:
    FINE = {"positives": 2, "easy_negatives": 6, "hard_negatives": 2}  # noqa: RUF012

    def it_passes_rows_that_add_up(self, spark: SparkSession) -> None:
        found = conservation(spark, sample(), sample(), **self.FINE)
        assert found == {
            "negatives_add_up": 0,
            "lists_have_one_length": 0,
            "shortfall_is_explained": 0,
            "positives_match_training_samples": 2,
            "easy_negatives_match_training_samples": 6,
            "hard_negatives_match_training_samples": 2,
        }

    @pytest.mark.parametrize(
        ("gate", "changed"),
        [
            ("negatives_add_up", {"n_requested": 7}),
            ("negatives_add_up", {"shortfall": 1, "shortfall_counts": [1, 1]}),
            ("lists_have_one_length", {"neg_item_ids": [1, 2, 3]}),
            ("lists_have_one_length", {"neg_source": [0] * 5}),
            ("lists_have_one_length", {"neg_hardness": []}),
            ("lists_have_one_length", {"neg_log_q": [-1.0] * 3}),
            ("lists_have_one_length", {"neg_incl_prob": [None] * 3}),
            ("shortfall_is_explained", {"shortfall_counts": [2]}),
            ("shortfall_is_explained", {"shortfall_counts": []}),
        ],
    )
    def it_counts_a_row_that_does_not(
        self, spark: SparkSession, gate: str, changed: dict[str, Any]
    ) -> None:
        found = conservation(spark, sample(), sample(**changed), **self.FINE)
        wrong = {name for name, n in found.items() if n == 1}
        assert wrong == {gate}

    @pytest.mark.parametrize("table", ["positives", "easy_negatives", "hard_negatives"])
    def it_fails_where_a_long_table_lost_a_row(self, spark: SparkSession, table: str) -> None:
        counts = self.FINE | {table: self.FINE[table] - 1}
        tables = {"training_samples": spark.createDataFrame([sample(), sample()], SAMPLE)}
        tables |= {name: spark.range(n) for name, n in counts.items()}
        failed = [gate.name for gate in conservation_gates(tables) if not gate.passed]
        assert failed == [f"{table}_match_training_samples"]


class DescribeProtocol:
    def it_fails_a_table_that_not_every_reader_knows(self) -> None:
        assert reader_protocol_gate({"a": 1, "b": 1}).passed
        assert not reader_protocol_gate({"a": 1, "b": 3}).passed


class DescribeRequirePassed:
    def it_names_every_failed_gate_and_where_the_data_is(self) -> None:
        gates = [exactly("one", 0, 0, "fine"), exactly("two", 3, 0, "bad")]
        gates.append(exactly("six", 1, 6, "odd"))
        with pytest.raises(GateError) as caught:
            require_passed(gates, "/w/_staging/run")
        assert [p.where for p in caught.value.problems] == ["gate two", "gate six"]
        assert "/w/_staging/run" in str(caught.value)

    def it_says_nothing_where_all_passed(self) -> None:
        require_passed([exactly("one", 0, 0, "fine")], "/w")
        assert '"passed": true' in as_json([exactly("one", 0, 0, "fine")])


class DescribeAudit:
    def it_looks_at_every_table_of_negatives(self, spark: SparkSession) -> None:
        """A forbidden item fails the gate in whichever table it hides."""
        from pipelines.audit.audit import _negatives

        pair = [(1, 5)]
        tables = {
            "easy_negatives": spark.createDataFrame(pair, NEGATIVE),
            "hard_negatives": spark.createDataFrame(pair, NEGATIVE),
            "training_samples": spark.createDataFrame(
                [(1, [5, 6])], "user_id bigint, neg_item_ids array<bigint>"
            ),
            "training_samples_pointwise": spark.createDataFrame(
                [(1, 5, 0), (1, 7, 1)], "user_id bigint, item_id bigint, label int"
            ),
        }
        for name, frame in tables.items():
            (found,) = _negatives({name: frame})
            assert set(found.columns) == {"user_id", "neg_item_id"}
            rows = {(row["user_id"], row["neg_item_id"]) for row in found.collect()}
            assert (1, 5) in rows and (1, 7) not in rows
        assert len(_negatives(tables)) == 4

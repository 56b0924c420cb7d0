"""Great Expectations judges: what is out of bounds fails, what is not known is an error."""

import math
from pathlib import Path

import pytest
from winnow.audit.gate import Figure, Measurement
from winnow.audit.judging import judge, require_passed, warning_of
from winnow.audit.record import AuditRecord, GateResult
from winnow.audit.registry import GATE_OF, GATES
from winnow.config.gates import Bounds, GateBounds
from winnow.config.loading import load_config
from winnow.errors import ConfigError, GateError, Problem

CONFIG = """
logs:
  impressions: {path: shown}
  clicks: {path: clicked}
negatives: {hard: []}
gates:
"""


def of(gate: str, value: float | None, subject: str = "", detail: str = "") -> Figure:
    return GATE_OF[gate].figure(value, subject, detail)


def judged(*figures: Figure, **settings: GateBounds) -> dict[str, GateResult]:
    return {gate.name: gate for gate in judge(figures, settings, name="test")}


def loaded(folder: Path, *lines: str) -> object:
    path = folder / "winnow.yaml"
    path.write_text(CONFIG + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    return load_config(path).gates


class DescribeStatuses:
    def it_passes_warns_and_fails_at_the_bounds(self) -> None:
        figures = [0.05, 0.050001, 0.5, 0.500001]
        found = judged(*(of("rejected_share", f, str(i)) for i, f in enumerate(figures)))
        statuses = [found[f"rejected_share.{i}"].status for i in range(4)]
        assert statuses == ["pass", "warn", "warn", "fail"]

    @pytest.mark.parametrize("figure", [-1, 1, 10**12])
    def it_fails_a_count_of_violations_either_way(self, figure: int) -> None:
        assert judged(of("duplicate_keys", figure, "x"))["duplicate_keys.x"].status == "fail"

    @pytest.mark.parametrize("figure", [None, math.nan])
    def it_takes_no_figure_for_a_pass(self, figure: float | None) -> None:
        found = judged(*(of(one.name, figure, "x") for one in GATES))
        assert {gate.status for gate in found.values()} == {"error"}
        assert len(found) == len(GATES)

    def it_never_passes_what_is_beyond_all_numbers(self) -> None:
        found = judged(of("rejected_share", math.inf), of("hard_share", -math.inf))
        assert [gate.status for gate in found.values()] == ["fail", "warn"]

    def it_keeps_the_order_of_the_rules(self) -> None:
        figures = [of(rule.name, 0) for rule in reversed(GATES)]
        assert list(judged(*figures)) == [rule.name for rule in GATES]

    def it_refuses_two_figures_of_one_name(self) -> None:
        with pytest.raises(ValueError, match=r"rejected_share\.clicks"):
            judged(*[of("rejected_share", 0, "clicks")] * 2)

    def it_has_nothing_to_say_without_figures(self) -> None:
        assert judged() == {}


class DescribeSettings:
    def it_takes_the_subjects_bounds_before_the_gates(self) -> None:
        loose, tight = (GateBounds(fail=Bounds(most=most)) for most in (0.9, 0.1))
        found = judged(
            of("rejected_share", 0.2, "clicks"),
            of("rejected_share", 0.2, "impressions"),
            **{"rejected_share": loose, "rejected_share.clicks": tight},
        )
        assert found["rejected_share.clicks"].status == "fail"
        assert found["rejected_share.impressions"].status == "warn"

    def it_finds_a_subject_with_a_reason_in_it(self) -> None:
        name = "rejected_reason_share.clicks.orphan"
        found = judged(
            of("rejected_reason_share", 0.2, "clicks.orphan"),
            **{name: GateBounds(warn=Bounds(most=0.3))},
        )
        assert found[name].status == "pass"

    def it_leaves_the_level_that_is_not_named(self) -> None:
        found = judged(of("rejected_share", 0.6), rejected_share=GateBounds(warn=Bounds(most=0.7)))
        assert found["rejected_share"].status == "fail"

    def it_lets_a_level_be_switched_off(self) -> None:
        off = GateBounds(fail=None, warn=None)
        gate = judged(of("rejected_share", 1.0), rejected_share=off)["rejected_share"]
        assert (gate.status, gate.severity) == ("pass", "warn")

    def it_reads_bounds_from_a_config(self, tmp_path: Path) -> None:
        gates = loaded(tmp_path, "rejected_share.clicks: {warn: {most: 0.2}, fail: {most: 0.4}}")
        assert gates == {
            "rejected_share.clicks": GateBounds(warn=Bounds(most=0.2), fail=Bounds(most=0.4))
        }

    def it_names_the_nearest_gate_to_one_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="Did you mean rejected_share") as caught:
            loaded(tmp_path, "rejectd_share: {warn: {most: 0.2}}")
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize("rule", [rule.name for rule in GATES if rule.absolute])
    def it_lets_nobody_change_a_truth(self, tmp_path: Path, rule: str) -> None:
        with pytest.raises(ConfigError, match="one of Winnow's truths"):
            loaded(tmp_path, f"{rule}.easy_negatives: {{fail: {{most: 5}}}}")

    def it_refuses_bounds_that_nothing_meets(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="least must not exceed most"):
            loaded(tmp_path, "hard_share: {warn: {least: 0.5, most: 0.1}}")


class DescribeGates:
    def it_says_what_each_figure_means_to_a_person(self) -> None:
        for gate in GATES:
            assert len(gate.meaning.split()) > 4, gate.name
            assert not gate.meaning.endswith(".")
            assert gate.unit
            assert gate.bounds.fail or gate.bounds.warn
            assert gate.bounds.fail if gate.absolute else True

    def it_has_each_name_once(self) -> None:
        assert len(GATE_OF) == len(GATES)

    @pytest.mark.parametrize(
        ("measured", "told"),
        [
            # The same rows, whose floats an engine added in another order.
            (0.26744203924034055, 0.267442039),
            (0.2674420392403409, 0.267442039),
            (-1.5e-12 / 7, -2.14285714e-13),
            (9_007_199_254_740_993, 9_007_199_254_740_993),
            (1_234_567_890_123.0, 1_234_567_890_123.0),
            (math.inf, math.inf),
            (None, None),
        ],
    )
    def it_tells_counts_as_they_are_and_other_figures_to_nine_digits(
        self, measured: float | None, told: float | None
    ) -> None:
        assert of("item_drift", measured).value == told


class DescribeAFigureThatIsMissing:
    def it_is_an_error_and_does_not_hide_what_others_are(self) -> None:
        figures = [
            of("shown_negatives", 3),
            of("clicked_negatives", 0),
            of("log_q_differs", None, detail="it broke"),
            of("hard_share", float("nan")),
            of("rejected_share", 0.1, "clicks"),
            of("rejected_share", 0.75, "impressions"),
        ]
        assert [gate.status for gate in judge(figures, {}, name="x")] == [
            "warn", "fail", "fail", "pass", "error", "error",
        ]  # fmt: skip


class DescribeRequirePassed:
    def it_names_figure_bounds_and_meaning(self) -> None:
        gates = judge([of("rejected_share", 0.75, "clicks", "3 of 4 rows")], {}, name="x")
        with pytest.raises(GateError) as caught:
            require_passed(gates, "run-1", Path("staging") / "run-1")
        assert caught.value.exit_code == 3
        (problem,) = caught.value.problems
        assert problem.where == "gate rejected_share.clicks"
        assert problem.what == GATE_OF["rejected_share"].meaning
        assert (problem.found, problem.expected) == ("0.75 3 of 4 rows", "at most 0.5")
        assert "run-1" in (problem.next_step or "")

    def it_raises_for_a_gate_that_could_not_be_judged(self) -> None:
        gates = judge([of("hard_share", None, detail="disk full")], {}, name="x")
        with pytest.raises(GateError, match="could not be judged, found no figure disk full"):
            require_passed(gates, "run-1", Path("staging"))

    def it_lets_a_warning_pass_and_tells_it(self) -> None:
        gates = judge([of("rejected_share", 0.25, "clicks")], {}, name="x")
        require_passed(gates, "run-1", Path("staging"))
        told = warning_of(gates[0])
        assert told.startswith("rejected_share.clicks: rejected rows")
        assert "0.25" in told
        assert "wanted at most 0.05" in told


class DescribeTheRecord:
    def it_comes_back_from_json_as_it_was(self) -> None:
        gates = judge(
            [of("shown_negatives", 3), of("hard_share", None), of("item_drift", 0.1)],
            {},
            name="x",
        )
        record = AuditRecord(verdict="fail", gates=gates, volume={"users": 3.0})
        assert AuditRecord.model_validate_json(record.model_dump_json()) == record

    def it_comes_back_without_what_is_no_number(self) -> None:
        gates = judge([of("hard_share", math.nan), of("item_drift", math.inf)], {}, name="x")
        text = AuditRecord(verdict="fail", gates=gates).model_dump_json()
        again = AuditRecord.model_validate_json(text)
        assert [gate.status for gate in again.gates] == ["error", "fail"]


class DescribeMeasurements:
    CUT, TWICE, SHOWN = (
        GATE_OF[name] for name in ("hard_not_cut", "duplicate_keys", "shown_negatives")
    )

    def it_fails_the_gates_of_one_that_breaks_and_judges_the_others(self) -> None:
        def breaks() -> list[Figure]:
            raise RuntimeError("no space left\non this disk")

        broken = Measurement([self.CUT.promised(), self.TWICE.promised("positives")], breaks)
        whole = Measurement([self.SHOWN.promised()], lambda: self.SHOWN.figure(0))
        gates = judged(*broken.figures(), *whole.figures())
        assert gates["hard_not_cut"].status == gates["duplicate_keys.positives"].status == "error"
        assert gates["hard_not_cut"].detail == "RuntimeError: no space left"
        assert gates["shown_negatives"].status == "pass"

    def it_notices_a_figure_that_was_promised_and_did_not_come(self) -> None:
        one = Measurement(
            [self.SHOWN.promised(), self.CUT.promised()], lambda: self.SHOWN.figure(7)
        )
        shown, cut = one.figures()
        assert (shown.value, cut.value) == (7, None)
        assert judged(cut)["hard_not_cut"].detail == "this figure was not measured"
        assert judged(cut)["hard_not_cut"].status == "error"

    def it_refuses_one_that_promises_nothing(self) -> None:
        """What promises nothing could break unnoticed."""
        with pytest.raises(ValueError, match="promise"):
            Measurement([], list)


class DescribeOneCauseOfManyFailures:
    GATES = (
        of("rejected_share", 1.0, "clicks"),
        of("rejected_reason_share", 1.0, "clicks.unreadable", detail="2,804 rows"),
        of("rows", 0, "positives"),
        of("rows", 0, "training_samples"),
        of("log_q_differs", None),
    )

    def problems(self, *more: Figure) -> list[Problem]:
        gates = judge([*self.GATES, *more], {}, name="test")

        def examples(log: str, reason: str) -> list[str]:
            assert (log, reason) == ("clicks", "unreadable")
            return [f"unreadable: click_ts, found '2026/{n}' {'x' * 500}" for n in (1, 2, 3)]

        with pytest.raises(GateError) as caught:
            require_passed(gates, "run-1", Path("staging"), examples)
        return list(caught.value.problems)

    def it_is_told_first_with_its_count_and_values_and_the_rest_is_named(self) -> None:
        cause, rest = self.problems()
        assert cause.where == "logs.clicks"
        assert cause.what == "too many rows were rejected as unreadable: 2,804 rows, a share of 1"
        assert cause.found is not None
        assert all(f"'2026/{n}'" in cause.found for n in (1, 2, 3))
        assert len(cause.found) < 500
        assert "winnow rejected --run run-1" in str(cause)
        assert rest.what == "4 further gates failed as a consequence"
        assert rest.found == (
            "rejected_share.clicks, rows.positives, rows.training_samples, log_q_differs"
        )

    def it_hides_no_violation_of_a_truth(self) -> None:
        _, violated, _ = self.problems(of("shown_negatives", 3))
        assert violated.where == "gate shown_negatives"

    def it_is_told_without_values_where_none_are_known(self) -> None:
        gates = judge(self.GATES, {}, name="test")
        with pytest.raises(GateError) as caught:
            require_passed(gates, "run-1", Path("staging"))
        assert len(caught.value.problems) == 2
        assert caught.value.problems[0].found is None

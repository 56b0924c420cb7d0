"""Run users' suites by Great Expectations: on a part of the rows in pandas, or by the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from winnow.audit.expectations import quiet_context
from winnow.audit.record import GateResult, SuiteRecord
from winnow.audit.suites.actions import run_actions
from winnow.audit.suites.checks import DATE_PARAMETER
from winnow.audit.suites.results import broken_gate, gate_of, raised_by
from winnow.audit.suites.rows import Shown, to_pandas
from winnow.audit.suites.suite import Suite
from winnow.dates import CalendarDay

_PLACE = "winnow_place"
_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 20}


@dataclass
class Judged:
    """What came of suites; those of tables are added to those of logs.

    Attributes:
        gates: One for each expectation, in the order of the suites.
        suites: What the release keeps of each suite.
        warnings: Of actions that failed.
    """

    gates: list[GateResult] = field(default_factory=list)
    suites: list[SuiteRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def judge_suites(
    suites: Sequence[Suite],
    shown: Mapping[str, Shown],
    day: CalendarDay,
    run_id: str,
    judged: Judged,
) -> Judged:
    """Run suites, and their actions; add what came of them.

    Args:
        suites: What is run; others than those on what is shown are passed over.
        shown: The rows by table or log.
        day: The date.
        run_id: Names the run to whoever is told.
        judged: Receives what came of them.

    Returns:
        ``judged``.
    """
    for suite in suites:
        if suite.given.subject in shown:
            _judge(suite, shown[suite.given.subject], day, run_id, judged)
    return judged


def _judge(suite: Suite, shown: Shown, day: CalendarDay, run_id: str, judged: Judged) -> None:
    parameters = dict(suite.parameters) | {DATE_PARAMETER: day.date.isoformat()}
    n_judged = shown.n_rows
    try:
        context = quiet_context()
        batch, n_judged = _batch(context, suite, shown)
        found = _validated(batch, suite, parameters)
    except Exception as error:
        # Whatever broke, other suites and gates are still worth knowing.
        why = f"{type(error).__name__}: {error}"
        judged.gates += [broken_gate(one, why) for one in suite.expected]
    else:
        part = "" if n_judged == shown.n_rows else f"of {n_judged:,} of {shown.n_rows:,} rows"
        by_place = {one.expectation_config.meta[_PLACE]: one for one in found.results}
        judged.gates += [
            gate_of(one, by_place[place], part) for place, one in enumerate(suite.expected)
        ]
        judged.warnings += run_actions(suite, found, context, run_id=run_id)
    judged.suites.append(
        SuiteRecord(
            subject=suite.given.subject,
            name=suite.name,
            source=suite.source,
            sha256=suite.sha256,
            rows=n_judged,
            of_rows=shown.n_rows,
            expectations=suite.content,
        )
    )


def _batch(context: Any, suite: Suite, shown: Shown) -> tuple[Any, int]:
    """Return the rows as a batch of Great Expectations, and how many they are."""
    name = suite.given.subject
    if suite.given.all_rows:
        # The frame is read from files: what is not kept is read again, and no memory is filled.
        source = context.data_sources.add_spark("engine", persist=False)
        rows, n_judged = shown.rows, shown.n_rows
    else:
        source = context.data_sources.add_pandas("pandas")
        table = shown.part(suite.given.rows)
        rows, n_judged = to_pandas(table), table.num_rows
    asset = source.add_dataframe_asset(name)
    return asset.add_batch_definition_whole_dataframe("all").get_batch(
        {"dataframe": rows}
    ), n_judged


def _validated(batch: Any, suite: Suite, parameters: Mapping[str, Any]) -> Any:
    """Return the result of a suite, in which one broken expectation broke no other one."""
    found = _run(batch, suite, range(len(suite.expected)), parameters)
    # What is computed together breaks together: what broke is judged once more, alone.
    results = [
        one
        if raised_by(one) is None or len(suite.expected) == 1
        else _run(batch, suite, [one.expectation_config.meta[_PLACE]], parameters).results[0]
        for one in found.results
    ]
    found.results = results
    found.success = all(one.success for one in results)
    return found


def _run(batch: Any, suite: Suite, places: Sequence[int], parameters: Mapping[str, Any]) -> Any:
    import great_expectations as gx

    trees = [dict(suite.expected[place].tree) for place in places]
    for place, tree in zip(places, trees, strict=True):
        tree["meta"] = dict(tree.get("meta") or {}) | {_PLACE: place}
        tree.pop("id", None)
    rules = gx.ExpectationSuite(name=suite.name, expectations=trees)
    return batch.validate(rules, result_format=_FORMAT, expectation_parameters=dict(parameters))

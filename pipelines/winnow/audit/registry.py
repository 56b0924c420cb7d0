"""Every gate, and who measures it."""

from collections.abc import Iterator, Sequence
from types import ModuleType

from winnow.audit.evidence import Evidence
from winnow.audit.gate import GROUPS, Gate, Measurement
from winnow.audit.gates import (
    agreement,
    batches,
    carried,
    cascade,
    conflict_free,
    draws,
    dropped_rows,
    evaluation,
    excluded_items,
    feedback,
    frequency,
    hard_negatives,
    histories,
    history,
    impressions,
    inputs,
    keep_rates,
    kept_negatives,
    keys,
    labels,
    margins,
    mix,
    organic_positives,
    other_requests,
    plausibility,
    pool_draws,
    pools,
    popularity,
    positives,
    ranking_rows,
    recall,
    repeats,
    requests,
    row_rules,
    score_choice,
    sequences,
    shares,
    shuffle,
    source_groups,
    stage_scores,
    user_caps,
    weak_positives,
    whose_clicks,
)

_IN_TURN: tuple[tuple[ModuleType, ...], ...] = (
    (inputs, plausibility, keys, row_rules, impressions, agreement, shuffle, mix, history),
    (
        hard_negatives,
        margins,
        score_choice,
        feedback,
        other_requests,
        ranking_rows,
        carried,
        stage_scores,
        cascade,
        requests,
        histories,
        sequences,
        user_caps,
        repeats,
        weak_positives,
        organic_positives,
    ),
    (
        popularity,
        positives,
        draws,
        source_groups,
        recall,
        shares,
        dropped_rows,
        labels,
        kept_negatives,
        whose_clicks,
        batches,
        conflict_free,
        pools,
        pool_draws,
        excluded_items,
        frequency,
        evaluation,
    ),
)
"""The modules with gates; those of one line measure one after the other, beside the other lines.

Some of it waits for Python, some for the engine: side by side they fill the cores. Each module
gives ``measurements(evidence)``: what there is to measure of it.
"""


def gates_of(modules: Sequence[ModuleType]) -> tuple[Gate, ...]:
    """Return the gates that stand in modules, by group, else in the order in which they stand."""
    found = [one for module in modules for one in vars(module).values() if isinstance(one, Gate)]
    return tuple(sorted(dict.fromkeys(found), key=lambda gate: GROUPS.index(gate.group)))


_BY_OTHERS = (keep_rates,)
"""The modules with gates of which others measure the figures."""

GATES = gates_of([*(module for line in _IN_TURN for module in line), *_BY_OTHERS])
"""Every gate, in the order of the suite and of the report."""

GATE_OF = {gate.name: gate for gate in GATES}


def lines_of_measurements(evidence: Evidence) -> list[Iterator[Measurement]]:
    """Return all measurements, in lines of which each is to be taken in order."""
    return [(one for module in line for one in module.measurements(evidence)) for line in _IN_TURN]

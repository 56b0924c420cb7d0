"""Measurements of frames that did not change are taken once: each is a function of its frames."""

import functools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from winnow.audit import audit
from winnow.audit.evidence import Evidence
from winnow.audit.gate import Figure, Measurement
from winnow.audit.recompute.row_sample import RowSample
from winnow.audit.recompute.staged_rows import StagedPositives
from winnow.audit.record import GateResult
from winnow.spark.scratch import Scratch

from tests.audit.asked_gates import promised_by

_OF_GROUPS = (
    "positives",
    "training_samples",
    "training_samples_pointwise",
    "easy_negatives",
    "hard_negatives",
    "item_stats",
)

_OF_EVIDENCE = {
    "score_figures": ("ranking_samples",),
    "cascade_figures": ("cascade_samples",),
    "compared_positives": _OF_GROUPS,
    "date_draws": _OF_GROUPS,
    "misplaced_elements": ("user_sequences", "training_samples"),
    "wrong_targets": ("user_sequences", "training_samples"),
    "wrong_sequences": ("user_sequences", "training_samples"),
    "shares_of": _OF_GROUPS,
    "_of_logs": ("ranking_samples", *_OF_GROUPS),
    "_clicked_rows": ("ranking_samples",),
    "wanted_keys": (),
    "late_elements": ("request_samples", "training_samples"),
    "wrong_histories": ("request_samples", "training_samples"),
    "wrong_pages": ("request_samples", "training_samples"),
    "negatives_on_page": ("request_samples",),
    "lost_rows": ("request_samples", "training_samples"),
    "other_parts": ("request_samples", "training_samples"),
}
"""What is measured of an evidence, and of which of its tables."""

_MEASURED = (
    "agreement_figures",
    "carried_items",
    "carried_users",
    "carried_clicks",
    "cap_figure",
    "repeat_figure",
    "shuffle_figure",
    "recomputed_candidates",
    "recomputed_clicks",
    "count_negatives",
    "count_table",
    "recomputed_hard",
    "hard_origins",
    "impression_figures",
    "input_figures",
    "recomputed_items",
    "label_figure",
    "logged_requests",
    "measure_draws",
    "negatives_of",
    "on_date",
    "recomputed_pairs",
    "recomputed_positives",
    "repeated_keys",
    "top_user_share",
    "volume_of",
    "wrong_impressions",
    "wrong_q",
    *_OF_EVIDENCE,
)


def _modules() -> list[dict[str, Any]]:
    """The names of every module of the audit."""
    return [vars(one) for name, one in sys.modules.items() if name.startswith("winnow.audit.")]


class Memory:
    """What measurements of the same frames gave; only what a mutant changed is measured again."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}
        self._used: list[Any] = []
        self._judged: dict[Figure, GateResult] = {}
        self._promised: dict[str, frozenset[str]] = {}

    def measured_with(self, gates: Collection[str]) -> set[str]:
        """Return the gates that are promised by what was seen to measure these, and these."""
        names = {name.partition(".")[0] for name in gates}
        return names.union(*(self._promised.get(name, ()) for name in names))

    @contextmanager
    def used(self) -> Iterator[None]:
        """Let the audit use the memory."""
        judge = self._judge(vars(audit)["judge"])
        with ExitStack() as patched:
            assert set(_MEASURED) <= {name for known in _modules() for name in known}
            for known in _modules():
                # A package has its modules by their names as well.
                own = [name for name in _MEASURED if callable(known.get(name))]
                whole = {name: self._remembered(name, known[name]) for name in own}
                patched.enter_context(mock.patch.dict(known, whole))
            patched.enter_context(mock.patch.dict(vars(audit), judge=judge))
            patched.enter_context(mock.patch.object(Measurement, "figures", self._noted()))
            yield

    def _noted(self) -> Callable[[Measurement], list[Figure]]:
        """Note which measurement gives the figures that are not promised."""
        measure = Measurement.figures

        def figures(measurement: Measurement) -> list[Figure]:
            found, promised = measure(measurement), promised_by(measurement)
            self._promised |= {figure.gate.name: frozenset(promised) for figure in found}
            return found

        return figures

    def _remembered(self, name: str, measure: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(measure)
        def remembered(*given: Any, **named: Any) -> Any:
            key = (measure.__module__, name, self._key(name, given), self._key(name, named))
            if key not in self._known:
                self._known[key] = measure(*given, **named)
                # What is known by its place in memory must keep it.
                self._used.append((given, named))
            return self._known[key]

        return remembered

    def _key(self, name: str, value: Any) -> Any:
        if name == "negatives_of":
            return id(value[0].get("training_samples")) if value else ()
        if isinstance(value, Evidence):
            tables = [value.staged.get(table) for table in _OF_EVIDENCE[name]]
            others = (*value.logs.values(), value.config, value.history)
            return (value.n_positives, *map(id, (*tables, *others)))
        if isinstance(value, Scratch):
            return "scratch"
        if isinstance(value, StagedPositives):
            return id(value.rows)
        if isinstance(value, Mapping):
            return tuple(sorted((k, self._key("", v)) for k, v in value.items()))
        if isinstance(value, tuple):
            return tuple(self._key(name, one) for one in value)
        if isinstance(value, str | int | bool | RowSample | None):
            return value
        return id(value)

    def _judge(self, judge: Callable[..., tuple[GateResult, ...]]) -> Callable[..., Any]:
        def judged(figures: Sequence[Figure], *given: Any, **named: Any) -> tuple[GateResult, ...]:
            new = [figure for figure in figures if figure not in self._judged]
            gates = {gate.name: gate for gate in judge(new, *given, **named)}
            self._judged |= {figure: gates[figure.name] for figure in new}
            return tuple(self._judged[figure] for figure in figures)

        return judged

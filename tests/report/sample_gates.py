"""Gates of every group, and some that warn, fail, or could not be computed."""

from winnow.audit.record import GateResult
from winnow.config.gates import Bounds

NASTY = "<script>alert(1)</script>\"'&"
"""A text as a log may hold it: code, if a page forgets to escape it."""


def gates(*changed: GateResult) -> tuple[GateResult, ...]:
    """Gates of every group that pass, those in ``changed`` in place of their namesakes."""
    zero = Bounds(least=0, most=0)
    made = [
        _gate("rows_of_impressions_add_up", "inputs", 0, "rows", zero, "rows that vanished"),
        _gate("rows_of_clicks_add_up", "inputs", 0, "rows", zero, "rows that vanished"),
        _gate("rejected_share", "inputs", 0.00019, "share", Bounds(most=0.05), "rejected rows"),
        _gate("positives_were_shown", "positives", 0, "rows", zero, "positives not shown"),
        _gate("keep_rate", "positives", 0.42, "p-value", Bounds(least=0.0001), "kept as declared"),
        _gate(
            "no_exposed_negatives",
            "easy negatives",
            0,
            "rows",
            zero,
            "negatives that their user was shown within the exclusion window",
        ),
        _gate("log_q_is_true", "easy negatives", 0.31, "p-value", Bounds(least=1e-4), "log_q"),
        _gate("hard_come_from_their_request", "hard negatives", 0, "rows", zero, "strangers"),
        _gate("requested_adds_up", "mix", 0, "rows", zero, "negatives that vanished"),
        _gate("popularity_drift", "popularity", 0.034, "PSI", Bounds(most=0.25), "drift"),
        _gate("keys_are_unique", "tables", 0, "rows", zero, "rows that share a key"),
        _gate("volume", "history", 1.04, "times", Bounds(least=0.5, most=2), "rows against before"),
    ]
    by_name = {gate.name: gate for gate in changed}
    return tuple(by_name.pop(gate.name, gate) for gate in made) + tuple(by_name.values())


def _gate(
    name: str, group: str, figure: float, unit: str, fail: Bounds, meaning: str
) -> GateResult:
    return GateResult(
        name=name,
        group=group,
        status="pass",
        severity="fail",
        figure=figure,
        unit=unit,
        fail=fail,
        meaning=meaning,
    )


SHORTFALL_WARNS = GateResult(
    name="shortfall_share",
    group="mix",
    status="warn",
    severity="warn",
    figure=0.0214,
    unit="share",
    warn=Bounds(most=0.02),
    meaning="share of the negatives asked for that could not be had",
    detail="the share was 0.9 % on the seven dates before",
)
EXPOSED_FAIL = GateResult(
    name="no_exposed_negatives",
    group="easy negatives",
    status="fail",
    severity="fail",
    figure=1284,
    unit="rows",
    fail=Bounds(least=0, most=0),
    meaning="negatives that their user was shown within the exclusion window",
    detail=f"first of them: user 8812, item {NASTY}",
)
LOG_Q_ERRS = GateResult(
    name="log_q_is_true",
    group="easy negatives",
    status="error",
    severity="fail",
    figure=None,
    unit="p-value",
    fail=Bounds(least=1e-4),
    meaning="agreement of the drawn items with the probabilities that they declare",
    detail="the staged table has no column log_q",
)

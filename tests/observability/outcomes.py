"""Builds that have ended, made by hand."""

from datetime import UTC, date, datetime
from typing import Any

from winnow.audit.record import GateResult
from winnow.config.gates import Bounds
from winnow.observability.ending import Ending
from winnow.observability.outcome import Outcome

BEGUN = datetime(2026, 1, 3, 2, 30, tzinfo=UTC)
ENDED = datetime(2026, 1, 3, 2, 31, tzinfo=UTC)
RUN_ID = "20260103T023000Z-0123abcd"
FAILED = Ending(3, "gate rejected_share.clicks: too many.")


def gate(name: str, group: str, status: str = "pass", **more: Any) -> GateResult:
    fields: dict[str, Any] = {"name": name, "group": group, "status": status, "severity": "fail"}
    fields |= {"figure": 0.25, "unit": "share", "meaning": "what it says"}
    return GateResult(**fields | {"fail": Bounds(most=0.1)} | more)


GATES = (
    gate("rejected_share.clicks", "inputs", "fail"),
    gate("history_share", "inputs", "warn", severity="warn", fail=None, warn=Bounds(least=1)),
    gate("duplicate_keys.positives", "tables"),
    gate("log_q", "easy negatives", "error", figure=None),
    gate("unclicked_weight_share", "popularity", wanted="little"),
)


def outcome(**more: Any) -> Outcome:
    """One that released two tables."""
    places = {"read": 9, "valid": 4, "duplicate": 1, "rejected": 2, "filtered": 2, "other_date": 0}
    fields: dict[str, Any] = {
        "run_id": RUN_ID,
        "ds": date(2026, 1, 1),
        "begun": BEGUN,
        "ended": ENDED,
        "release_id": "r1",
        "published": True,
        "logs": {"clicks": places},
        "tables": {"positives": 4, "rejected": 2},
        "gates": GATES,
        "seconds": {"count rows": 1.25, "audit": 0.5},
    }
    return Outcome(**fields | more)

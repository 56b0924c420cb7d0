"""history_state beside the state that it went on from and the logs: the past of all users."""

from collections.abc import Iterator, Sequence
from datetime import date

from winnow.audit.evidence import Evidence
from winnow.audit.gate import REQUESTS, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.history_states import (
    lost_or_doubled,
    outside_of_window,
    unlike_the_log,
    wrong_states,
)
from winnow.audit.recompute.request_sample import one_in_so_many

HISTORY_STATE_OUTSIDE = none_of(
    "history_state_outside",
    REQUESTS,
    "elements of history_state that are not of the date or of its window before it, not in the "
    "order of time, or too many",
    unit="elements",
)
HISTORY_STATE_LOST = none_of(
    "history_state_lost",
    REQUESTS,
    "users and clicks that history_state has too few or too many, of all that the earlier state "
    "and the log since have",
    unit="users and clicks",
)
HISTORY_STATE_DIFFERS = none_of(
    "history_state_differs",
    REQUESTS,
    "users whose history_state does not follow from the earlier state and the log since",
    unit="users",
)
HISTORY_LOG_DIFFERS = at_most(
    "history_log_differs",
    REQUESTS,
    "users",
    "users whose history_state is not what the log has now, over the dates that are read anyway: "
    "clicks came late, or the log was changed, after an earlier date was built",
    warn=0,
)
HISTORY_RESTARTED = at_most(
    "history_restarted",
    REQUESTS,
    "dates",
    "1 where histories were read from the log of all dates though earlier dates are released: none "
    "of these has a state that could be gone on from",
    warn=0,
)
HISTORY_STATE_REPLACED = at_most(
    "history_state_replaced",
    REQUESTS,
    "dates",
    "earlier dates whose history_state went on from one that was replaced since: built again in "
    "their order they would say something else",
    warn=0,
)
HISTORY_DATES_MISSING = at_most(
    "history_dates_missing",
    REQUESTS,
    "dates",
    "dates of the window of histories of which neither the earlier state nor the log has clicks",
    warn=0,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the state, where it is carried from date to date."""
    if not evidence.config.carries_history:
        return
    yield Measurement(
        [HISTORY_STATE_OUTSIDE.promised()],
        lambda: HISTORY_STATE_OUTSIDE.figure(outside_of_window(evidence)),
    )
    yield Measurement(
        [HISTORY_STATE_LOST.promised()],
        lambda: HISTORY_STATE_LOST.figure(lost_or_doubled(evidence)),
    )
    compared = (HISTORY_STATE_DIFFERS, HISTORY_LOG_DIFFERS)
    yield Measurement([gate.promised() for gate in compared], lambda: _compared(evidence))
    chain = (HISTORY_RESTARTED, HISTORY_STATE_REPLACED, HISTORY_DATES_MISSING)
    yield Measurement([gate.promised() for gate in chain], lambda: _chain(evidence))


def _compared(evidence: Evidence) -> list[Figure]:
    """Compare the states of some users, where there are many clicks or many states."""
    length = evidence.config.requests.history_length
    n_states = evidence.staged["history_state"].count()
    n = max(2 * evidence.counts["clicks"].read, n_states * min(length, _PER_STATE))
    one_in = one_in_so_many(n, evidence.scratch.limits)
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    late = unlike_the_log(evidence, one_in)
    return [
        HISTORY_STATE_DIFFERS.figure(wrong_states(evidence, one_in), detail=detail),
        HISTORY_LOG_DIFFERS.figure(late or 0, detail=detail),
    ]


_PER_STATE = 10
"""A state costs at most about so many positives."""


def _chain(evidence: Evidence) -> list[Figure]:
    chain = evidence.history

    def named(dates: Sequence[date]) -> str:
        return ", ".join(one.isoformat() for one in dates[:5])

    return [
        HISTORY_RESTARTED.figure(int(chain.restarted)),
        HISTORY_STATE_REPLACED.figure(len(chain.replaced), detail=named(chain.replaced)),
        HISTORY_DATES_MISSING.figure(len(chain.missing), detail=named(chain.missing)),
    ]

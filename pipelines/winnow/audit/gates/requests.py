"""request_samples beside the logs and training_samples: the past, the page, what was sampled."""

from collections.abc import Iterator

from winnow.audit.evidence import Evidence
from winnow.audit.gate import REQUESTS, Figure, Measurement, none_of
from winnow.audit.recompute.request_histories import late_elements, wrong_histories
from winnow.audit.recompute.request_pages import negatives_on_page, wrong_pages
from winnow.audit.recompute.request_parts import lost_rows, other_parts
from winnow.audit.recompute.request_sample import one_in_so_many, requests_note

REQUEST_HISTORY_LATE = none_of(
    "request_history_late",
    REQUESTS,
    "elements of histories that are not before the first impression of their request in the log",
    unit="elements",
)
REQUEST_HISTORY_DIFFERS = none_of(
    "request_history_differs",
    REQUESTS,
    "requests whose history is not the latest clicks that the log has of their user before them, "
    "or whose time is not that of their first impression",
)
REQUEST_PAGE_DIFFERS = none_of(
    "request_page_differs",
    REQUESTS,
    "requests whose page is not what the log has of them, with its places, times and clicks",
)
REQUEST_NEGATIVES_SHOWN = none_of(
    "request_negatives_shown",
    REQUESTS,
    "requests one of whose negatives their own page shows, but for what the user rejected",
)
REQUEST_ROWS_DIFFER = none_of(
    "request_rows_differ",
    REQUESTS,
    "requests, positives and negatives by which request_samples and training_samples differ",
)
REQUEST_PARTS_DIFFER = none_of(
    "request_parts_differ",
    REQUESTS,
    "elements of positives and negatives that are not those of training_samples in its order",
    unit="elements",
)

_PER_POSITIVE = 4
"""As many negatives cost about what a positive does."""


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the table, where it is written."""
    if not {"request_samples", "training_samples"} <= set(evidence.staged):
        return
    yield Measurement(
        [REQUEST_HISTORY_LATE.promised()],
        lambda: REQUEST_HISTORY_LATE.figure(late_elements(evidence)),
    )
    yield Measurement([REQUEST_HISTORY_DIFFERS.promised()], lambda: _histories(evidence))
    yield Measurement([REQUEST_PAGE_DIFFERS.promised()], lambda: _pages(evidence))
    yield Measurement(
        [REQUEST_NEGATIVES_SHOWN.promised()],
        lambda: REQUEST_NEGATIVES_SHOWN.figure(negatives_on_page(evidence)),
    )
    yield Measurement(
        [REQUEST_ROWS_DIFFER.promised()], lambda: REQUEST_ROWS_DIFFER.figure(lost_rows(evidence))
    )
    yield Measurement([REQUEST_PARTS_DIFFER.promised()], lambda: _parts(evidence))


def _one_in(evidence: Evidence, n: int) -> int:
    return one_in_so_many(max(n, evidence.n_positives), evidence.scratch.limits)


def _histories(evidence: Evidence) -> Figure:
    # A click stands in several histories.
    one_in = _one_in(evidence, 2 * evidence.counts["clicks"].read)
    wrong = wrong_histories(evidence, one_in)
    note = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return REQUEST_HISTORY_DIFFERS.figure(wrong, detail=note)


def _pages(evidence: Evidence) -> Figure:
    # A page has more rows than a positive: those of so many impressions are looked at.
    one_in = _one_in(evidence, evidence.counts["impressions"].valid)
    return REQUEST_PAGE_DIFFERS.figure(wrong_pages(evidence, one_in), detail=requests_note(one_in))


def _parts(evidence: Evidence) -> Figure:
    totals = evidence.totals
    n_negatives = totals["easy"] + totals["hard"] + totals["fill"]
    one_in = _one_in(evidence, n_negatives // _PER_POSITIVE)
    return REQUEST_PARTS_DIFFER.figure(other_parts(evidence, one_in), detail=requests_note(one_in))

"""How many rows without a click ranking_samples kept, where the config keeps only some of them."""

from collections.abc import Iterator

import numpy as np

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, at_most
from winnow.audit.recompute.kept_negatives import shown_and_kept
from winnow.audit.recompute.request_sample import one_in_so_many, requests_note
from winnow.audit.statistics import kept_of

NEGATIVE_KEEP_P = at_most(
    "negative_keep_p",
    TABLES,
    "-log10 p",
    "how unlikely the kept number of ranking_samples without a click is under negative_keep",
    warn=4.0,
)
NEGATIVE_KEEP_BIAS = at_most(
    "negative_keep_bias",
    TABLES,
    "share",
    "kept ranking_samples without a click off their expected number, where p is below 1e-9",
    warn=None,
    fail=0.02,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure what was kept, where some rows go."""
    if "ranking_samples" in evidence.staged and evidence.config.ranking.negative_keep is not None:
        yield Measurement(
            [NEGATIVE_KEEP_P.promised(), NEGATIVE_KEEP_BIAS.promised()],
            lambda: kept_share(evidence),
        )


def kept_share(evidence: Evidence) -> list[Figure]:
    """Compare how many rows stayed with how many the log lets expect."""
    keep = evidence.config.ranking.negative_keep or 1.0
    n_shown, limits = evidence.counts["impressions"].valid, evidence.scratch.limits
    one_in = one_in_so_many(n_shown, limits)
    shown, kept = shown_and_kept(evidence, one_in)
    found = kept_of(float(kept), np.array([float(shown)]), np.array([keep]))
    detail = f"{kept:,} of {shown:,} rows without a click kept, {shown * keep:,.1f} expected"
    note = requests_note(one_in)
    detail = f"{detail}, {note}" if note else detail
    bias = found.bias if shown else 0.0
    return [NEGATIVE_KEEP_P.figure(found.p, detail=detail), NEGATIVE_KEEP_BIAS.figure(bias)]

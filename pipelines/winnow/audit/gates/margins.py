"""The margin between hard negatives and their positive, by the ranking log's own scores."""

from collections.abc import Iterator

from winnow.audit.evidence import Evidence
from winnow.audit.gate import HARD, Figure, Measurement, none_of
from winnow.audit.recompute.margins import near_negatives, small_chances, stages_with_margins
from winnow.audit.recompute.request_sample import one_in_so_many, requests_note
from winnow.audit.recompute.staged_rows import can_have_hard, hard_of

HARD_WITHIN_MARGIN = none_of(
    "hard_within_margin",
    HARD,
    "hard negatives that scored within the margin of their positive at their stage, or better, by "
    "the ranking log",
)
HARD_POOL_BEYOND_MARGIN = none_of(
    "hard_candidates_beyond_margin",
    HARD,
    "hard negatives whose incl_prob tells of more candidates than the ranking log has beyond the "
    "margin",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the margins, where any was asked for."""
    if can_have_hard(evidence) and stages_with_margins(evidence.config):
        promised = [HARD_WITHIN_MARGIN.promised()]
        if "hard_negatives" in evidence.staged:
            promised.append(HARD_POOL_BEYOND_MARGIN.promised())
        yield Measurement(promised, lambda: margin_figures(evidence))


def margin_figures(evidence: Evidence) -> list[Figure]:
    """Compare scores: all hard negatives of a request, or none; of many requests some."""
    hard = hard_of(evidence.staged, evidence.config)
    if hard is None:
        return []
    one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
    note = requests_note(one_in)
    figures = [HARD_WITHIN_MARGIN.figure(near_negatives(evidence, hard, one_in), detail=note)]
    if "incl_prob" in hard.columns:
        wide = small_chances(evidence, hard, one_in)
        figures.append(HARD_POOL_BEYOND_MARGIN.figure(wide, detail=note))
    return figures

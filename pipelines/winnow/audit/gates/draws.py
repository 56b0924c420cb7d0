"""Easy negatives: forbidden ones, wrong probabilities, and whether the draws follow theirs."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EASY, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.date_sources import date_drawable
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import (
    DrawFigures,
)
from winnow.audit.recompute.expected_draws import expected_draws, expected_of_untouched
from winnow.audit.recompute.forbidden import date_draws
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.audit.recompute.untouched import NONE_UNTOUCHED, Untouched, in_pools
from winnow.audit.statistics import chi_square, occupancy
from winnow.config.tree import Config

SHOWN_NEGATIVES = none_of(
    "shown_negatives",
    EASY,
    "negatives that their user was shown in the exclusion window, of any source but "
    "negative_feedback",
)
CLICKED_NEGATIVES = none_of(
    "clicked_negatives",
    EASY,
    "negatives, easy or hard, that their user clicked in the exclusion window",
)
INELIGIBLE_NEGATIVES = none_of(
    "ineligible_negatives",
    EASY,
    "negatives, easy or hard, that are not in the catalogue of the date",
)
LOG_Q_INVALID = none_of(
    "log_q_invalid",
    EASY,
    "easy draws without a finite log_q of at most 0, or hard negatives with one",
)
LOG_Q_DIFFERS = none_of(
    "log_q_differs",
    EASY,
    "easy draws whose log_q is not the probability, given the user's forbidden set as the logs "
    "hold it",
)
DRAWN_OUTSIDE = none_of(
    "drawn_outside_group",
    EASY,
    "draws of an item that is not in the group of the catalogue that their positive draws from",
)
MIXTURE_DIFFERS = none_of(
    "mixture_log_q_differs",
    EASY,
    "draws whose mixture_log_q is not the probability over all sources of their positive; told "
    "where training_samples is written, which has them together",
)
RECALLED_NEGATIVES = none_of(
    "recalled_negatives",
    EASY,
    "draws of sources with not_recalled that the ranking log has of their request, or of whose "
    "request it has nothing",
)
REPEATED_DRAWS = none_of(
    "repeated_draws",
    EASY,
    "draws of sources with distinct of an item that their positive has of the source already, or "
    "of the source whose missing negatives they fill",
)
EASY_DRAWS_P = at_most(
    "easy_draws_p",
    EASY,
    "-log10 p",
    "how unlikely the drawn items are under their exact probabilities (chi-square)",
    warn=4.0,
)
EASY_DRAWS_BIAS = at_most(
    "easy_draws_bias",
    EASY,
    "share",
    "largest total variation between drawn and expected items that the chi-square beyond chance "
    "allows, where p is below 1e-9",
    warn=None,
    fail=0.01,
)
COVERAGE_P = at_most(
    "coverage_p",
    EASY,
    "-log10 p",
    "how unlikely the number of different items drawn is",
    warn=4.0,
)
COVERAGE_BIAS = at_most(
    "coverage_bias",
    EASY,
    "share",
    "different items drawn off their expected number, where p is below 1e-9",
    warn=None,
    fail=0.02,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the negatives."""
    negatives = negatives_of(evidence.staged, evidence.config)
    if negatives is None:
        return
    mixed = "neg_mixture_log_q" in negatives.columns
    yield Measurement(
        [
            SHOWN_NEGATIVES.promised(),
            CLICKED_NEGATIVES.promised(),
            INELIGIBLE_NEGATIVES.promised(),
            LOG_Q_INVALID.promised(),
            LOG_Q_DIFFERS.promised(),
            DRAWN_OUTSIDE.promised(),
            *([MIXTURE_DIFFERS.promised()] if mixed else []),
            *([RECALLED_NEGATIVES.promised()] if evidence.config.negatives.not_recalled else []),
            *([REPEATED_DRAWS.promised()] if evidence.config.negatives.distinct else []),
        ],
        lambda: easy_figures(
            date_draws(evidence),
            date_drawable(evidence),
            evidence.config,
            mixed=mixed,
            untouched=date_items(evidence).untouched,
            pools=date_items(evidence).drawn_pools,
        ),
    )


def easy_figures(
    draws: DrawFigures,
    drawable: Drawable,
    config: Config,
    *,
    mixed: bool,
    untouched: Untouched = NONE_UNTOUCHED,
    pools: NDArray[np.int64] | None = None,
) -> list[Figure]:
    """Return what the pass over all negatives says, as figures.

    Drawn items are compared with their exact expectation per source; items that are forbidden to
    many users are expected, and drawn, less often than their weight says.

    Args:
        draws: What the pass said. drawable: What may be drawn. config: The sources.
        mixed: Whether ``mixture_log_q`` was compared.
        untouched: Items of the catalogue that are not in ``drawable``, of which none was drawn.
        pools: The pool of each item of ``drawable``, where there are some of these.
    """
    figures = [
        SHOWN_NEGATIVES.figure(draws.shown),
        CLICKED_NEGATIVES.figure(draws.clicked),
        INELIGIBLE_NEGATIVES.figure(draws.ineligible),
        LOG_Q_INVALID.figure(draws.invalid),
        LOG_Q_DIFFERS.figure(draws.differing),
        DRAWN_OUTSIDE.figure(draws.outside),
    ]
    if mixed:
        figures.append(MIXTURE_DIFFERS.figure(draws.mixing))
    if config.negatives.not_recalled:
        figures.append(RECALLED_NEGATIVES.figure(draws.recalled))
    if config.negatives.distinct:
        figures.append(REPEATED_DRAWS.figure(draws.repeated))
    expected = expected_draws(drawable, draws.total, draws.blocked + draws.spent)
    likely = expected_draws(drawable, draws.total, draws.blocked)
    names = [source.name for source in config.negatives.drawn]
    of_untouched = expected_of_untouched(drawable, draws.total, untouched.weight)
    per_source = zip(
        names,
        *map(drawable.of_source, (draws.drawn, expected, likely)),
        of_untouched,
        strict=True,
    )
    for name, drawn, wanted, before, beside in per_source:
        if drawn.sum() == 0:
            continue
        cells = drawn, wanted, before
        if pools is not None and beside.any():
            # A source that gives what is untouched gives any item: its slots are the items.
            cells = in_pools(*cells, pools, beside, untouched)
        surprise = chi_square(*cells)
        detail = f"{drawn.sum():,.0f} draws, {surprise.cells:,} cells, size {surprise.size:.5f}"
        figures += [
            EASY_DRAWS_P.figure(surprise.p, name, detail=detail),
            EASY_DRAWS_BIAS.figure(surprise.bias, name),
        ]
    # Items that are drawn once at most come more evenly than chance alone would have it.
    alike = drawable.slots_of(drawable.distinct == 0)
    drawn, wanted = (drawable.by_item(np.where(alike, n, 0.0)) for n in (draws.drawn, expected))
    if drawn.sum() > 0:
        seen = float((drawn > 0).sum())
        each = np.append(np.ones(len(drawn)), untouched.n).astype(np.float64)
        beside = np.zeros(len(untouched.n))
        for s in np.flatnonzero(drawable.distinct == 0):
            beside = beside + of_untouched[s]
        every = np.append(wanted, beside)
        surprise = occupancy(seen, every, each)
        usual = float(((1 - np.exp(-every)) * each).sum())
        detail = f"{seen:,.0f} of {each.sum():,.0f} items, {usual:,.1f} expected"
        figures += [
            COVERAGE_P.figure(surprise.p, detail=detail),
            COVERAGE_BIAS.figure(surprise.bias),
        ]
    return figures

"""Where hard negatives come from, how likely easy ones were, and what was missing."""

import math
from collections.abc import Mapping, Sequence

from winnow.audit.record import Funnel, HardOrigin, Histogram
from winnow.config.sources import NEGATIVE_FEEDBACK
from winnow.report.drawing.area_charts import Heat, columns, heat_map
from winnow.report.drawing.chart import Caption
from winnow.report.drawing.row_charts import Row, named_bars
from winnow.report.numbers import plain, ratio, share
from winnow.report.parts import Section

TENTHS = range(10)


def hard_section(origins: Sequence[HardOrigin], funnel: Funnel | None) -> Section:
    """Return hard negatives by the stage and the part of its list that they come from."""
    key, title, short = "hard", "Where hard negatives come from", "Hard"
    total = sum(origin.rows for origin in origins)
    if not total:
        # They are counted in the table hard_negatives, which need not be written.
        there = funnel is not None and funnel.hard > 0
        none = "Where they come from was not counted." if there else "The release has none."
        return Section(key, title, short, empty=none)
    by_stage = rows_by_stage(origins)
    rejected = sum(origin.rows for origin in origins if origin.source == NEGATIVE_FEEDBACK)
    unplaced = sum(origin.rows for origin in origins if origin.band is None) - rejected
    rows = [
        Heat(
            (stage, *(plain(n) for n in counts), plain(sum(counts))),
            f"{stage}: {plain(sum(counts))} ({share(sum(counts) / total)})",
            [(n, _cell(n, total), _hint(tenth, n, total)) for tenth, n in enumerate(counts)],
        )
        for stage, counts in by_stage.items()
    ]
    if not rows:
        words = f"All {plain(total)} hard negatives are items that their users rejected."
        return Section(key, title, short, empty=words)
    stage, counts = max(by_stage.items(), key=lambda pair: max(pair[1]))
    tenth = counts.index(max(counts))
    finding = (
        f"{plain(total - rejected)} hard negatives come from {len(by_stage)} "
        f"{'stage' if len(by_stage) == 1 else 'stages'}."
    )
    if max(counts):
        finding += (
            f" Most come from {stage}, {_tenth_in_words(tenth)} of its list: "
            f"{plain(max(counts))} ({share(max(counts) / total)})."
        )
    if unplaced:
        finding += f" Of {plain(unplaced)} the log does not tell the place in the list."
    if rejected:
        finding += f" {plain(rejected)} more are items that their users rejected, of no stage."
    heads = [str(tenth + 1) for tenth in TENTHS]
    caption = Caption(
        key="chart-hard",
        title="Hard negatives by stage and place in its list, in per cent of all",
        finding=finding,
        head=("stage", *(f"tenth {head}" for head in heads), "all"),
        legend=(
            ("heat1", "few"),
            ("heat4", "many"),
            ("", "columns: tenths of the stage's list, 1 is what it ranked best"),
        ),
        wide=True,
    )
    intro = (
        "Hard negatives are candidates of the same request, or of another one of the user where "
        "that is asked for, that a ranking stage cut or ranked low, and that the user was not "
        "shown. Candidates near the top of a list are harder, and more of them would have been "
        "clicked if they had been shown."
    )
    return Section(key, title, short, intro, (heat_map(caption, heads, rows),))


def rows_by_stage(origins: Sequence[HardOrigin]) -> dict[str, list[int]]:
    """Return ten counts per stage, easiest stage first: one per tenth of its list.

    Rows whose place in the list is not known are not counted; those that no stage gave have none.
    """
    found: dict[str, list[int]] = {}
    for origin in sorted(origins, key=lambda origin: (origin.hardness, origin.stage)):
        if origin.source == NEGATIVE_FEEDBACK:
            continue
        place = f"{origin.stage} ({origin.source}, hardness {origin.hardness})"
        counts = found.setdefault(place, [0] * len(TENTHS))
        if origin.band is not None:
            counts[min(max(origin.band, 0), len(TENTHS) - 1)] += origin.rows
    return found


def _cell(rows: int, total: int) -> str:
    percent = 100 * rows / total
    return "·" if not rows else "<1" if percent < 1 else f"{percent:.0f}"


def _hint(tenth: int, rows: int, total: int) -> str:
    return f"tenth {tenth + 1}: {plain(rows)} rows, {share(rows / total)} of all"


def _tenth_in_words(tenth: int) -> str:
    names = {0: "the best tenth", len(TENTHS) - 1: "the last tenth"}
    return names.get(tenth, f"tenth {tenth + 1}")


def log_q_section(histogram: Histogram | None) -> Section:
    """Return the easy draws by the probability that each declares."""
    key, title, short = "log-q", "How probable the easy negatives were", "log_q"
    total = sum(histogram.counts) if histogram else 0
    if histogram is None or not total:
        return Section(key, title, short, empty="There is no easy negative with a log_q.")
    histogram = _without_empty_ends(histogram)
    edges, counts = histogram.edges, histogram.counts
    middle = _quantile(histogram, total, 0.5)
    low, high = _quantile(histogram, total, 0.05), _quantile(histogram, total, 0.95)
    finding = (
        f"Half of the {plain(total)} easy negatives have a log_q below {plain(middle)}, "
        f"that is a chance of {_one_in(middle)} for each draw. Nine of ten lie between "
        f"{plain(low)} ({_one_in(low)}) and {plain(high)} ({_one_in(high)})."
    )
    rows = [
        Row(
            (plain(a), plain(b), _one_in((a + b) / 2), plain(n), share(n / total)),
            float(n),
            plain(n),
            f"log_q {plain(a)} to {plain(b)}: {plain(n)} ({share(n / total)})",
        )
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    ticks = [
        (100 * place / len(counts), plain(edges[place]))
        for place in sorted({round(len(counts) * part / 4) for part in range(5)})
    ]
    caption = Caption(
        key="chart-log-q",
        title="Easy negatives by log_q, the natural log of the chance of a draw",
        finding=finding,
        head=("log_q from", "to", "chance", "easy negatives", "share"),
        wide=True,
    )
    intro = (
        "A trainer subtracts log_q from the score of each easy negative. At the right are popular "
        "items that are drawn often, at the left rare ones."
    )
    return Section(key, title, short, intro, (columns(caption, rows, ticks),))


def _without_empty_ends(histogram: Histogram) -> Histogram:
    """Return the columns from the first to the last with rows, and one empty one beside them."""
    filled = [place for place, count in enumerate(histogram.counts) if count]
    first, last = max(0, filled[0] - 1), min(len(histogram.counts), filled[-1] + 2)
    return Histogram(edges=histogram.edges[first : last + 1], counts=histogram.counts[first:last])


def _quantile(histogram: Histogram, total: int, part: float) -> float:
    """Return where a part of the rows lies below, even within each column."""
    before = 0.0
    for low, high, count in zip(
        histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True
    ):
        if count and before + count >= part * total:
            return low + (high - low) * (part * total - before) / count
        before += count
    return histogram.edges[-1]


def _one_in(log_q: float) -> str:
    return f"1 in {plain(float(f'{math.exp(min(-log_q, 700)):.2g}'))}"


def shortfall_section(reasons: Mapping[str, int], funnel: Funnel | None) -> Section:
    """Return the negatives that were missing, by reason."""
    key, title, short = "shortfall", "What was missing", "Shortfall"
    known = sorted(((n, reason) for reason, n in reasons.items() if n), reverse=True)
    if not known:
        none = "No negative was missing." if funnel else "The audit stopped before it counted them."
        return Section(key, title, short, empty=none)
    total, (most, reason) = sum(n for n, _ in known), known[0]
    finding = (
        f"{plain(total)} negatives could not be had as asked. The most frequent reason is "
        f"{reason}: {plain(most)} ({share(most / total)})."
    )
    if funnel:
        finding += (
            f" {plain(funnel.fill)} were filled in with easy ones and {plain(funnel.shortfall)} "
            f"are missing, {share(ratio(funnel.shortfall, funnel.requested))} of those asked for."
        )
    rows = [
        Row(
            (name, plain(n), share(n / total)),
            n,
            f"{plain(n)} ({share(n / total)})",
            f"{plain(n)} rows",
        )
        for n, name in known
    ]
    caption = Caption(
        key="chart-shortfall",
        title="Negatives that could not be had, by reason",
        finding=finding,
        head=("reason", "negatives", "share"),
        total=("all", plain(total), share(1.0)),
    )
    intro = "Where candidates ran out, the release says why; nothing is filled with repeats."
    return Section(key, title, short, intro, (named_bars(caption, rows),))

"""How far exclusion keeps hot items from being negatives: users were shown them already."""

from collections.abc import Sequence

from winnow.audit.record import PopularityBand, TopItem
from winnow.report.drawing.area_charts import by_rank
from winnow.report.drawing.chart import Caption, Chart
from winnow.report.drawing.row_charts import Dot, dots
from winnow.report.drawing.scales import by_factors, even
from winnow.report.numbers import NOTHING, aligned, plain, ratio
from winnow.report.parts import Section
from winnow.report.sections.popularity import NO_BANDS, band_name

Counted = PopularityBand | TopItem

_OF_WEIGHTS = ("name", "clicks before", "weight q", "drawn", "drawn / q", "declared / q")


def exclusion_section(bands: Sequence[PopularityBand], items: Sequence[TopItem]) -> Section:
    """Return draws against weights, and negatives per positive, by band and by hot item."""
    key, title, short = "exclusion", "How far exclusion starves hot items", "Exclusion"
    drawn = sum(band.drawn for band in bands)
    if not bands or not drawn:
        return Section(
            key, title, short, empty=NO_BANDS if not bands else "No easy negative was drawn."
        )
    expected = sum(band.expected for band in bands)
    charts = [_weights_chart(bands, drawn, expected), _balance_chart(bands)]
    if items:
        charts += [_item_weights_chart(items, drawn, expected), _item_balance_chart(items)]
    intro = (
        "An item that a user was shown is never a negative for that user. Hot items are shown to "
        "many, so they are drawn less often than their weight alone says. That is intended and "
        "the declared probabilities know of it; but an item that is often a positive and seldom "
        "a negative is one that a model learns to score too high."
    )
    facts = () if items else ("The audit kept no figures of single items.",)
    return Section(key, title, short, intro, charts, facts=facts)


def _weights_chart(bands: Sequence[PopularityBand], drawn: int, expected: float) -> Chart:
    rows = [
        _weights_row(
            band,
            band_name(band.band, len(bands)),
            drawn,
            expected,
            f"{plain(band.drawn)} drawn, weight q = {plain(band.q)}",
        )
        for band in bands
    ]
    # What is declared is free of chance, so it says what exclusion does; drawn follows it.
    known = [(row.mark, band.band) for row, band in zip(rows, bands, strict=True) if row.mark]
    finding = "No band from which a draw is expected has a weight."
    if known:
        (least, band), (most, other) = min(known), max(known)
        finding = (
            f"Exclusion leaves band {band} {aligned(least)} times the easy negatives that its "
            f"weight alone would give, the fewest of all; band {other} gets {aligned(most)} "
            "times, the most."
        )
        if aligned(least) == aligned(most):
            finding = f"Exclusion changes little: every band gets {aligned(most)} times its weight."
    caption = Caption(
        key="chart-starving",
        title="Share of draws / share of weights, by band",
        finding=finding,
        head=_OF_WEIGHTS,
        legend=(
            ("dot", "drawn"),
            ("mark", "declared: with every user's exclusions"),
            ("reference", "1: as without exclusion"),
        ),
    )
    return dots(caption, rows, even([1.0, *_places(rows)]), reference=1)


def _balance_chart(bands: Sequence[PopularityBand]) -> Chart:
    rows = [
        _balance_row(
            band,
            (band_name(band.band, len(bands)),),
            f"{plain(band.drawn)} negatives, {plain(band.kept)} positives",
        )
        for band in bands
    ]
    known = [(row.value, band.band) for row, band in zip(rows, bands, strict=True) if row.value]
    finding = "No band has both positives and easy negatives."
    if known:
        (least, band), (most, other) = min(known), max(known)
        finding = (
            f"In band {band} there are {aligned(least)} easy negatives for each kept positive, the "
            f"fewest of all; in band {other} there are {aligned(most)}, the most."
        )
    none = sum(1 for band in bands if not band.kept)
    if none:
        finding += f" {none} of {len(bands)} bands have no positive."
    caption = Caption(
        key="chart-balance",
        title="Easy negatives per kept positive, by band",
        finding=finding,
        head=("band", "easy negatives", "kept positives", "negatives per positive"),
        legend=_balance_legend("negatives per positive"),
    )
    return dots(caption, rows, by_factors([1.0, *_places(rows)]), reference=1)


def _item_weights_chart(items: Sequence[TopItem], drawn: int, expected: float) -> Chart:
    rows = [
        _weights_row(
            item,
            item.item_id,
            drawn,
            expected,
            f"item {item.item_id}, rank {item.rank}: "
            f"{aligned(_to_weight(item.drawn, drawn, item.q))} ({plain(item.drawn)} drawn)",
        )
        for item in items
    ]
    known = [(row.mark, item) for row, item in zip(rows, items, strict=True) if row.mark]
    finding = "No draw of these items is expected."
    if known:
        least, item = min(known, key=lambda pair: pair[0])
        finding = (
            f"The most starved is item {item.item_id} (rank {item.rank}): exclusion leaves it "
            f"{aligned(least)} of the draws that its weight alone would give."
        )
    caption = Caption(
        key="chart-starving-items",
        title=f"Share of draws / share of weights, the {len(items)} most clicked items",
        finding=finding,
        head=_OF_WEIGHTS,
        legend=(
            ("dot", "drawn"),
            ("expected", "declared"),
            ("reference", "1: as without exclusion"),
        ),
    )
    return by_rank(caption, rows, even([0.0, 1.0, *_places(rows)]))


def _item_balance_chart(items: Sequence[TopItem]) -> Chart:
    values = [ratio(item.drawn, item.kept) for item in items]
    fewer = sum(1 for value in values if value is not None and value < 1)
    none = sum(1 for value in values if value is None)
    finding = f"Items that are a positive more often than an easy negative: {fewer or 'none'}."
    if none:
        finding += f" Items without a kept positive, which are not drawn here: {none}."
    rows = [
        _balance_row(
            item,
            (item.item_id, plain(item.rank)),
            f"item {item.item_id}, rank {item.rank}: {plain(item.drawn)} negatives, "
            f"{plain(item.kept)} positives",
        )
        for item in items
    ]
    caption = Caption(
        key="chart-balance-items",
        title=f"Easy negatives per kept positive, the {len(items)} most clicked items",
        finding=finding,
        head=("item", "rank", "easy negatives", "kept positives", "negatives per positive"),
        legend=_balance_legend("one item"),
    )
    return by_rank(caption, rows, by_factors([1.0, *_places(rows)]))


def _weights_row(row: Counted, name: str, drawn: int, expected: float, hint: str) -> Dot:
    """Return what was drawn and what is declared, each against the weight."""
    found, declared = _to_weight(row.drawn, drawn, row.q), _to_weight(row.expected, expected, row.q)
    weight = plain(row.q) if row.q else NOTHING
    figures = (plain(row.clicks), weight, plain(row.drawn), aligned(found), aligned(declared))
    return Dot((name, *figures), found, aligned(found), hint, mark=declared)


def _balance_row(row: Counted, name: tuple[str, ...], hint: str) -> Dot:
    """Return the easy negatives for each kept positive; what has none of one is not drawn."""
    value = ratio(row.drawn, row.kept)
    text = aligned(value) if value is not None else "no positive"
    cells = (*name, plain(row.drawn), plain(row.kept), aligned(value))
    return Dot(cells, value or None, text, hint)


def _balance_legend(dot: str) -> tuple[tuple[str, str], ...]:
    return (
        ("dot", f"{dot}; each line is a power of ten"),
        ("reference", "1: as often one as the other"),
    )


def _places(rows: Sequence[Dot]) -> list[float]:
    """Return where dots and marks are, for a scale that has room for all."""
    return [place for row in rows for place in (row.value, row.mark) if place is not None]


def _to_weight(count: float, of: float, q: float) -> float | None:
    """Return the share of draws over the share of weights; None where one is not defined."""
    return count / of / q if of and q else None

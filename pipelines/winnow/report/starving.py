"""How far exclusion keeps hot items from being negatives: users were shown them already."""

from collections.abc import Sequence

from winnow.audit.record import PopularityBand, TopItem
from winnow.report.charts import Dot, dots
from winnow.report.numbers import NOTHING, aligned, plain, ratio
from winnow.report.pictures import by_rank
from winnow.report.popularity import NO_BANDS, band_name
from winnow.report.scales import by_factors, even
from winnow.report.sections import Chart, Section, Table

Counted = PopularityBand | TopItem


def starving_section(bands: Sequence[PopularityBand], items: Sequence[TopItem]) -> Section:
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
    key, name = "chart-starving", "Share of draws / share of weights, by band"
    found = [_to_weight(band.drawn, drawn, band.q) for band in bands]
    declared = [_to_weight(band.expected, expected, band.q) for band in bands]
    # What is declared is free of chance, so it says what exclusion does; drawn follows it.
    known = [(value, band.band) for value, band in zip(declared, bands, strict=True) if value]
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
    rows = [
        Dot(
            band_name(band.band, len(bands)),
            value,
            aligned(value),
            mark=mark,
            hint=f"{plain(band.drawn)} drawn, weight q = {plain(band.q)}",
        )
        for band, value, mark in zip(bands, found, declared, strict=True)
    ]
    scale = even([1.0, *(x for x in (*found, *declared) if x is not None)])
    return Chart(
        key,
        name,
        finding,
        dots(key, name, finding, rows, scale, reference=1),
        _table(bands, [band_name(band.band, len(bands)) for band in bands], drawn, expected),
        (
            ("dot", "drawn"),
            ("mark", "declared: with every user's exclusions"),
            ("reference", "1: as without exclusion"),
        ),
    )


def _balance_chart(bands: Sequence[PopularityBand]) -> Chart:
    key, name = "chart-balance", "Easy negatives per kept positive, by band"
    values = [ratio(band.drawn, band.kept) for band in bands]
    known = [(value, band.band) for value, band in zip(values, bands, strict=True) if value]
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
    rows = [
        Dot(
            band_name(band.band, len(bands)),
            value or None,
            aligned(value) if value is not None else "no positive",
            hint=f"{plain(band.drawn)} negatives, {plain(band.kept)} positives",
        )
        for band, value in zip(bands, values, strict=True)
    ]
    scale = by_factors([1.0, *(value for value in values if value)])
    table = Table(
        ("band", "easy negatives", "kept positives", "negatives per positive"),
        tuple(
            (
                band_name(band.band, len(bands)),
                plain(band.drawn),
                plain(band.kept),
                aligned(value),
            )
            for band, value in zip(bands, values, strict=True)
        ),
    )
    picture = dots(key, name, finding, rows, scale, reference=1)
    legend = (
        ("dot", "negatives per positive; each line is a power of ten"),
        ("reference", "1: as often one as the other"),
    )
    return Chart(key, name, finding, picture, table, legend)


def _item_weights_chart(items: Sequence[TopItem], drawn: int, expected: float) -> Chart:
    key = "chart-starving-items"
    name = f"Share of draws / share of weights, the {len(items)} most clicked items"
    found = [_to_weight(item.drawn, drawn, item.q) for item in items]
    declared = [_to_weight(item.expected, expected, item.q) for item in items]
    known = [(value, item) for value, item in zip(declared, items, strict=True) if value]
    finding = "No draw of these items is expected."
    if known:
        least, item = min(known, key=lambda pair: pair[0])
        finding = (
            f"The most starved is item {item.item_id} (rank {item.rank}): exclusion leaves it "
            f"{aligned(least)} of the draws that its weight alone would give."
        )
    points = [
        (
            item.rank,
            value,
            mark,
            f"item {item.item_id}, rank {item.rank}: {aligned(value)} ({plain(item.drawn)} drawn)",
        )
        for item, value, mark in zip(items, found, declared, strict=True)
    ]
    scale = even([0.0, 1.0, *(x for x in (*found, *declared) if x is not None)])
    legend = (
        ("dot", "drawn"),
        ("expected", "declared"),
        ("reference", "1: as without exclusion"),
    )
    table = _table(items, [item.item_id for item in items], drawn, expected)
    return Chart(key, name, finding, by_rank(key, name, finding, points, scale), table, legend)


def _item_balance_chart(items: Sequence[TopItem]) -> Chart:
    key = "chart-balance-items"
    name = f"Easy negatives per kept positive, the {len(items)} most clicked items"
    values = [ratio(item.drawn, item.kept) for item in items]
    fewer = sum(1 for value in values if value is not None and value < 1)
    none = sum(1 for value in values if value is None)
    finding = f"Items that are a positive more often than an easy negative: {fewer or 'none'}."
    if none:
        finding += f" Items without a kept positive, which are not drawn here: {none}."
    points = [
        (
            item.rank,
            value or None,
            None,
            f"item {item.item_id}, rank {item.rank}: {plain(item.drawn)} negatives, "
            f"{plain(item.kept)} positives",
        )
        for item, value in zip(items, values, strict=True)
    ]
    scale = by_factors([1.0, *(value for value in values if value)])
    table = Table(
        ("item", "rank", "easy negatives", "kept positives", "negatives per positive"),
        tuple(
            (item.item_id, plain(item.rank), plain(item.drawn), plain(item.kept), aligned(value))
            for item, value in zip(items, values, strict=True)
        ),
    )
    legend = (
        ("dot", "one item; each line is a power of ten"),
        ("reference", "1: as often one as the other"),
    )
    return Chart(key, name, finding, by_rank(key, name, finding, points, scale), table, legend)


def _to_weight(count: float, of: float, q: float) -> float | None:
    """Return the share of draws over the share of weights; None where one is not defined."""
    return count / of / q if of and q else None


def _table(rows: Sequence[Counted], names: Sequence[str], drawn: int, expected: float) -> Table:
    return Table(
        ("name", "clicks before", "weight q", "drawn", "drawn / q", "declared / q"),
        tuple(
            (
                name,
                plain(row.clicks),
                plain(row.q) if row.q else NOTHING,
                plain(row.drawn),
                aligned(_to_weight(row.drawn, drawn, row.q)),
                aligned(_to_weight(row.expected, expected, row.q)),
            )
            for name, row in zip(names, rows, strict=True)
        ),
    )

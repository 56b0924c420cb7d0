"""Bands of popularity, and what down-sampling did to their positives."""

from collections.abc import Sequence

from winnow.audit.record import PopularityBand
from winnow.report.drawing.chart import Caption, Chart
from winnow.report.drawing.row_charts import Bar, Dot, bars, dots
from winnow.report.drawing.scales import even
from winnow.report.numbers import plain, ratio, share
from winnow.report.parts import Section

NO_BANDS = "The audit did not count by popularity, so there is nothing to draw."


def band_name(band: int, last: int) -> str:
    """Return the label of a band; the ends say which of them is the popular one."""
    return f"{band} hot" if band == 1 else f"{band} cold" if band == last else str(band)


def thinning_section(bands: Sequence[PopularityBand]) -> Section:
    """Return the positives of each band before and after down-sampling."""
    key, title, short = "popularity", "Popularity before and after down-sampling", "Popularity"
    clicked = sum(band.candidates for band in bands)
    if not bands or not clicked:
        return Section(
            key, title, short, empty=NO_BANDS if not bands else "No item was clicked on this date."
        )
    kept, hot = sum(band.kept for band in bands), bands[0]
    finding = (
        f"The hottest tenth of the items had {share(ratio(hot.candidates, clicked))} of the "
        f"clicked positives and has {share(ratio(hot.kept, kept))} of the kept ones: "
        f"{plain(hot.kept)} of {plain(hot.candidates)} stayed. "
        f"Over all bands {plain(kept)} of {plain(clicked)} stayed ({share(ratio(kept, clicked))})."
    )
    rows = [
        Bar(
            (
                band_name(band.band, len(bands)),
                plain(band.items),
                plain(band.clicks),
                plain(band.candidates),
                plain(band.kept),
                share(ratio(band.kept, band.candidates)),
            ),
            band.kept,
            share(ratio(band.kept, band.candidates)),
            f"{plain(band.kept)} kept of {plain(band.candidates)} clicked",
            whole=band.candidates,
        )
        for band in bands
    ]
    caption = Caption(
        key="chart-thinning",
        title="Positives per band: clicked and kept",
        finding=finding,
        head=("band", "items", "clicks before", "clicked", "kept", "kept share"),
        total=(
            "all",
            plain(sum(band.items for band in bands)),
            plain(sum(band.clicks for band in bands)),
            plain(clicked),
            plain(kept),
            share(ratio(kept, clicked)),
        ),
        legend=(
            ("outline", "clicked: before down-sampling"),
            ("c1", "kept: after it; the figure is their share"),
        ),
    )
    intro = (
        "The catalogue is cut into bands of equally many items, the most clicked in band 1. "
        "Down-sampling thins the positives of hot items, so that they do not drown the others."
    )
    facts: tuple[str, ...] = ()
    if not any(band.clicks for band in bands):
        facts = (
            "No item has a click in the popularity window: all are equally popular, and the bands "
            "are in the order of the item ids.",
        )
    charts = (bars(caption, rows), _shares_chart(bands, clicked, kept))
    return Section(key, title, short, intro, charts, facts=facts)


def _shares_chart(bands: Sequence[PopularityBand], clicked: int, kept: int) -> Chart:
    """Return how the positives are spread over the bands, before and after."""
    pairs = [(ratio(band.candidates, clicked), ratio(band.kept, kept)) for band in bands]
    top = max(1, len(bands) // 3)
    before, after = (
        ratio(sum(x), y)
        for x, y in (
            ([band.candidates for band in bands[:top]], clicked),
            ([band.kept for band in bands[:top]], kept),
        )
    )
    finding = (
        f"The {plain(top)} hottest of {plain(len(bands))} bands hold {share(before)} of the "
        f"positives before down-sampling and {share(after)} after it."
    )
    caption = Caption(
        key="chart-spread",
        title="Spread of the positives over the bands",
        finding=finding,
        head=("band", "share of clicked", "share of kept"),
        legend=(("mark", "before down-sampling"), ("dot", "after it; the figure")),
    )
    names = [band_name(band.band, len(bands)) for band in bands]
    hints = [f"{share(x)} before, {share(y)} after" for x, y in pairs]
    return moved_shares(caption, [(name,) for name in names], pairs, hints)


def moved_shares(
    caption: Caption,
    cells: Sequence[tuple[str, ...]],
    pairs: Sequence[tuple[float | None, float | None]],
    hints: Sequence[str],
) -> Chart:
    """Return how shares moved: a mark where each was, a dot where it is.

    Args:
        caption: What stands around it.
        cells: Name of each row, and what its table says behind the two shares.
        pairs: The share before and after; None is not drawn.
        hints: What is told on pointing at it.
    """
    rows = [
        Dot(
            (name, share(x), share(y), *more),
            None if y is None else 100 * y,
            share(y),
            hint,
            mark=None if x is None else 100 * x,
        )
        for (name, *more), (x, y), hint in zip(cells, pairs, hints, strict=True)
    ]
    scale = even([0.0, *(100 * x for pair in pairs for x in pair if x is not None)])
    return dots(caption, rows, scale, unit=" %")

"""The easy negatives of each band of popularity, against what their probabilities declare."""

import math
from collections.abc import Sequence

from winnow.audit.record import PopularityBand
from winnow.report.drawing.chart import Caption, Chart
from winnow.report.drawing.row_charts import Bar, Dot, bars, dots
from winnow.report.drawing.scales import even
from winnow.report.numbers import NOTHING, plain, ratio, share, signed_share
from winnow.report.parts import Section
from winnow.report.sections.popularity import NO_BANDS, band_name

# By chance 999 of 1,000 bands lie within this many standard errors, the root of what is expected.
# That is a little wide for a band with much of the draws: the picture shows, the gates judge.
_CHANCE = 3.29


def draws_section(bands: Sequence[PopularityBand]) -> Section:
    """Return the easy draws of each band against what its probabilities declare."""
    key, title, short = "easy", "Easy negatives: drawn against declared", "Easy"
    drawn = sum(band.drawn for band in bands)
    if not bands or not drawn:
        return Section(
            key, title, short, empty=NO_BANDS if not bands else "No easy negative was drawn."
        )
    intro = (
        "Each easy negative declares the probability with which it was drawn. "
        "If the declared probabilities are true, each band gets about as many draws as they add "
        "up to. Only chance may lie between the two."
    )
    return Section(key, title, short, intro, (_amounts_chart(bands, drawn), _offs_chart(bands)))


def _amounts_chart(bands: Sequence[PopularityBand], drawn: int) -> Chart:
    most = max(bands, key=lambda band: band.drawn)
    finding = (
        f"{plain(drawn)} easy negatives were drawn. Band {most.band} gave the most: "
        f"{plain(most.drawn)} ({share(most.drawn / drawn)}), where "
        f"{plain(round(most.expected))} were expected."
    )
    rows = [
        Bar(
            (
                band_name(band.band, len(bands)),
                plain(band.drawn),
                plain(round(band.expected)),
                share(band.drawn / drawn),
            ),
            band.drawn,
            plain(band.drawn),
            f"{plain(band.drawn)} drawn, {plain(round(band.expected))} expected",
            whole=band.expected,
        )
        for band in bands
    ]
    expected = plain(round(sum(band.expected for band in bands)))
    caption = Caption(
        key="chart-amounts",
        title="Easy negatives per band, drawn and expected",
        finding=finding,
        head=("band", "drawn", "expected", "share of all draws"),
        total=("all", plain(drawn), expected, share(1.0)),
        legend=(("outline", "expected, as declared"), ("c1", "drawn; the figure")),
    )
    return bars(caption, rows)


def _offs_chart(bands: Sequence[PopularityBand]) -> Chart:
    pairs = [(band, _errors(band)) for band in bands]
    outside = [band for band, errors in pairs if errors is None or abs(errors) > _CHANCE]
    far, errors = max(pairs, key=lambda pair: math.inf if pair[1] is None else abs(pair[1]))
    finding = "Every band lies in the range that chance explains."
    if outside:
        names = ", ".join(str(band.band) for band in outside)
        finding = (
            f"{len(outside)} of {len(bands)} bands lie outside of the range that chance "
            f"explains: {names}."
        )
    finding += (
        f" Furthest off is band {far.band}: {plain(far.drawn)} drawn, "
        f"{plain(round(far.expected))} expected{_distance(far, errors)}."
    )
    offs = [_off(band.drawn, band.expected) for band in bands]
    widths = [_width(band.expected) for band in bands]
    most = max([abs(x) for x in (*offs, *widths) if x is not None], default=0.01)
    scale = even((-100 * most, 100 * most), intervals=4)
    rows = [
        Dot(
            (
                band_name(band.band, len(bands)),
                plain(band.drawn),
                plain(round(band.expected)),
                _difference(off),
                NOTHING if errors is None else _with_sign(errors),
            ),
            None if off is None else 100 * off,
            _difference(off),
            f"{plain(band.drawn)} drawn, {plain(round(band.expected))} expected",
            low=None if width is None else -100 * width,
            high=None if width is None else 100 * width,
        )
        for (band, errors), off, width in zip(pairs, offs, widths, strict=True)
    ]
    sums = sum(band.drawn for band in bands), sum(band.expected for band in bands)
    caption = Caption(
        key="chart-draws",
        title="How far off what is expected, by band",
        finding=finding,
        head=("band", "drawn", "expected", "difference", "standard errors"),
        total=("all", plain(sums[0]), plain(round(sums[1])), NOTHING, NOTHING),
        legend=(
            ("dot", "drawn, against expected; the figure"),
            ("range", "where chance puts 999 of 1,000 bands"),
            ("reference", "as expected"),
        ),
    )
    return dots(caption, rows, scale, reference=0, unit=" %")


def _off(drawn: int, expected: float) -> float | None:
    return ratio(drawn - expected, expected)


def _width(expected: float) -> float | None:
    return _CHANCE / math.sqrt(expected) if expected > 0 else None


def _errors(band: PopularityBand) -> float | None:
    """Return how many standard errors lie between drawn and expected; None if none may be drawn."""
    if band.expected > 0:
        return (band.drawn - band.expected) / math.sqrt(band.expected)
    return 0.0 if band.drawn == 0 else None


def _distance(band: PopularityBand, errors: float | None) -> str:
    off = _off(band.drawn, band.expected)
    if off is None or errors is None:
        return ""
    return f" ({signed_share(off)}, {abs(errors):.2f} standard errors)"


def _difference(off: float | None) -> str:
    return NOTHING if off is None else signed_share(off)


def _with_sign(errors: float) -> str:
    return f"{errors:+.2f}".replace("-", "\N{MINUS SIGN}")

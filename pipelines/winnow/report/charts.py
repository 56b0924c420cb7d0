"""Charts with one row per thing: bars, bars within bars, and dots with the range of chance."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from winnow.report.numbers import plain
from winnow.report.scales import Scale
from winnow.report.svg import across, box, drawing, tag, words

# Rows with short labels: the label, the plot and the figure side by side.
_LEFT, _RIGHT, _ROW = 17.0, 78.0, 27


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart.

    Attributes:
        label: What the row is.
        value: Length of the filled bar. whole: Length of the outline that it is a part of.
        text: The figure, written at the end of the row.
        kind: Class of the fill: c1 to c4, or hatch.
        hint: What is told on pointing at it.
    """

    label: str
    value: float
    text: str
    whole: float | None = None
    kind: str = "c1"
    hint: str | None = None


@dataclass(frozen=True)
class Dot:
    """One row of a dot chart.

    Attributes:
        label: What the row is.
        value: Place of the dot; None draws none.
        text: The figure, written at the end of the row.
        low, high: Ends of the range that chance explains.
        mark: Place of a second, upright mark to compare with.
        hint: What is told on pointing at it.
    """

    label: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    hint: str | None = None


def bars(key: str, title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Return bars with short labels beside them; an outline shows the whole of each."""
    longest = max((max(row.value, row.whole or 0.0) for row in rows), default=0.0) or 1.0
    width, parts = _RIGHT - _LEFT, list[str]()
    for number, row in enumerate(rows):
        y = number * _ROW + 4
        parts.append(words(0, y + 14, row.label))
        if row.whole is not None:
            parts.append(box(_LEFT, y, width * row.whole / longest, 19, "outline", row.hint))
        parts.append(box(_LEFT, y + 3, width * row.value / longest, 13, row.kind, row.hint))
        parts.append(words(100, y + 14, row.text, "value", "end"))
    return drawing(key, title, description, len(rows) * _ROW + 6, *parts)


def named_bars(key: str, title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Return bars with long labels: each label stands above its bar, so that both have room."""
    longest, height = max((row.value for row in rows), default=0.0) or 1.0, 42
    parts = list[str]()
    for number, row in enumerate(rows):
        y = number * height
        parts.append(words(0, y + 15, row.label))
        parts.append(words(100, y + 15, row.text, "value", "end"))
        parts.append(box(0, y + 22, 100, 11, "track"))
        parts.append(box(0, y + 22, 100 * row.value / longest, 11, row.kind, row.hint))
    return drawing(key, title, description, len(rows) * height, *parts)


def dots(
    key: str,
    title: str,
    description: str,
    rows: Sequence[Dot],
    scale: Scale,
    *,
    reference: float | None = None,
    unit: str = "",
) -> Markup:
    """Return dots on a common axis, with ticks below and a dashed line at ``reference``.

    ``unit`` is written after the figures of the ticks.
    """
    bottom = len(rows) * _ROW + 4
    parts = list[str]()
    for tick in scale.ticks:
        x = _place(scale, tick)
        parts.append(tag("line", x1=across(x), x2=across(x), y1=0, y2=bottom, class_="grid"))
        parts.append(words(x, bottom + 16, plain(tick) + unit, "tick", "middle"))
    if reference is not None:
        at = across(_place(scale, reference))
        parts.append(tag("line", x1=at, x2=at, y1=0, y2=bottom, class_="reference"))
    for number, row in enumerate(rows):
        parts.extend(_dot_row(row, number * _ROW + 15, scale))
    return drawing(key, title, description, bottom + 24, *parts)


def _dot_row(row: Dot, y: float, scale: Scale) -> list[Markup]:
    parts = [words(0, y + 4, row.label), words(100, y + 4, row.text, "value", "end")]
    if row.low is not None and row.high is not None:
        low, high = _place(scale, row.low), _place(scale, row.high)
        parts.append(box(low, y - 5, high - low, 10, "range", row.hint))
    if row.mark is not None:
        x = across(_place(scale, row.mark))
        parts.append(tag("line", x1=x, x2=x, y1=y - 9, y2=y + 9, class_="mark"))
    if row.value is not None:
        children = [tag("title", row.hint)] if row.hint else []
        x = across(_place(scale, row.value))
        parts.append(tag("circle", *children, cx=x, cy=y, r=5.0, class_="dot"))
    return parts


def _place(scale: Scale, value: float) -> float:
    return _LEFT + 2 + (_RIGHT - _LEFT - 4) * scale.at(value) / 100

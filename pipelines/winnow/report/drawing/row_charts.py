"""Charts with one row per thing: bars, bars within bars, and dots with the range of chance.

Each takes one list of rows and gives both of a chart: its drawing, and its table of figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from winnow.report.drawing.chart import Caption, Chart, chart
from winnow.report.drawing.scales import Scale
from winnow.report.drawing.svg import across, box, tag, words
from winnow.report.numbers import plain

# Rows with short labels: the label, the plot and the figure side by side.
_LEFT, _RIGHT, _ROW = 17.0, 78.0, 27


@dataclass(frozen=True)
class Row:
    """One row of a chart.

    Attributes:
        cells: Its row of the table; the first one is its label in the drawing, too.
        value: Length of the bar, place of the dot; None draws none.
        text: The figure, written at the end of the row.
        hint: What is told on pointing at it.
    """

    cells: tuple[str, ...]
    value: float | None
    text: str
    hint: str | None = None

    @property
    def label(self) -> str:
        """What the row is."""
        return self.cells[0]


@dataclass(frozen=True)
class Bar(Row):
    """One row of a bar chart.

    Attributes:
        whole: Length of the outline that the bar is a part of.
    """

    whole: float | None = None


@dataclass(frozen=True)
class Dot(Row):
    """One row of a dot chart.

    Attributes:
        low, high: Ends of the range that chance explains.
        mark: Place of a second, upright mark to compare with.
    """

    low: float | None = None
    high: float | None = None
    mark: float | None = None


def bars(caption: Caption, rows: Sequence[Bar]) -> Chart:
    """Return bars with short labels beside them; an outline shows the whole of each."""
    longest = max((max(row.value or 0.0, row.whole or 0.0) for row in rows), default=0.0) or 1.0
    width, parts = _RIGHT - _LEFT, list[str]()
    for number, row in enumerate(rows):
        y = number * _ROW + 4
        parts.append(words(0, y + 14, row.label))
        if row.whole is not None:
            parts.append(box(_LEFT, y, width * row.whole / longest, 19, "outline", row.hint))
        own = width * (row.value or 0.0) / longest
        parts.append(box(_LEFT, y + 3, own, 13, "c1", row.hint))
        parts.append(words(100, y + 14, row.text, "value", "end"))
    return chart(caption, (row.cells for row in rows), len(rows) * _ROW + 6, parts)


def named_bars(
    caption: Caption, rows: Sequence[Row], *, drawn: int | None = None, named_by: int = 1
) -> Chart:
    """Return hatched bars with long labels: each stands above its bar, so that both have room.

    Args:
        caption: What stands around it.
        rows: The rows.
        drawn: How many of them are drawn; the table has all.
        named_by: How many cells make up a row's label.
    """
    shown, height = rows[:drawn], 42
    longest, parts = max((row.value or 0.0 for row in shown), default=0.0) or 1.0, list[str]()
    for number, row in enumerate(shown):
        y, length = number * height, 100 * (row.value or 0.0) / longest
        parts.append(words(0, y + 15, ": ".join(row.cells[:named_by])))
        parts.append(words(100, y + 15, row.text, "value", "end"))
        parts.append(box(0, y + 22, 100, 11, "track"))
        parts.append(box(0, y + 22, length, 11, "hatch", row.hint))
    return chart(caption, (row.cells for row in rows), len(shown) * height, parts)


def dots(
    caption: Caption,
    rows: Sequence[Dot],
    scale: Scale,
    *,
    reference: float | None = None,
    unit: str = "",
) -> Chart:
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
    return chart(caption, (row.cells for row in rows), bottom + 24, parts)


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

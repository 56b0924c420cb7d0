"""Charts over a whole area: the funnel, columns, a heat map, dots by rank, and a small line.

As in ``row_charts``, one list of rows gives both the drawing and the table of figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from winnow.report.drawing.chart import Caption, Chart, chart
from winnow.report.drawing.row_charts import Dot, Row
from winnow.report.drawing.scales import Scale
from winnow.report.drawing.svg import across, box, tag, words
from winnow.report.numbers import NOTHING, plain, share

_HEAT_STEPS = 5
_LEFT = 11.0


@dataclass(frozen=True)
class Step:
    """One bar of the funnel.

    Attributes:
        label: What is counted. total: How many.
        parts: Count, class and name of each part. The first part is what the next bar shows in full
            width; where that has its name, the table has it once.
        bridge: What leads from this bar to the next, in words; empty for the last.
    """

    label: str
    total: int
    parts: tuple[tuple[int, str, str], ...]
    bridge: str = ""

    def shares(self) -> list[float]:
        """Return the parts' shares of the bar, each in [0, 1]."""
        return [min(1.0, max(0, count) / (self.total or 1)) for count, _, _ in self.parts]

    def cells(self) -> list[tuple[str, ...]]:
        """Return its rows of the table: the bar, and each part with its share."""
        of = self.total
        parts = [(name, plain(n), share(n / of) if of else NOTHING) for n, _, name in self.parts]
        return [(self.label.lower(), plain(of), NOTHING), *parts]


@dataclass(frozen=True)
class Heat:
    """One row of a heat map.

    Attributes:
        cells: Its row of the table. label: What it is, above its values.
        heats: Value, text and hint of each of its values.
    """

    cells: tuple[str, ...]
    label: str
    heats: Sequence[tuple[float, str, str]]


def funnel(caption: Caption, steps: Sequence[Step]) -> Chart:
    """Return bars below each other, each being the first part of the bar above, magnified."""
    parts, cells, y = list[str](), list[tuple[str, ...]](), 0.0
    above = ""
    for step in steps:
        parts.append(words(0, y + 15, step.label, "label strong"))
        parts.append(words(100, y + 15, plain(step.total), "value strong", "end"))
        x, shares = 0.0, step.shares()
        for part, (count, kind, name) in zip(shares, step.parts, strict=True):
            hint = f"{name}: {plain(count)} ({share(count / (step.total or 1))})"
            # The last part may be too thin to be seen; made thicker it must not stick out.
            parts.append(box(min(x, 99.6), y + 23, 100 * part, 26, kind, hint))
            x += 100 * part
        cells += step.cells()[step.label.lower() == above :]
        above = step.parts[0][2]
        y += 49
        if step.bridge:
            parts.append(_magnified(y, 100 * shares[0]))
            parts.append(words(1.5, y + 25, step.bridge, "label"))
            y += 42
    return chart(caption, cells, y + 2, parts, "The funnel from rows to samples")


def _magnified(y: float, width: float) -> Markup:
    """Return the slope from the part of a bar to the full width below it."""
    top = max(width, 0.35)
    slope = tag("polygon", points=f"0,0 {round(top, 2)},0 100,40 0,40", class_="slope")
    view = {"viewBox": "0 0 100 40", "preserveAspectRatio": "none"}
    return tag("svg", slope, x="0", y=y, width="100%", height=40, **view)


def columns(caption: Caption, rows: Sequence[Row], ticks: Sequence[tuple[float, str]]) -> Chart:
    """Return columns of equal width.

    Args:
        caption: What stands around it.
        rows: One for each column, from the left.
        ticks: Place in per cent and text of what stands below.
    """
    tallest = max((row.value or 0.0 for row in rows), default=0.0) or 1.0
    width = 100 / max(1, len(rows))
    parts: list[str] = [tag("line", x1="0%", x2="100%", y1=150, y2=150, class_="axis")]
    for number, row in enumerate(rows):
        size = max(1.0, 140 * row.value / tallest) if row.value else 0.0
        parts.append(box(number * width, 150 - size, width * 0.92, size, "c1", row.hint))
    for place, text in ticks:
        anchor = "start" if place < 5 else "end" if place > 95 else "middle"
        parts.append(words(place, 168, text, "tick", anchor))
    return chart(caption, (row.cells for row in rows), 176, parts)


def heat_map(caption: Caption, columns: Sequence[str], rows: Sequence[Heat]) -> Chart:
    """Return a grid of cells, darker for more, each with its figure written in it.

    Args:
        caption: What stands around it.
        columns: What stands above the columns.
        rows: The rows, each with as many values.
    """
    most = max((value for row in rows for value, _, _ in row.heats), default=0.0) or 1.0
    width, parts = 100 / max(1, len(columns)), list[str]()
    for number, label in enumerate(columns):
        parts.append(words((number + 0.5) * width, 12, label, "tick", "middle"))
    for line, row in enumerate(rows):
        y = 20 + line * 58
        parts.append(words(0, y + 15, row.label))
        for number, (value, text, hint) in enumerate(row.heats):
            heat = 0 if value == 0 else 1 + min(_HEAT_STEPS - 2, int(value / most * 4))
            parts.append(box(number * width, y + 22, width * 0.97, 28, f"heat{heat}", hint))
            kind = f"cell on{heat}"
            parts.append(words((number + 0.485) * width, y + 40, text, kind, "middle"))
    return chart(caption, (row.cells for row in rows), 20 + len(rows) * 58, parts)


def by_rank(caption: Caption, rows: Sequence[Dot], scale: Scale) -> Chart:
    """Return a dot for each item, the most clicked at the left, and a dashed line at 1.

    Args:
        caption: What stands around it.
        rows: The items by rank; ``mark`` is what is expected, a small bar.
        scale: The upright axis.
    """
    last = max(1, len(rows))
    parts = list[str]()
    for tick in scale.ticks:
        y = _down(scale, tick)
        parts.append(tag("line", x1=across(_LEFT), x2="100%", y1=y, y2=y, class_="grid"))
        parts.append(words(_LEFT - 1.5, y + 4, plain(tick), "tick", "end"))
    if scale.low <= 1 <= scale.high:
        y = _down(scale, 1)
        parts.append(tag("line", x1=across(_LEFT), x2="100%", y1=y, y2=y, class_="reference"))
    for rank, row in enumerate(rows, 1):
        x = _LEFT + 1.5 + (97 - _LEFT) * (rank - 1) / max(1, last - 1)
        if row.mark is not None:
            parts.append(box(x - 0.4, _down(scale, row.mark) - 1, 0.8, 2, "expected"))
        if row.value is not None:
            title, y = tag("title", row.hint or ""), _down(scale, row.value)
            parts.append(tag("circle", title, cx=across(x), cy=y, r=3.0, class_="dot"))
    for rank in sorted({1, (1 + last) // 2, last}):
        x = _LEFT + 1.5 + (97 - _LEFT) * (rank - 1) / max(1, last - 1)
        anchor = "end" if rank == last > 1 else "middle"
        parts.append(words(x, 208, f"rank {rank}", "tick", anchor))
    return chart(caption, (row.cells for row in rows), 216, parts)


def _down(scale: Scale, value: float) -> float:
    return 8 + 180 * (1 - scale.at(value) / 100)


def small_line(values: Sequence[float | None]) -> Markup:
    """Return the course of a figure, small enough for a table's cell; it decorates the figures."""
    known = [(n, value) for n, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(v for _, v in known), max(v for _, v in known)
    size, last = (high - low) or 1.0, max(1, len(values) - 1)
    at = [(4 + 82 * n / last, 20 - 16 * (v - low) / size if high > low else 12) for n, v in known]
    line = tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in at), class_="course")
    end = tag("circle", cx=at[-1][0], cy=at[-1][1], r=3.0, class_="dot")
    return tag("svg", line, end, class_="spark", width="90", height="24", aria_hidden="true")

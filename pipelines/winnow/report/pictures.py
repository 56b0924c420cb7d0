"""Charts over a whole area: the funnel, columns, a heat map, dots by rank, and a small line."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from winnow.report.numbers import plain
from winnow.report.scales import Scale
from winnow.report.svg import across, box, drawing, tag, words

_HEAT_STEPS = 5
_LEFT = 11.0


@dataclass(frozen=True)
class Step:
    """One bar of the funnel.

    Attributes:
        label: What is counted. total: The count, as text.
        parts: Share of the bar in [0, 1], class and hint of each part. The first part is what the
            next bar shows in full width.
        bridge: What leads from this bar to the next, in words; empty for the last.
    """

    label: str
    total: str
    parts: tuple[tuple[float, str, str], ...]
    bridge: str = ""


def funnel(key: str, title: str, description: str, steps: Sequence[Step]) -> Markup:
    """Return bars below each other, each being the first part of the bar above, magnified."""
    parts, y = list[str](), 0.0
    for step in steps:
        parts.append(words(0, y + 15, step.label, "label strong"))
        parts.append(words(100, y + 15, step.total, "value strong", "end"))
        x = 0.0
        for part, kind, hint in step.parts:
            # The last part may be too thin to be seen; made thicker it must not stick out.
            parts.append(box(min(x, 99.6), y + 23, 100 * part, 26, kind, hint))
            x += 100 * part
        y += 49
        if step.bridge:
            parts.append(_magnified(y, 100 * step.parts[0][0]))
            parts.append(words(1.5, y + 25, step.bridge, "label"))
            y += 42
    return drawing(key, title, description, y + 2, *parts)


def _magnified(y: float, width: float) -> Markup:
    """Return the slope from the part of a bar to the full width below it."""
    top = max(width, 0.35)
    slope = tag("polygon", points=f"0,0 {round(top, 2)},0 100,40 0,40", class_="slope")
    view = {"viewBox": "0 0 100 40", "preserveAspectRatio": "none"}
    return tag("svg", slope, x="0", y=y, width="100%", height=40, **view)


def columns(
    key: str,
    title: str,
    description: str,
    heights: Sequence[tuple[float, str]],
    ticks: Sequence[tuple[float, str]],
) -> Markup:
    """Return columns of equal width.

    Args:
        key, title, description: As of every drawing.
        heights: Height and hint of each column, from the left.
        ticks: Place in per cent and text of what stands below.
    """
    tallest, width = max((h for h, _ in heights), default=0.0) or 1.0, 100 / max(1, len(heights))
    parts: list[str] = [tag("line", x1="0%", x2="100%", y1=150, y2=150, class_="axis")]
    for number, (height, hint) in enumerate(heights):
        size = max(1.0, 140 * height / tallest) if height else 0.0
        parts.append(box(number * width, 150 - size, width * 0.92, size, "c1", hint))
    for place, text in ticks:
        anchor = "start" if place < 5 else "end" if place > 95 else "middle"
        parts.append(words(place, 168, text, "tick", anchor))
    return drawing(key, title, description, 176, *parts)


def heat_map(
    key: str,
    title: str,
    description: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[tuple[float, str, str]]]],
) -> Markup:
    """Return a grid of cells, darker for more, each with its figure written in it.

    Args:
        key, title, description: As of every drawing.
        columns: What stands above the columns.
        rows: Label, and value, text and hint of each of its cells.
    """
    most = max((cell[0] for _, cells in rows for cell in cells), default=0.0) or 1.0
    width, parts = 100 / max(1, len(columns)), list[str]()
    for number, label in enumerate(columns):
        parts.append(words((number + 0.5) * width, 12, label, "tick", "middle"))
    for line, (label, cells) in enumerate(rows):
        y = 20 + line * 58
        parts.append(words(0, y + 15, label))
        for number, (value, text, hint) in enumerate(cells):
            heat = 0 if value == 0 else 1 + min(_HEAT_STEPS - 2, int(value / most * 4))
            parts.append(box(number * width, y + 22, width * 0.97, 28, f"heat{heat}", hint))
            kind = f"cell on{heat}"
            parts.append(words((number + 0.485) * width, y + 40, text, kind, "middle"))
    return drawing(key, title, description, 20 + len(rows) * 58, *parts)


def by_rank(
    key: str,
    title: str,
    description: str,
    points: Sequence[tuple[int, float | None, float | None, str]],
    scale: Scale,
) -> Markup:
    """Return a dot for each item, the most clicked at the left, and a dashed line at 1.

    Args:
        key, title, description: As of every drawing.
        points: Rank from 1, value, the value that is expected (a small bar), and hint.
        scale: The upright axis.
    """
    last = max((point[0] for point in points), default=1)
    parts = list[str]()
    for tick in scale.ticks:
        y = _down(scale, tick)
        parts.append(tag("line", x1=across(_LEFT), x2="100%", y1=y, y2=y, class_="grid"))
        parts.append(words(_LEFT - 1.5, y + 4, plain(tick), "tick", "end"))
    if scale.low <= 1 <= scale.high:
        y = _down(scale, 1)
        parts.append(tag("line", x1=across(_LEFT), x2="100%", y1=y, y2=y, class_="reference"))
    for rank, value, expected, hint in points:
        x = _LEFT + 1.5 + (97 - _LEFT) * (rank - 1) / max(1, last - 1)
        if expected is not None:
            parts.append(box(x - 0.4, _down(scale, expected) - 1, 0.8, 2, "expected"))
        if value is not None:
            y = _down(scale, value)
            parts.append(tag("circle", tag("title", hint), cx=across(x), cy=y, r=3.0, class_="dot"))
    for rank in sorted({1, (1 + last) // 2, last}):
        x = _LEFT + 1.5 + (97 - _LEFT) * (rank - 1) / max(1, last - 1)
        anchor = "end" if rank == last > 1 else "middle"
        parts.append(words(x, 208, f"rank {rank}", "tick", anchor))
    return drawing(key, title, description, 216, *parts)


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

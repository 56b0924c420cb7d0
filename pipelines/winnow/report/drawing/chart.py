"""A chart: one list of rows, drawn, and as a table for readers without pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from winnow.report.drawing.svg import drawing


@dataclass(frozen=True)
class Table:
    """Figures in rows; the first column names the row.

    Attributes:
        head: Names of the columns.
        rows: Cells, as text that is shown as it stands.
        total: A last row that adds up the others; empty for none.
        caption: What the table shows.
        prose: Numbers of the columns that hold text rather than figures, the first one apart.
        strong: Numbers of the rows that stand out.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    caption: str = ""
    prose: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Caption:
    """What stands around the rows of a chart, drawn and as a table.

    Attributes:
        key: Its id in the page.
        title: What it shows. finding: What can be seen in it, in words and figures.
        head: Names of the table's columns.
        total, prose: As in ``Table``.
        legend: Class and meaning of each mark.
        wide: Whether it needs the whole width.
    """

    key: str
    title: str
    finding: str
    head: tuple[str, ...]
    total: tuple[str, ...] = ()
    prose: frozenset[int] = frozenset()
    legend: Sequence[tuple[str, str]] = ()
    wide: bool = False


@dataclass(frozen=True)
class Chart:
    """Rows as a drawing, with what it says in words, and as a table for who does not see it."""

    caption: Caption
    picture: Markup
    table: Table


def chart(
    caption: Caption,
    cells: Iterable[tuple[str, ...]],
    height: float,
    parts: Iterable[str],
    drawn: str | None = None,
) -> Chart:
    """Return the chart of rows.

    Args:
        caption: What stands around them.
        cells: The rows of its table.
        height: Of the drawing, in pixels.
        parts: What is drawn.
        drawn: The title of the drawing, where it is another one.
    """
    title, finding = drawn or caption.title, caption.finding
    picture = drawing(caption.key, title, finding, height, *parts)
    table = Table(caption.head, tuple(cells), caption.total, prose=caption.prose)
    return Chart(caption, picture, table)

"""What a section of the page is made of, whatever it is about."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


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
class Chart:
    """A drawing with what it says in words, and its figures as a table.

    Attributes:
        key: Its id in the page.
        title: What it shows. finding: What can be seen in it, in words and figures.
        picture: The drawing.
        legend: Class and meaning of each mark.
        wide: Whether it needs the whole width.
    """

    key: str
    title: str
    finding: str
    picture: Markup
    table: Table
    legend: Sequence[tuple[str, str]] = ()
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        key: Its id in the page. title: Its heading. short: Its name in the navigation.
        intro: What it is about, for a reader who has never seen the project.
        charts, tables: What it shows. facts: What it says, one sentence each.
        empty: Why it shows nothing, as a sentence; empty where it shows something.
    """

    key: str
    title: str
    short: str
    intro: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    facts: Sequence[str] = ()
    empty: str = ""


def sentence(text: str) -> str:
    """Return the text with a capital letter at its beginning and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")

"""What a section of the page is made of, whatever it is about."""

from collections.abc import Sequence
from dataclasses import dataclass

from winnow.report.drawing.chart import Chart, Table


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

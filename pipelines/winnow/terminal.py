"""What is printed in a terminal: text as it is, and tables whose numbers are not cut off."""

from collections.abc import Collection
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from winnow.shown_text import in_lines


class PlainConsole(Console):
    """A console that nothing of what is printed can steer.

    Names of files, ids and raw rows are written by strangers: an escape sequence in one of them may
    clear the screen, set its title or hide what stands before it.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text, or a cell of a table, with signs that steer a terminal written out."""
        return super().render_str(in_lines(text), **options)


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: ids and paths may look like markup of Rich."""
    return PlainConsole(stderr=stderr, markup=False, highlight=False, soft_wrap=True)


def plain_table(first: str, *others: str, texts: Collection[str] = ()) -> Table:
    """Return an empty table: words to the left, numbers to the right.

    Args:
        first: The title of the first column, which holds words.
        others: The titles of the others, which hold numbers.
        texts: Those among the others that hold words.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="left" if title in texts else "right", no_wrap=True)
    return table


def print_whole(table: Table, console: Console) -> None:
    """Print a table as wide as it is: in a narrow terminal, lines wrap and no number is cut off."""
    roomy = console.options.update(max_width=1_000)
    table.width = console.measure(table, options=roomy).maximum
    console.print(table, crop=False)

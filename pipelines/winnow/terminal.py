"""What is printed in a terminal: text as it is, and tables whose numbers are not cut off."""

from collections.abc import Collection

from rich import box
from rich.console import Console
from rich.table import Table


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: ids and paths may look like markup of Rich."""
    return Console(stderr=stderr, markup=False, highlight=False, soft_wrap=True)


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

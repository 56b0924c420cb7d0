"""Tables in a terminal."""

import io

import pytest
from rich.console import Console
from winnow.building.rejected import Example, ReasonRows, Rejected, print_rejected
from winnow.terminal import plain_console, plain_table, print_whole


class DescribeAConsole:
    def it_lets_no_text_steer_the_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        """As a file of a log may be named that ``winnow stale`` tells of."""
        name = "part\x1b]0;owned\x07\x1b[2J\x9b31m\r.parquet"
        written_out = r"part\x1b]0;owned\x07\x1b[2J\x9b31m\r.parquet"
        plain_console().print(f"{name} is new\n\tof [bold]{name}")
        assert capsys.readouterr().out == f"{written_out} is new\n        of [bold]{written_out}\n"
        table = plain_table("file")
        table.add_row(name)
        print_whole(table, plain_console())
        assert written_out in capsys.readouterr().out
        plain_console(stderr=True).print(name, style="red")
        assert capsys.readouterr().err == f"{written_out}\n"


class DescribeATable:
    def it_has_words_to_the_left_numbers_to_the_right_and_nothing_cut_off(self) -> None:
        table = plain_table("log", "reason", "rows", texts=("reason",))
        table.add_row("impressions", "missing", "7")
        table.add_row("clicks", "user_differs", "1,000")
        console = Console(file=io.StringIO(), width=20, highlight=False)
        print_whole(table, console)
        lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
        assert [line for line in lines if line and "─" not in line] == [
            " log          reason         rows",
            " impressions  missing           7",
            " clicks       user_differs  1,000",
        ]

    def it_shows_rejected_rows(self) -> None:
        reasons = (
            ReasonRows("clicks", "orphan", 2, (Example(("orphan: no impression",), "{}"),)),
            ReasonRows("clicks", "missing", 1, ()),
        )
        console = Console(file=io.StringIO(), width=80, highlight=False)
        print_rejected(Rejected("r", "run", None, 3, reasons), console)
        lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
        assert [line for line in lines if line and "─" not in line] == [
            "r: 3 rejected rows",
            " log     reason   rows",
            " clicks  orphan      2",
            " clicks  missing     1",
            "clicks: orphan: no impression",
            "  {}",
        ]

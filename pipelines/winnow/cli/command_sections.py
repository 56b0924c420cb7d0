"""The help of ``winnow``: its commands by what they are for, each with its whole first sentence."""

from itertools import groupby
from typing import Any

from typer.core import TyperCommand, TyperGroup

_WHOLE_SENTENCE = 500


class CommandSections(TyperGroup):
    """A group whose help lists its commands by ``rich_help_panel``, as they were registered.

    Typer does so where Rich draws the help in boxes; without, it has one list, and cuts each
    sentence where the line ends.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section of the help for each panel."""
        names = self.list_commands(ctx)
        for panel, of_panel in groupby(names, key=lambda name: _panel(self.get_command(ctx, name))):
            rows = []
            for name in of_panel:
                command = self.get_command(ctx, name)
                assert command is not None  # it is listed
                rows.append((f"{name:<9}", command.get_short_help_str(_WHOLE_SENTENCE)))
            with formatter.section(panel):
                formatter.write_dl(rows)


def _panel(command: Any) -> str:
    assert isinstance(command, TyperCommand)  # all of the group are made by Typer
    return str(command.rich_help_panel)

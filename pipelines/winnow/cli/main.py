"""The command ``winnow``: arguments in, exit code out. Spark starts only once these are checked."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from winnow.cli.backfill import backfill
from winnow.cli.build import build
from winnow.cli.clean import clean
from winnow.cli.command_sections import CommandSections
from winnow.cli.demo import demo
from winnow.cli.doctor import doctor
from winnow.cli.exit_codes import run_to_exit_code
from winnow.cli.expire import expire
from winnow.cli.explain import explain
from winnow.cli.export import export
from winnow.cli.forget import forget
from winnow.cli.init import init
from winnow.cli.keep import keep
from winnow.cli.mature import mature
from winnow.cli.process import leave, require_docstrings
from winnow.cli.rejected import rejected
from winnow.cli.releases import releases
from winnow.cli.report import report
from winnow.cli.schema import schema
from winnow.cli.show import show
from winnow.cli.simulate import simulate
from winnow.cli.stale import stale
from winnow.cli.vacuum import vacuum
from winnow.cli.validate import validate
from winnow.cli.verify import verify
from winnow.cli.versions import print_versions

COMMANDS = {
    "Begin": (init, validate, explain, schema, simulate, demo),
    "Build": (build, backfill, stale, mature),
    "Look at releases": (releases, show, report, verify, rejected, export),
    "Keep the warehouse in order": (keep, expire, vacuum, clean, forget, doctor),
}

app = typer.Typer(
    name="winnow",
    cls=CommandSections,
    help="Make training samples for retrieval models from a recommender's logs.\n\n"
    "Start with winnow init --from LOGS and winnow validate, or try it on made-up logs: "
    "winnow simulate --out demo, then winnow build --config demo/winnow.yaml --ds 2026-01-01.\n\n"
    "Exit codes: 0 done or nothing to do, 2 wrong config or arguments, 3 the data broke a "
    "contract or a gate, 4 somebody else published meanwhile (safe to run again), 1 anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for purpose, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=purpose)(command)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_versions,
            is_eager=True,
            help="Print the version of Winnow and of what it works with.",
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command; the help is the app's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Without arguments it is the one of the process, which ends with it.
    """
    if arguments is None:
        require_docstrings()
        leave(main(sys.argv[1:]))
    words = list(arguments)
    return run_to_exit_code(lambda: app(words, prog_name="winnow"), words)


if __name__ == "__main__":
    main()

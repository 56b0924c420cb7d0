"""``winnow init``: a config to start from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    DebugOption,
    JsonOption,
    print_json,
    require_at_most_one,
)
from winnow.shipped_files import shipped_recipes, shipped_text
from winnow.terminal import plain_console


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG,
    logs: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="LOGS",
            help="A folder, file or address of your logs: look at them and propose what is what. "
            "May be given several times.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"A whole config for one kind of model: {', '.join(shipped_recipes())}.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a commented config to start from, and the JSON Schema that editors check it by.

    It explains every key and holds every default. Change the part called logs to say where your
    logs lie and which of their columns mean what; then run winnow build.

    With --from it looks at your logs first: which folder is which log, which column is what, the
    types of ids, the unit of times, date folders. What it found stands behind each line, and where
    nothing fits a sentence says what is missing. No engine is started; the first rows of each log
    are read.

    With --recipe it writes the config of one kind of model, which fits the logs of winnow simulate
    --log-candidates as it stands; docs/recipes says of each what it is for.
    """
    require_at_most_one({"--from": logs, "--recipe": recipe})
    if logs:
        record, notes, day = write_proposal(path, logs, force=force)
    else:
        write_starter(path, recipe, force=force)
        record, notes, day = {"config": str(path)}, [], "2026-01-01"
    if as_json:
        print_json(record)
        return
    for line in notes:
        plain_console().print(line)
    command = "validate" if logs else "build"
    what = "Look through it, then:" if logs else "Change logs in it, then:"
    if recipe is not None:
        what = (
            "It fits the logs of winnow simulate --log-candidates; for yours, change ids and logs."
        )
    plain_console().print(f"{path} is written. {what}")
    plain_console().print(f"  winnow {command} --config {path} --ds {day}")


def write_proposal(
    path: Path, logs: Sequence[str], *, force: bool
) -> tuple[dict[str, Any], list[str], str]:
    """Look at logs, and write the config that is proposed for them.

    Returns:
        What was found as JSON types, the same in lines, and a date of which there are impressions.

    Raises:
        ConfigError: The file is there already and ``force`` is false, or it cannot be written.
        InputError: Nothing that was found can be read.
    """
    from winnow.cli.proposal.config_text import config_text
    from winnow.cli.proposal.found_logs import find_logs
    from winnow.cli.proposal.roles import assign_roles
    from winnow.cli.proposal.settings import settings_of

    require_free(path, force=force)
    found, problems = find_logs(logs, Path.cwd())
    roles = assign_roles(found)
    settings = settings_of(roles)
    write_config(path, config_text(roles, settings, path.resolve().parent), force=force)
    day = "YYYY-MM-DD" if settings.day is None else settings.day.isoformat()
    record = {
        "config": str(path),
        "logs": {
            name: {
                "path": role.log.path,
                "columns": {name: match.column for name, match in role.matches.columns.items()},
            }
            for name, role in roles.items()
        },
        "ds": None if settings.day is None else day,
        "unreadable": [str(problem) for problem in problems],
    }
    notes = [f"{name}: {role.log.path}" for name, role in roles.items()]
    notes += [f"cannot be read: {problem}" for problem in problems]
    if settings.clicked is not None:
        notes.append(f"clicks: the rows of the impressions with {settings.clicked[0]}")
    return record, notes, day


def write_starter(path: Path, recipe: str | None = None, *, force: bool = False) -> None:
    """Write the commented config to start from or a recipe, and its JSON Schema beside it.

    Raises:
        ConfigError: There is no such recipe, the file is there already and ``force`` is false, or
            it cannot be written.
    """
    name = "starter.yaml"
    if recipe is not None:
        require_recipe(recipe)
        name = f"recipes/{recipe}.yaml"
    write_config(path, shipped_text("configs", name), force=force)


def require_recipe(name: str) -> None:
    """Refuse a name that no recipe has.

    Raises:
        ConfigError: Says which there are, and which one looks most like it.
    """
    from winnow.config.model import nearest
    from winnow.errors import ConfigError, Problem

    known = shipped_recipes()
    if name not in known:
        what, fix = "there is no such recipe", nearest(name, known)
        expected = f"one of {', '.join(known)}"
        raise ConfigError(Problem("--recipe", what, name, expected, fix))


def write_config(path: Path, text: str, *, force: bool) -> None:
    """Write a config whose first line names its JSON Schema, and the schema beside it.

    Raises:
        ConfigError: The file is there already and ``force`` is false, or it cannot be written.
    """
    from winnow.cli.schema import SCHEMA_FILE, write_schema
    from winnow.cli.writing import write_text

    require_free(path, force=force)
    write_text(path, f"# yaml-language-server: $schema={SCHEMA_FILE}\n{text}")
    write_schema(path.with_name(SCHEMA_FILE))


def require_free(path: Path, *, force: bool) -> None:
    """Refuse to replace a file.

    Raises:
        ConfigError: The file is there already and ``force`` is false.
    """
    from winnow.errors import ConfigError, Problem

    if path.exists() and not force:
        raise ConfigError(
            Problem(
                str(path),
                "the file is there already",
                next_step="Give another name, or --force to replace it.",
            )
        )

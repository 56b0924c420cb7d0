"""``winnow init``: a config to start from."""

from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.options import DEFAULT_CONFIG, DebugOption, JsonOption, print_result, stdout


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a commented config to start from.

    It explains every key and holds every default. Change the part called logs to say where your
    logs lie and which of their columns mean what; then run winnow build.
    """
    write_starter(path, force=force)
    print_result({"config": str(path)}, f"{path} is written. Change logs in it, then: ", as_json)
    if not as_json:
        stdout().print(f"  winnow build --config {path} --ds 2026-01-01", markup=False)


def write_starter(path: Path, *, force: bool = False) -> None:
    """Write the commented config to start from, and its JSON Schema beside it.

    Raises:
        ConfigError: The file is there already and ``force`` is false, or it cannot be written.
    """
    from winnow.shipped_files import shipped_text

    write_config(path, shipped_text("configs", "starter.yaml"), force=force)


def write_config(path: Path, text: str, *, force: bool) -> None:
    """Write a config whose first line names its JSON Schema, and the schema beside it.

    Raises:
        ConfigError: The file is there already and ``force`` is false, or it cannot be written.
    """
    from winnow.cli.schema import SCHEMA_FILE, write_schema, write_text
    from winnow.errors import ConfigError, Problem

    if path.exists() and not force:
        raise ConfigError(
            Problem(
                str(path),
                "the file is there already",
                next_step="Give another name, or --force to replace it.",
            )
        )
    write_text(path, f"# yaml-language-server: $schema={SCHEMA_FILE}\n{text}")
    write_schema(path.with_name(SCHEMA_FILE))

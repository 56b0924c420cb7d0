"""``winnow schema``: the JSON Schema of the config."""

import json
from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.options import DebugOption, JsonOption, print_json, print_result

SCHEMA_FILE = "winnow.schema.json"


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write, in place of stdout.")
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the JSON Schema of the config, by which editors complete, explain and check it.

    winnow init writes it beside the config and names it in the first line, which the YAML
    extensions of editors read. Programs that write configs can check them by it. Rules between
    several keys are not in it: winnow validate checks all.
    """
    from winnow.config.json_schema import config_schema

    if out is None:
        print_json(config_schema())
    else:
        write_schema(out)
        print_result({"schema": str(out)}, f"{out} is written.", as_json)


def write_schema(path: Path) -> None:
    """Write the JSON Schema of the config.

    Raises:
        ConfigError: The file cannot be written.
    """
    from winnow.cli.writing import write_text
    from winnow.config.json_schema import config_schema

    text = json.dumps(config_schema(), ensure_ascii=False, indent=2) + "\n"
    write_text(path, text)

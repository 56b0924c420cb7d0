"""``winnow keep``: a release with a tag never expires."""

from typing import Annotated

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    WarehouseOption,
    print_result,
    warehouse_of,
)


def keep(
    release: Annotated[str, typer.Argument(help="A release id; winnow releases lists them.")],
    tag: Annotated[str, typer.Option("--tag", help="Why: a name such as prod or model-7.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Keep a release: give it a tag, and it never expires while it has one.

    A release may have several tags, and several releases the same. winnow releases shows them.
    Needs no engine.
    """
    from winnow.operations.retention.keep import tag_release

    folder = warehouse_of(warehouse, config)
    changed = tag_release(folder, release, tag, remove=remove)
    text = f"{release} has lost the tag {tag}" if remove else f"{release} is kept: {tag}"
    print_result(
        {"release_id": release, "tag": tag, "removed": remove, "changed": changed}, text, as_json
    )

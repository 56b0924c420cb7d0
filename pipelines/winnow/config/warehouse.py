"""Where the tables are, where an argument names it in place of the config's key."""

from pathlib import Path
from typing import TYPE_CHECKING

from winnow.config.model import folder_error
from winnow.errors import ConfigError, Problem
from winnow.storage.object_path import ObjectPath, Place, place_of

if TYPE_CHECKING:
    from winnow.config.tree import Config


def with_warehouse(config: "Config", path: str | Place, where: str) -> "Config":
    """Return a config with another warehouse.

    Args:
        config: The config.
        path: The folder, where a relative one is taken from the working directory; or the address.
        where: The argument that names it, for the error.

    Raises:
        ConfigError: The key ``warehouse`` could not hold this either.
    """
    return config.model_copy(update={"warehouse": str(warehouse_place(path, where))})


def warehouse_place(path: str | Place, where: str) -> Place:
    """Return the absolute folder or the address that an argument names, by the rules of the key.

    Raises:
        ConfigError: It is no address as ``s3://bucket/prefix`` is, or its name steers a terminal.
    """
    found = place_of(path).absolute()
    for text in (str(path), str(found)):
        if error := folder_error(text):
            expected = error.removeprefix("must be ")
            raise ConfigError(Problem(where, "the value does not fit", repr(text), expected))
    return found


def require_local(warehouse: Place, what: str, next_step: str) -> Path:
    """Return the folder of a warehouse that must be one.

    Args:
        warehouse: Where the tables are.
        what: The work that object stores have no way to do, such as ``winnow report``.
        next_step: What to do instead, as a sentence.

    Raises:
        ConfigError: It is in an object store.
    """
    if isinstance(warehouse, ObjectPath):
        text = f"{what} works on folders alone, nothing was changed"
        raise ConfigError(Problem("warehouse", text, str(warehouse), next_step=next_step))
    return warehouse

"""The folder of the tables, where an argument names it in place of the config's key."""

from pathlib import Path
from typing import TYPE_CHECKING

from winnow.config.model import folder_error
from winnow.errors import ConfigError, Problem

if TYPE_CHECKING:
    from winnow.config.tree import Config


def with_warehouse(config: "Config", path: str | Path, where: str) -> "Config":
    """Return a config with another folder for its tables.

    Args:
        config: The config.
        path: The folder; a relative one is taken from the working directory.
        where: The argument that names it, for the error.

    Raises:
        ConfigError: The key ``warehouse`` could not hold this folder either.
    """
    return config.model_copy(update={"warehouse": str(warehouse_folder(path, where))})


def warehouse_folder(path: str | Path, where: str) -> Path:
    """Return the absolute folder that an argument names, by the rules of the key ``warehouse``.

    Raises:
        ConfigError: It is an address such as ``s3://bucket``, or its name steers a terminal.
    """
    folder = Path(path).absolute()
    for text in (str(path), str(folder)):
        if error := folder_error(text):
            expected = error.removeprefix("must be ")
            raise ConfigError(Problem(where, "the value does not fit", repr(text), expected))
    return folder

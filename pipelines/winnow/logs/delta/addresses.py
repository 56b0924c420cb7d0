"""Addresses of Delta tables in an object store: those that a library takes for others.

delta-rs ends the process at some signs, and Sail finds no entry of a log at an address with others,
however it is quoted.
"""

import re

from winnow.errors import InputError, Problem
from winnow.logs.files.locations import Location
from winnow.storage.addresses import name_error

_PLAIN = re.compile(r"[A-Za-z0-9/_.~-]+")


def require_address(log: str, location: Location) -> None:
    """Refuse an address that delta-rs would open another table of, or end the process at.

    Raises:
        InputError: It is one.
    """
    if fault := name_error(location.path):
        raise InputError(
            Problem(
                f"logs.{log}.path",
                "a Delta table cannot be read at this address",
                location.uri(location.path),
                fault.removeprefix("must be ").replace("a folder ", "an address "),
                "Copy the table to such an address, as a whole, and name that.",
            )
        )


def engines_find(location: Location) -> bool:
    """Return whether every engine finds a table by its address; else its files are read by name."""
    return location.local or _PLAIN.fullmatch(location.path) is not None

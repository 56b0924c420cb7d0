"""What every part of the config shares: frozen, unknown keys refused, names that are names."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from winnow.config.yaml_text import Key
from winnow.errors import Problem
from winnow.shown_text import in_one_line
from winnow.storage.addresses import is_s3, name_error, s3_error

_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
_SOURCE_NAME_TABOO = re.compile(r"[`\x00-\x1f]")
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/")

Fault = tuple[Key, Problem]
"""A rule that a config breaks: the way to the key, from the part that states the rule; and what is
wrong there. The problem's ``where`` is empty: the file, if there is one, knows the line."""


class Frozen(BaseModel):
    """A part of the config: read once, never changed, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def fault(
    key: Key,
    what: str,
    found: str | None = None,
    expected: str | None = None,
    next_step: str | None = None,
) -> Fault:
    """Return a rule that is broken at a key."""
    return key, Problem("", what, found, expected, next_step)


def refuse(faults: Iterable[Fault]) -> None:
    """Raise what Pydantic makes one error of, with all faults at their keys.

    Raises:
        ValidationError: There is a fault. Each is an error of type ``rule`` with the problem in its
            context and the problem's sentence as its message.
    """
    errors = [
        InitErrorDetails(
            type=PydanticCustomError(
                "rule", "{text}", {"text": str(problem).removeprefix(": "), "problem": problem}
            ),
            loc=key,
            input=problem.found,
        )
        for key, problem in faults
    ]
    if errors:
        raise ValidationError.from_exception_data("config", errors)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return ``Did you mean …?`` with the known name that looks most like this one, or None."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else None


def named_twice(names: Sequence[str], before: Key = (), after: Key = ()) -> Iterator[Fault]:
    """Give every name of a list that is in it already, at the keys before, its index, after."""
    for index, name in enumerate(names):
        if name in names[:index]:
            yield fault((*before, index, *after), f"{name} is named twice")


def path_error(path: str) -> str | None:
    """Return what a path must be and this one is not, or None."""
    fits = path and in_one_line(path) == path
    return None if fits else "must be a path without line ends and control characters"


def folder_error(path: str) -> str | None:
    """Return what a folder of tables must be and this path is not, or None.

    Args:
        path: As it is written, or absolute.
    """
    if error := path_error(path):
        return error
    if is_s3(path):
        if error := s3_error(path):
            return error
    elif _ADDRESS.match(path):
        return "must be a folder that the driver and all executors see, or s3://bucket/prefix"
    return name_error(path)


def _identifier(name: str) -> str:
    if not _IDENTIFIER.match(name):
        raise ValueError("must be an identifier (letters, digits and _, not starting with a digit)")
    return name


def _source_name(name: str) -> str:
    if not name or _SOURCE_NAME_TABOO.search(name):
        raise ValueError("must be a column name without backticks and control characters")
    return name


def _path(path: str) -> str:
    if error := path_error(path) or (s3_error(path) if is_s3(path) else None):
        raise ValueError(error)
    return path


def _folder(path: str) -> str:
    if error := folder_error(path):
        raise ValueError(error)
    return path


Identifier = Annotated[str, AfterValidator(_identifier)]
"""The name of a column or table that Winnow writes."""

SourceName = Annotated[str, AfterValidator(_source_name)]
"""The name of a column in somebody's log: nearly anything, as logs are what they are."""

LogPath = Annotated[str, AfterValidator(_path)]
"""Where a log lies: a path or an address, in one line."""

Folder = Annotated[str, AfterValidator(_folder)]
"""A folder of tables, a path that every process sees; or a prefix in an object store."""

"""The one place that opens an address: the file system of Arrow that stands behind it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

import pyarrow as pa
import pyarrow.fs as pafs

from winnow.errors import ConfigError, InputError, Problem, StoreError, WinnowError
from winnow.storage.addresses import S3, is_s3, s3_error

_DRAWN = re.compile(r"\x1b\[[0-9;]*m|↳")
# Arrow's own words, then those of the library that delta-rs, Sail and Polars ask stores with. That
# there is no such object, or that it ends before the part that was asked for, is an answer.
_REFUSED = re.compile(
    r"AWS Error|Generic S3 error|lacked the necessary privileges|lacked valid authentication|"
    r"error sending request|non-2xx status code(?!\W*(?:404|416))"
)


def file_system_of(address: str, where: str) -> tuple[pafs.FileSystem, str]:
    """Return the file system that an address leads to, and the path on it.

    Args:
        address: Such as ``s3://bucket/prefix``; of other kinds what Arrow knows.
        where: What names it, for the error.

    Raises:
        ConfigError: It is an address of a kind that cannot be read, or holds a secret.
        InputError: What it leads to cannot be reached.
    """
    if is_s3(address):
        if fault := s3_error(address):
            expected = fault.removeprefix("must be ")
            raise ConfigError(Problem(where, "this address does not fit", address, expected))
        # Of the bucket alone: a path is no part of an address to decode, and may be a pattern.
        path = address.removeprefix(S3).rstrip("/")
        try:
            return s3_file_system(path.partition("/")[0]), path
        except OSError as error:  # without AWS_REGION the bucket itself is asked for its region
            raise InputError(unreachable(where, address, error)) from error
    try:
        filesystem, path = pafs.FileSystem.from_uri(address)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigError(
            Problem(
                where,
                f"{address} is no address that can be read",
                found=str(error),
                expected="a path, or an address such as hdfs://… or s3://…",
            )
        ) from error
    except OSError as error:
        raise InputError(unreachable(where, address, error)) from error
    if not path.strip("/"):
        raise ConfigError(Problem(where, f"{address} names no folder"))
    return filesystem, path


def s3_file_system(bucket: str) -> pafs.FileSystem:
    """Return the file system of a bucket, by what the environment tells of it.

    One that another process has made is not used in this one: a worker that was forked would wait
    for threads that only its parent has.
    """
    return _opened(bucket, os.environ.get("AWS_REGION"), os.getpid())


@lru_cache(maxsize=16)
def _opened(bucket: str, region: str | None, _process: int) -> pafs.FileSystem:
    # Arrow does not read AWS_REGION: it would ask the bucket for its region, over the network.
    parameter = f"?region={quote(region)}" if region else ""
    return pafs.FileSystem.from_uri(f"{S3}{bucket}{parameter}")[0]


@contextmanager
def store_asked(address: str) -> Iterator[None]:
    """Ask an object store within the block; that there is no such object stays what it is.

    Raises:
        StoreError: It does not answer, or refuses to.
    """
    try:
        yield
    except (FileNotFoundError, WinnowError):
        raise
    except OSError as error:
        raise StoreError(unreachable("object store", address, error)) from error


def store_refused(error: Exception) -> bool:
    """Return whether a library's error is of a store that refused or was silent, not of a file."""
    text = _DRAWN.sub("", str(error))
    return isinstance(error, StoreError) or _REFUSED.search(text) is not None


def raise_if_refused(address: str, error: Exception) -> None:
    """Tell what reading has raised as what a store has said; do nothing where it is of a file.

    Raises:
        StoreError: The store refused or was silent: nobody knows what is damaged.
    """
    if store_refused(error):
        raise StoreError(unreachable("object store", address, error)) from error


def unreachable(where: str, address: str, error: Exception) -> Problem:
    """Return what to say where an object store does not answer, or refuses to."""
    if isinstance(error, StoreError):
        return replace(error.problems[0], where=where)
    step = (
        "Look at AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and at "
        "what they may do there."
        if is_s3(address)
        else None
    )
    lines = (str(error).strip() or type(error).__name__).splitlines()
    # delta-rs draws a tree of causes, in colours; the last of them says most.
    why = ": ".join(_DRAWN.sub("", line).strip() for line in lines)
    return Problem(where, f"{address} cannot be reached", found=why, next_step=step)

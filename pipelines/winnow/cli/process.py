"""How the process of a command begins and ends: with docstrings, and with its own exit code."""

import atexit
import contextlib
import os
import sys
from typing import NoReturn

_TAKE_A_VALUE = ("-c", "-m", "-W", "-X")


def require_docstrings() -> None:
    """Start the process anew where Python leaves out docstrings, as for ``PYTHONOPTIMIZE=2``.

    PySpark and Great Expectations read their own docstrings while they are imported, and fail
    where these are not there; the help of the commands is made of docstrings too.
    """
    if sys.flags.optimize < 2:
        return
    os.environ.pop("PYTHONOPTIMIZE", None)
    sys.stdout.flush()
    os.execv(sys.executable, _not_optimized(sys.orig_argv))


def _not_optimized(words: list[str]) -> list[str]:
    """Return a command line of Python without ``-O`` and ``-OO``."""
    plain, rest = [sys.executable], words[1:]
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word.startswith("--"):
            plain.append(word)
            continue
        ends = next((place for place, sign in enumerate(word) if f"-{sign}" in _TAKE_A_VALUE), None)
        flags, value = (word, "") if ends is None else (word[:ends], word[ends:])
        flags = flags.replace("O", "")
        if flags != "-" or value:
            plain.append(flags + value)
        if len(value) == 1 and rest:
            plain.append(rest.pop(0))
        if value[:1] in ("c", "m"):
            break  # what follows are the program's own words
    return plain + rest


def leave(code: int) -> NoReturn:
    """End the process now, with this exit code, whatever its threads are about.

    A build that is refused ends while threads still load kernels and libraries for it. Python ends
    itself piece by piece: a thread that is inside of a compiled library meanwhile may take the
    process down with a signal, and the exit code is lost.
    """
    if not _flushed() and code == 0:
        code = 1
    with contextlib.suppress(Exception):
        # Temporary folders, and what else libraries want to have done.
        atexit._run_exitfuncs()
    _flushed()
    os._exit(code)


def _flushed() -> bool:
    """Return whether all that was printed has been written."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            whole = False
    return whole

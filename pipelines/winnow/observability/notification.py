"""A command that is run where a build failed: to send a message, to open a ticket."""

import os
import shlex
import shutil
import subprocess
from datetime import date

from winnow.errors import ConfigError, Problem
from winnow.observability.ending import Ending
from winnow.shown_text import shortened

_LONGEST_MESSAGE = 8_000
PATIENCE = 60.0
"""Seconds that the command is given."""


def words_of_command(text: str) -> list[str]:
    """Return the words of a command, as a shell would split them; it is run without one.

    Raises:
        ConfigError: The quotes do not match, or there is no such program.
    """
    expected = "a program and its arguments"
    try:
        words = shlex.split(text)
    except ValueError as error:
        what = f"this is no command: {error}"
        raise ConfigError(Problem("--on-failure", what, text, expected)) from error
    if not words or shutil.which(words[0]) is None:
        what = "there is no such program"
        raise ConfigError(Problem("--on-failure", what, words[0] if words else "", expected))
    return words


def notify(words: list[str], ds: date | str, run_id: str, ending: Ending) -> str | None:
    """Run a command and tell it of a failure; return why that did not work, None where it did.

    What logs and configs hold reaches it in its environment alone, where nothing runs it:
    ``WINNOW_DS``, ``WINNOW_RUN_ID``, ``WINNOW_EXIT_CODE`` and ``WINNOW_MESSAGE``.

    Args:
        words: The command. ds: The date, as it was asked for. run_id: The run.
        ending: How it failed.
    """
    told = {
        "WINNOW_DS": str(ds),
        "WINNOW_RUN_ID": run_id,
        "WINNOW_EXIT_CODE": str(ending.exit_code),
        "WINNOW_MESSAGE": shortened(ending.message, _LONGEST_MESSAGE).replace("\0", ""),
    }
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it was stopped after {PATIENCE:g} seconds"
    except OSError as error:
        return error.strerror or str(error)
    return None if done.returncode == 0 else f"it ended with {done.returncode}"

"""How a command ends: errors become one line per problem and an exit code, never a stack trace."""

import json
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

from winnow.errors import Problem, WinnowError
from winnow.extras import extras_named
from winnow.shown_text import in_lines, without_secrets
from winnow.spark.causes import problem_of
from winnow.terminal import plain_console

INTERRUPTED = 130
TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM came. No ``except Exception`` may swallow it."""


def exit_code_of(error: BaseException) -> int:
    """Return the code that a command ends with, which raised this."""
    match error:
        case SystemExit():
            return _exit_code(error)
        case WinnowError():
            return error.exit_code
        case KeyboardInterrupt():
            return INTERRUPTED
        case Terminated():
            return TERMINATED
    return 1


def problems_of(error: BaseException) -> tuple[Problem, ...]:
    """Return what a person needs to know of an error: one at least."""
    match error:
        case WinnowError():
            return error.problems
        case KeyboardInterrupt():
            return (Problem("winnow", "it was interrupted"),)
        case Terminated():
            return (Problem("winnow", "it was told to end (SIGTERM)"),)
    return (problem_of(error),)


def run_to_exit_code(command: Callable[[], None], arguments: Sequence[str]) -> int:
    """Run a command; return its exit code, having told on stderr what went wrong.

    Args:
        command: The work; it may raise anything.
        arguments: The command line; ``--json`` makes problems JSON, ``--debug`` shows traces.
    """
    as_json, debug = "--json" in arguments, "--debug" in arguments
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        with extras_named():
            command()
    except SystemExit as ended:
        return _exit_code(ended)
    except WinnowError as error:
        if debug:
            _show_trace()
        _tell([problem.as_record() | {"text": str(problem)} for problem in error.problems], as_json)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    except BrokenPipeError:
        return 1
    except Exception as error:
        if debug:
            _show_trace()
        problem = problem_of(error)
        hint = "" if debug else "\nRun it again with --debug to see where it came from."
        _tell([problem.as_record() | {"text": f"{problem}{hint}"}], as_json)
        return 1
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 0


def _show_trace() -> None:
    """Print where the error came from: it holds what libraries said, of addresses and of keys."""
    sys.stderr.write(in_lines(without_secrets(traceback.format_exc())))


def _exit_code(ended: SystemExit) -> int:
    if isinstance(ended.code, int):
        return ended.code
    return 0 if ended.code is None else 1


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _tell(problems: Sequence[dict[str, str | None]], as_json: bool) -> None:
    if as_json:
        sys.stderr.write(json.dumps({"problems": problems}, ensure_ascii=False) + "\n")
        return
    console = plain_console(stderr=True)
    for problem in problems:
        console.print(problem["text"], style="red")

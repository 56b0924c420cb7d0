"""How code is stopped at each thing that it does to the warehouse, and run on from there.

Code runs from its beginning each time, with the answers that it was given before; at the first
question without an answer it is stopped. As it is deterministic, what it asks next depends on these
answers alone, so each history of answers need be run only once.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from tests.faults.memory_world import Raised, Step


class Question(NamedTuple):
    """An operation of the world that a process is about to do."""

    operation: Callable[..., Step]
    given: tuple[Any, ...]


class End(NamedTuple):
    """How a process ended: what it returned."""

    outcome: Hashable


class _Stopped(BaseException):
    """Not an Exception: nothing in between may catch it, as with a real end of the process."""


_answers: list[Hashable] = []
_place = 0
_question: Question | None = None


def ask(operation: Callable[..., Step], *given: Any) -> Any:
    """Do something to the world, in one step; called by what stands in for files and logs."""
    global _place, _question
    if _question is not None:
        raise _Stopped  # whatever is done while the stop goes up
    if _place == len(_answers):
        _question = Question(operation, given)
        raise _Stopped
    answer = _answers[_place]
    _place += 1
    if isinstance(answer, Raised):
        raise answer.error()
    return answer


def next_of(program: Callable[[], Hashable], answers: Sequence[Hashable]) -> Question | End:
    """Return what a program asks next, given all former answers, or how it ended."""
    global _place, _question
    _answers[:], _place, _question = answers, 0, None
    try:
        return End(program())
    except _Stopped:
        assert _question is not None
        return _question
    finally:
        _question = None

"""One exception tree. An error is a list of records; a record has fields and is a sentence."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

from winnow.shown_text import shown

_LONGEST = {"found": 500}
_LONG = 2_000


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what, found, expected, and what to do next.

    The fields hold what strangers wrote: each is shortened, in one line, and without secrets.

    Attributes:
        where: The place a person can go to: a config key, a log, a file, a table.
        what: What is wrong, as the start of a sentence.
        found: What is there, or None where the sentence already says it.
        expected: What should be there, or None.
        next_step: What to do about it, as a sentence, or None.
    """

    where: str
    what: str
    found: str | None = None
    expected: str | None = None
    next_step: str | None = None

    def __post_init__(self) -> None:
        """Keep out what no message may hold: megabytes, several lines, passwords in addresses."""
        for field in fields(self):
            text = getattr(self, field.name)
            if text is not None:
                fit = shown(str(text), _LONGEST.get(field.name, _LONG))
                object.__setattr__(self, field.name, fit)

    def __str__(self) -> str:
        """Say it in one line, as ``where: what, found X, expected Y`` and the next step."""
        parts = [self.what]
        if self.found is not None:
            parts.append(f"found {self.found}")
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        text = f"{self.where}: {', '.join(parts)}."
        return f"{text} {self.next_step}" if self.next_step else text

    def as_record(self) -> dict[str, str | None]:
        """Return the fields as a dict, for ``--json``."""
        return asdict(self)


class WinnowError(Exception):
    """The root: one or more problems, and the exit code that a command ends with.

    Attributes:
        problems: Every problem that was found, in the order in which a person should read them.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, *problems: Problem) -> None:
        """Keep the problems; there is at least one."""
        super().__init__(*problems)
        self.problems: tuple[Problem, ...] = problems

    def __str__(self) -> str:
        """Return one line per problem."""
        return "\n".join(str(problem) for problem in self.problems)

    @classmethod
    def raise_if_any(cls, problems: Iterable[Problem]) -> None:
        """Raise one error that holds all problems; do nothing where there are none."""
        found = tuple(problems)
        if found:
            raise cls(*found)


class RequirementError(WinnowError):
    """The machine lacks something that the command needs, such as Java or the Delta classes."""


class MissingExtraError(RequirementError):
    """A package that an extra of Winnow brings is not installed. Nothing was started."""

    exit_code = 2


class ExecutorError(RequirementError):
    """An executor of the cluster lacks what tasks need. Nothing was started."""

    exit_code = 2


class ConfigError(WinnowError):
    """The config or the arguments are wrong. Nothing was started."""

    exit_code = 2


class InputError(WinnowError):
    """A log is missing, unreadable, or not what its contract says."""

    exit_code = 3


class ConservationError(WinnowError):
    """Rows went missing or appeared between two places that must add up."""

    exit_code = 3


class GateError(WinnowError):
    """A staged table failed a gate. Nothing was published."""

    exit_code = 3


class ConflictError(WinnowError):
    """Somebody else published the same thing meanwhile. Running again is safe."""

    exit_code = 4


class StoreError(WinnowError, OSError):
    """An object store does not answer, or refuses: it may answer when it is asked again.

    It is an ``OSError`` as well, as what a disk says is: what expects that of a file expects it of
    an object.
    """


class ReleaseError(WinnowError):
    """A release is not there, has expired, or does not hold what it promised."""

    exit_code = 3

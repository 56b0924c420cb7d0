"""How a build came to its end: known also where nothing of it could be loaded."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """How the process of a build, or the build of one of its variants, came to its end.

    Attributes:
        exit_code: 0, or what the command ends with.
        message: What went wrong, a line for each problem; empty where nothing did.
    """

    exit_code: int = 0
    message: str = ""

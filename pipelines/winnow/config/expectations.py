"""Expectations of the user's own: which suites are judged, of which rows, and who hears of it."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from winnow.config.model import Frozen, Identifier, LogPath, fault, refuse

Severity = Literal["fail", "warn"]


class Expectations(Frozen):
    """Expectations of one table of the release, or of one log before the build.

    Attributes:
        table: The table of which the staged rows are judged, before anything is published.
        log: The log of which the date's rows are judged, before anything is sampled.
        suite: A file as Great Expectations writes it, JSON or YAML; relative to the config.
        expectations: Expectations in place of a file, each with ``type`` and ``kwargs``.
        severity: What an expectation that is not met does; None leaves it to the severity that
            Great Expectations gives each: ``critical`` fails, ``warning`` and ``info`` warn.
        rows: About how many rows are judged, chosen by a hash where there are more.
        all_rows: Whether every row is judged, by the engine.
        actions: Actions of a checkpoint of Great Expectations, as its own config.
    """

    table: Identifier | None = None
    log: Identifier | None = None
    suite: LogPath | None = None
    expectations: tuple[dict[str, Any], ...] | None = None
    severity: Severity | None = None
    rows: int = Field(default=100_000, ge=1)
    all_rows: bool = False
    actions: tuple[dict[str, Any], ...] = ()

    @field_validator("actions", mode="before")
    @classmethod
    def _are_maps(cls, actions: Any) -> Any:
        # They may hold secrets: where they are no actions, what they are is not shown.
        maps = isinstance(actions, list | tuple) and all(isinstance(one, dict) for one in actions)
        refuse([] if maps else [fault((), "the type is wrong", expected="a list of maps")])
        return tuple(actions)

    @model_validator(mode="after")
    def _names_one_of_each(self) -> Self:
        if (self.table is None) == (self.log is None):
            raise ValueError("names either a table of the release or a log, one of the two")
        if (self.suite is None) == (self.expectations is None):
            raise ValueError("has either a suite, which is a file, or a list of expectations")
        return self

    @property
    def subject(self) -> str:
        """The table or log that is judged."""
        return self.table or self.log or ""

"""What every source of negatives has in the config: a name, and how much is asked of it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from winnow.config.model import Frozen
from winnow.config.quotas import Quota


class Entry(Frozen):
    """One source and how many negatives of it a positive gets: ``count``, or a ``share`` of all.

    Entries with neither share what the others leave.
    """

    source: str
    share: float | None = Field(default=None, gt=0.0, le=1.0)
    count: int | None = Field(default=None, ge=1, le=10_000)

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if self.share is not None and self.count is not None:
            raise ValueError("share and count are two ways to say one number: leave one out")
        return self

    @property
    def quota(self) -> Quota:
        """How much is asked for."""
        return Quota(self.share, self.count)


class DrawnEntry(Entry):
    """One source of draws from the catalogue or a part of it.

    ``not_recalled`` forbids what the ranking log has of the positive's request, besides what the
    user was shown or clicked. ``distinct`` draws no item of a positive twice.
    """

    not_recalled: bool = False
    distinct: bool = False

    @property
    def distribution(self) -> str:
        """What is drawn from, however much and given what: equal texts are one distribution."""
        given = {"share", "count", "not_recalled", "distinct"}
        return json.dumps(self.model_dump(exclude=given), sort_keys=True)


def class_by_source(
    classes: Mapping[str, type[Entry]], otherwise: type[Entry]
) -> Callable[[Any], str]:
    """Return what names the class that is meant, so that a wrong entry is explained by it alone.

    Args:
        classes: By source. otherwise: The class of every other source.
    """

    def named(value: Any) -> str:
        if isinstance(value, Entry):
            return type(value).__name__
        name = value.get("source") if isinstance(value, dict) else None
        return classes.get(name if isinstance(name, str) else "", otherwise).__name__

    return named

"""The contracts in ``schemas/``: what each log must be and what each table is."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Literal, Self

from pydantic import Field

from winnow.config.model import Frozen
from winnow.config.tree import Ids
from winnow.shipped_files import shipped_tree

_PLACE = re.compile(r"\{\w+\}")


class ColumnContract(Frozen):
    """One column: type, nullability, unit, meaning.

    Attributes:
        name: With a place such as ``{stage}`` it stands for one column for each name that the
            config asks for; the meaning may have the place as well.
        type: A Spark SQL type, or ``id(user)``, ``id(item)``, ``id(request)``, ``id(impression)``,
            also inside ``array<…>``, for the id types that the config declares.
        optional: An input column that need not be mapped.
        accepts: The file types that an input column may have; by default its own type only.
        when: What a config must ask for that the table has the column (``Config.asked_for``);
            None for a column that is always there.
        in_key: Whether it belongs to the table's key where it is there.
        in_key_when: What a config must ask for that it does, though ``in_key`` is false.
        nullable_when: What a config must ask for that it may be NULL though ``nullable`` is false.
    """

    name: str
    type: str
    nullable: bool
    meaning: str
    unit: str | None = None
    range: str | None = None
    optional: bool = False
    accepts: tuple[str, ...] = ()
    when: str | None = None
    in_key: bool = False
    in_key_when: str | None = None
    nullable_when: str | None = None


class RuleContract(Frozen):
    """One rule: the code that stands in ``rejected`` and the sentence that explains it."""

    code: str
    sentence: str


class TableContract(Frozen):
    """One table: its grain, key and columns.

    Attributes:
        kind: ``input`` for a log, ``published`` for a table that Winnow writes.
        carries: The logs of which configured columns are appended, in order.
    """

    table: str
    kind: Literal["input", "published"]
    grain: str
    key: tuple[str, ...]
    key_without_impression_id: tuple[str, ...] | None = None
    event_time: str | None = None
    partition: str | None = None
    carries: tuple[str, ...] = ()
    columns: tuple[ColumnContract, ...]
    rules: tuple[RuleContract, ...] = Field(default=())

    def resolved(
        self,
        ids: Ids,
        carry: Mapping[str, Mapping[str, str]] | None = None,
        asked_for: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Self:
        """Return the contract with id types put in and carried columns appended.

        Args:
            ids: The id types of the config.
            carry: By log, name and Spark SQL type of each carried column, in order; the table
                takes those of the logs that it carries columns of.
            asked_for: What the config asks for beyond the usual, with the names that it does
                so for: columns that are there for something else are left out.
        """
        types = ids.model_dump()
        columns: list[ColumnContract] = []
        for column in self.columns:
            if column.when is not None and column.when not in (asked_for or {}):
                continue
            text = column.type
            for entity, id_type in types.items():
                text = text.replace(f"id({entity})", id_type)
            nullable = column.nullable or column.nullable_when in (asked_for or {})
            in_key = column.in_key or column.in_key_when in (asked_for or {})
            told = {"type": text, "nullable": nullable, "in_key": in_key}
            one = column.model_copy(update=told)
            named = _PLACE.search(column.name) is not None
            names = (asked_for or {})[column.when] if named and column.when else None
            columns += [one] if names is None else [_named(one, name) for name in names]
        for log in self.carries:
            for name, carried_type in (carry or {}).get(log, {}).items():
                columns.append(
                    ColumnContract(
                        name=name,
                        type=carried_type,
                        nullable=True,
                        meaning=f"carried over from {log}",
                    )
                )
        key = (*self.key, *(column.name for column in columns if column.in_key))
        return self.model_copy(update={"columns": tuple(columns), "key": key})

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in contract order, without places for names that it does not know."""
        return tuple(column.name for column in self.columns if not _PLACE.search(column.name))


def _named(column: ColumnContract, name: str) -> ColumnContract:
    texts = {"name": column.name, "meaning": column.meaning}
    return column.model_copy(update={key: _PLACE.sub(name, text) for key, text in texts.items()})


@cache
def table_contract(name: str) -> TableContract:
    """Return the contract ``schemas/<name>.yaml``, with its id types not yet resolved."""
    tree = shipped_tree("schemas", f"{name}.yaml")
    return TableContract.model_validate_json(json.dumps(tree))

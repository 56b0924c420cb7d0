"""The users who are to be forgotten: which tables hold rows of users, and which rows are theirs."""

import html
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.config.tree import STATE_TABLES, TABLES
from winnow.contracts.tables import table_contract
from winnow.errors import ConfigError, Problem

ERASED = "(erased)"
"""What a text says where it named a user."""

_RAW = ("log", "raw")
_PARTS_OF_ID = ("column", "first_of", "concat")
_AT_A_TIME = 500


def columns_to_look_at(table: str) -> tuple[str, ...]:
    """Return the columns of a table that say whose a row is, by its contract; none for others.

    Those that the contract declares as ``id(user)``, or the raw text of rows that broke a rule.
    """
    if table not in (*TABLES, *STATE_TABLES):
        return ()
    contract = table_contract(table)
    users = tuple(one.name for one in contract.columns if "id(user)" in one.type)
    return users or (_RAW if set(_RAW) <= set(contract.names) else ())


@dataclass(frozen=True, repr=False)
class ErasedUsers:
    """Some users. Nothing prints them: what is told of them is counts.

    Attributes:
        ids: Their ids, as text.
    """

    ids: frozenset[str]

    @classmethod
    def of(cls, ids: Iterable[str]) -> "ErasedUsers":
        """Return those with these ids; empty lines name nobody.

        Raises:
            ConfigError: There is none.
        """
        found = frozenset(text for one in ids if (text := one.strip()))
        if not found:
            expected = "--users ID, or --users-from FILE with one id per line"
            raise ConfigError(Problem("--users", "names no user", expected=expected))
        return cls(found)

    def rows_in(
        self, table: str, rows: pa.Table, id_columns: Mapping[str, tuple[str, ...]]
    ) -> NDArray[np.bool_]:
        """Return which rows are of the users, shape (n,).

        Args:
            table: The table. rows: With at least ``columns_to_look_at`` of it.
            id_columns: By log, the columns that its user ids are made of; for ``rejected``.
        """
        columns = columns_to_look_at(table)
        found = np.zeros(rows.num_rows, bool)
        if columns == _RAW:
            logs, raw = (rows[name].to_pylist() for name in _RAW)
            pairs = zip(logs, raw, strict=True)
            return np.array(
                [self._in_raw(text, id_columns.get(log, ())) for log, text in pairs], bool
            )
        for name in columns:
            own = pc.is_in(rows[name], value_set=self._as(rows[name].type))
            found |= (
                own.to_numpy(zero_copy_only=False) if isinstance(own, pa.Array) else own.to_numpy()
            )
        return found

    def without(self, text: str) -> str:
        """Return a JSON document in which no text names one of the users.

        It is the document itself where none does. A number that is an id is no name.
        """
        document = json.loads(text)
        erased = self._erased(document)
        return text if erased == document else json.dumps(erased, ensure_ascii=False)

    def may_stand_in(self, text: str) -> bool:
        """Return whether an id of the users stands in a text as a word of its own."""
        return any(one.search(text) for one in self._anywhere)

    def require_type(self, column: str, kind: pa.DataType) -> None:
        """Refuse ids that the user ids of a warehouse cannot be; none is told.

        Args:
            column: One of ``columns_to_look_at``. kind: Its type.

        Raises:
            ConfigError: User ids are whole numbers, and some of these are none.
        """
        if column not in _RAW and pa.types.is_integer(kind) and len(self._numbers) < len(self.ids):
            wrong = len(self.ids) - len(self._numbers)
            what = "the user ids of this warehouse are whole numbers, and some of these are none"
            raise ConfigError(Problem("--users", what, f"{wrong} of {len(self.ids)}"))

    def _as(self, kind: pa.DataType) -> pa.Array:
        if pa.types.is_string(kind):
            return pa.array(sorted(self.ids), kind)
        return pa.array(sorted(self._numbers), pa.int64()).cast(kind)

    @cached_property
    def _numbers(self) -> frozenset[int]:
        found = (int(one) for one in self.ids if re.fullmatch(r"-?[0-9]{1,19}", one))
        return frozenset(one for one in found if -(2**63) <= one < 2**63)

    @cached_property
    def _names(self) -> tuple[re.Pattern[str], ...]:
        """Ids that are no numbers, as words of a text: also as JSON and HTML write them."""
        texts = [one for one in self.ids if not re.fullmatch(r"-?[0-9]+", one)]
        return tuple(_words(texts))

    @cached_property
    def _quoted(self) -> tuple[re.Pattern[str], ...]:
        """Ids as the details of gates and the pages name users."""
        return tuple(_words(self.ids, r"(?<=user ')|(?<=user &#39;)", r"(?='|&#39;)"))

    @cached_property
    def _anywhere(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_words(self.ids))

    def _in_raw(self, text: str, columns: tuple[str, ...]) -> bool:
        """Return whether the raw text of a row is of one of the users.

        Of a row with columns it is what these hold; of a line, and where they are not found, each
        word of it.
        """
        try:
            row = json.loads(text)
        except ValueError:
            row = None
        found = [row[name] for name in columns if name in row] if isinstance(row, dict) else []
        if any(str(one) in self.ids for one in found if one is not None):
            return True
        words = self._names if found else self._anywhere
        return any(one.search(text) for one in words)

    def _erased(self, value: Any) -> Any:
        if isinstance(value, str):
            for one in (*self._names, *self._quoted):
                value = one.sub(ERASED, value)
            return value
        if isinstance(value, list):
            return [self._erased(one) for one in value]
        if isinstance(value, dict):
            return {self._erased(name): self._erased(one) for name, one in value.items()}
        return value


def id_columns(config_json: str) -> dict[str, tuple[str, ...]]:
    """Return the source columns that the user ids of each log are made of, as a config says."""
    logs = json.loads(config_json).get("logs") or {}
    return {
        name: tuple(dict.fromkeys(_sources((log.get("columns") or {}).get("user_id", "user_id"))))
        for name, log in logs.items()
        if isinstance(log, dict)
    }


def _sources(mapped: Any) -> Iterator[str]:
    if isinstance(mapped, str):
        yield mapped
    elif isinstance(mapped, list):
        for one in mapped:
            yield from _sources(one)
    elif isinstance(mapped, dict):
        for name in _PARTS_OF_ID:
            yield from _sources(mapped.get(name))


def _words(
    ids: Collection[str], before: str = r"(?<!\w)", after: str = r"(?!\w)"
) -> Iterator[re.Pattern[str]]:
    as_json = (json.dumps(one, ensure_ascii=False)[1:-1] for one in ids)
    forms = {form for one in as_json for form in (one, html.escape(one))} | {*ids}
    texts = sorted(forms, key=lambda one: (-len(one), one))
    for begin in range(0, len(texts), _AT_A_TIME):
        some = "|".join(map(re.escape, texts[begin : begin + _AT_A_TIME]))
        yield re.compile(f"(?:{before})(?:{some}){after}")

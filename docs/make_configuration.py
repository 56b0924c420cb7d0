"""Write ``docs/configuration.md`` from the models: run ``python docs/make_configuration.py``.

Keys, types, ranges and defaults come from the models. What a key means stands in
``config/keys.yaml``; a test fails where a key has no meaning or a meaning has no key.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from winnow.config.json_schema import meanings
from winnow.config.logs import LogConfig
from winnow.config.model import Frozen
from winnow.config.tree import Config

PAGE = Path(__file__).with_name("configuration.md")

_INTRO = """# Configuration

Made from the config's models by `python docs/make_configuration.py`; a test fails where the two
differ.

One YAML file says where the logs lie, what their columns mean and which rows become samples.
`winnow init` writes a commented one to start from, and beside it the JSON Schema by which editors
complete and check it (`winnow schema` prints it). Only `logs` has no default. An unknown key is an
error that names the nearest known one. All errors come in one message, before Spark starts, with
exit code 2.

Relative paths start at the folder of the config file. The release keeps the settings that decide
rows, and their SHA-256; `warehouse`, `publishing` and the paths of logs are not among them.
"""
_LOGS = """The logs are `impressions` and `clicks`, which must be there, and `ranking_log` and
`items`, which may be left out. What each of them must hold stands in [tables.md](tables.md).
"""
_COLUMNS = """A map from contract column to where it comes from. A contract column that is not named
here is looked up under its own name. A source is one of:

| written as | gives |
|---|---|
| `sku` | that column |
| `{column: slot, type: bigint}` | that column, though the file's type is narrower or wider than the contract's |
| `{first_of: [account_id, device_id]}` | the first of several columns that holds a value |
| `{concat: [region, device], separator: "\\|"}` | several columns joined to one string id, by `\\|` unless said otherwise; NULL in any makes it NULL |
| `{column: time, unit: ms}` | a time: `iso` (ISO 8601 text or a timestamp column, the default), or `s`, `ms`, `us` since 1970-01-01 UTC, with or without a fraction, kept to the microsecond |
| `{column: time, unit: pattern, pattern: "yyyy-MM-dd HH:mm", zone: Asia/Tokyo}` | a time by a Spark datetime pattern, see below; `zone` (default UTC) is for values that name none |
| `{constant: click}` | the same value in every row |
| `{from_flags: {click: is_click, buy: is_buy}}` | for `action_type` and `stage`: a row for every flag that is true or 1; a row without one counts as filtered. With `take: last`, only the last flag that is set |
| `{by_stage: {coarse: coarse_rank, fine: fine_rank}}` | in a ranking log: the column of the row's own stage; of other stages NULL |

A time pattern has Spark's letters: `y` year, `M` or `L` month (`MMM` Jan, `MMMM` January), `d` day, `D` day of the
year, `H` or `k` hour, `h` or `K` with `a` hour of half a day, `m` minute, `s` second, `S` fraction, `X`, `x` or `Z`
offset, `VV` zone id, `z` zone name; `'text'` as it is, `[…]` what may be left out. Others are refused (a weekday
cannot be read by either engine), and so is a pattern without a date, or with twelve hours and no `a`. Before a row
is read the engine has to read a known moment by it; if it does not, the pattern and the engine are named
and the command ends with exit code 2. An event time lies between March 1970 and 2100: what
lies before is 0, or a time whose unit is a coarser one than was said.

A CSV column without a name is called `_c` and its place, from 0. A field of a struct, of a JSON object, or of a
candidate in an array of structs is `column.field`, at any depth: `user.device.id`; so is one in text with an
`item_delimiter`. A column whose own name has the dot wins; where an object on the way is missing, the value is NULL. Columns under `carry` may be named here too:
`columns: {os: user.device.os}` with `carry: [os]`.
"""  # noqa: E501
_TEXT = """Text logs are CSV and JSON lines; both are read line by line in the tasks.

- **Columns.** Every file's header counts, and every line's keys: where a key first occurs does not
  matter. Keys that are not among the first 100 lines of a file are looked for in all of its bytes
  before the build begins, by name. A CSV or Parquet file may lack `valid_from`, `valid_to`,
  `position`, `rank` or `score` though other files of the log have it: its rows have NULL
  there. Any other column that is used, or one of these that the config names, has to be in every
  file, since nobody could know what its absence means.
- **Encoding.** A byte order mark wins: UTF-8, UTF-16, UTF-32. Else it is `encoding`, or UTF-8.
  A line whose bytes cannot be decoded is one rejected row.
- **Lines** end with LF, with CR LF, or with CR alone where no LF is in the first 64 KiB.
- **Quotes.** A field in quotes may hold delimiters, line ends and doubled quotes. A record that
  cannot be read so is read once more with backslashes before quotes, as Spark writes them. A quote
  that no later line (of at most 1,000) closes to a record with the right number of fields makes one
  rejected row of its line, and the next line is read as if nothing had been.
- **Compression.** gzip, bz2 and zstd, told by the name (`.gz`, `.bz2`, `.zst`) or the first bytes.
  Files of several members are read whole; a truncated one is refused.
- **Files cut off.** A file whose last line has no line end and too few fields, or half a JSON
  object, is refused until `accept_cut: true`, which rejects that row alone. A cut within the last
  field of a CSV row shows only where that field is a time, or as long in every row: then it is
  refused alike, and with `accept_cut` read as it stands. Else it looks whole, as does a file cut
  where a line ends: nothing can tell.
- **Empty fields** of CSV are NULL. A user id that must be there and is empty counts as one of
  `anonymous_values`, where the empty text is among them.
- **Large files** are shared among tasks in parts of 16 MiB, but not those that are compressed, in
  another encoding than UTF-8, with CR alone, or with line ends in quotes.
"""

_FOLDERS = """Needed is `column`, `pattern`, or both. A pattern has the letters of Python's `strftime`: `%Y` or `%y` year,
`%m` or `%b` month, `%d` day, `%j` day of the year, `%H`, `%M`, `%S`; each name must be exactly as the pattern writes the
date. A slash stands between folders of folders.

| folders | say |
|---|---|
| `dt=2026-01-02`, `dt=20260102`, `dt=2026-01-02/hr=07` | `{column: dt}` |
| `dt=02.01.2026` | `{column: dt, pattern: "%d.%m.%Y"}` |
| `day=2026010207`, one per hour | `{column: day, pattern: "%Y%m%d%H"}` |
| `2026/01/02` | `{pattern: "%Y/%m/%d"}` |
| `year=2026/month=01/day=02` | `{pattern: "year=%Y/month=%m/day=%d"}` |
| `region=eu/dt=2026-01-02` | `path: logs/region=*` and `{column: dt}` |

- **What is read**: all files below, but for names that begin with `_` or `.`, such as `_SUCCESS`. What a file holds is
  never replaced by its folder's name: in `hr=07` a column `hr` of the file is the file's.
- **No date**: a folder that is no date folder is refused by name; `__HIVE_DEFAULT_PARTITION__`, of rows whose date was
  NULL, is passed over with a warning.
- **No bytes**: text files of zero bytes beside others are passed over with a warning. A log, or a date that is needed,
  of which all files are empty is refused, and so is a Parquet file of zero bytes: no writer leaves one.
- **Links** are followed, and each file is read once. A link that leads nowhere or in a circle is refused, and one that
  puts a file into the folders of two dates.
- **The warehouse** may not lie within a log's folder, nor a log within the warehouse: the build ends with exit code 2.
- **Other tables**: a Delta or Hudi table below the log's folder is refused; name it as `path`.
- **A Delta table** is read at its newest version, with deletion vectors, column mapping, version 2 checkpoints and times
  without zone. Its partition column may hold dates, text or whole numbers such as 20260102; NULL is passed over with a
  warning. A table that needs another reader feature is refused by its name, and so is one with files at absolute
  addresses (a shallow clone) that has deletion vectors or column mapping.
- **A pattern in `path`** has `*`, `?` and `[…]`, each within one name; a path that exists is taken as it is written.
"""  # noqa: E501


def render() -> str:
    """Return the page."""
    words = meanings()
    parts = [_INTRO]
    for path, model in models():
        parts += [f"## {_title(path, model)}", ""]
        if path == "logs.*":
            parts.append(_LOGS)
        parts += ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, info in _plain_fields(model):
            cells = [f"`{key}`", _type(info), _default(info), _cell(words[_dotted(path, key)])]
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
        if path == "logs.*":
            parts += ["## logs.*.columns", "", _COLUMNS]
        if path == "logs.*.partition":
            parts.append(_FOLDERS)
        if path == "logs.*.csv":
            parts.append(_TEXT)
    return "\n".join(parts).rstrip() + "\n"


def _title(path: str, model: type[Frozen]) -> str:
    source = model.model_fields.get("source")
    if path.endswith("[]") and source is not None:
        names = get_args(source.annotation)
        of = ", ".join(f"source: {name}" for name in names if isinstance(name, str))
        return f"{path}, {of or 'a source of your own'}"
    return path or "Top level"


def models() -> Iterator[tuple[str, type[Frozen]]]:
    """Give every part of the config with the dotted way to it; ``logs.*`` is any log."""
    yield "", Config
    yield "logs.*", LogConfig
    yield from _below(LogConfig, "logs.*")
    yield from _below(Config, "")


def known_keys() -> list[str]:
    """Return every key that has a value of its own, dotted."""
    return [_dotted(path, key) for path, model in models() for key, _ in _plain_fields(model)]


def _below(model: type[Frozen], path: str) -> Iterator[tuple[str, type[Frozen]]]:
    for name, info in model.model_fields.items():
        for inner in _models_of(info.annotation):
            if inner.__name__ != "Logs":
                way = _dotted(path, name)
                yield (f"{way}[]" if get_origin(info.annotation) is tuple else way), inner
                yield from _below(inner, way)


def _plain_fields(model: type[Frozen]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        # A part with keys of its own has a section; a list of parts has its own line as well.
        of_parts = _models_of(info.annotation)
        if not of_parts or get_origin(info.annotation) is tuple or _is_word(info.annotation):
            yield info.alias or name, info


def _models_of(annotation: Any) -> list[type[Frozen]]:
    """Return the parts that a key can hold: alone, optional, or as a list."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return [annotation]
    if get_origin(annotation) is dict:
        return []
    return [model for inner in get_args(annotation) for model in _models_of(inner)]


def _is_word(annotation: Any) -> bool:
    """Return whether a word may stand in place of a part."""
    return any(get_origin(inner) is Literal for inner in get_args(annotation))


def _type(info: FieldInfo) -> str:
    text = _type_name(info.annotation)
    bounds = [*info.metadata]
    signs = {Ge: "≥", Gt: ">", Le: "≤", Lt: "<"}
    limits = [
        f"{sign} {_number(getattr(bound, kind.__name__.lower()))}"
        for bound in bounds
        for kind, sign in signs.items()
        if isinstance(bound, kind)
    ]
    return _cell(", ".join([text, *limits]))


def _type_name(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_name(inner[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is tuple:
        if inner[-1] is not Ellipsis:
            return f"{len(inner)} × {_type_name(inner[0])}"
        return f"list of {_type_name(inner[0])}"
    if origin is dict:
        of = get_args(inner[1])[0] if get_origin(inner[1]) is Annotated else inner[1]
        value = "source" if len(get_args(of)) > 4 else _type_name(of)
        return f"map of {_type_name(inner[0])} to {value}"
    if inner:
        plain = [part for part in inner if part is not type(None)]
        return " or ".join(_type_name(part) for part in plain)
    names = {str: "text", bool: "true or false", int: "whole number", float: "number", date: "date"}
    return names.get(annotation, "map")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    value = info.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = [_written(part) for part in value]
    value = _written(value)
    return f"`{_cell(json.dumps(value))}`"


def _written(value: Any) -> Any:
    """Return a part as one writes it: without the keys that nobody needs to write."""
    return value.model_dump(exclude_unset=True) if isinstance(value, Frozen) else value


def _number(value: float) -> str:
    return f"2^{int(value).bit_length() - 1}" if value >= 2**31 else f"{value:g}"


def _dotted(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

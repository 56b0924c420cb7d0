"""Whether the parts of a config agree with each other and with the contracts."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache

import yaml

from winnow.config.explain import Checked, nearest
from winnow.config.logs import (
    LOG_NAMES,
    ColumnMapping,
    ColumnSource,
    Concat,
    FirstOf,
    LogConfig,
    TimeSource,
)
from winnow.config.sampling import Attribution, Hard, Mix, Positives
from winnow.config.tree import TABLES
from winnow.config.wide import ByStage, Constant, FromFlags
from winnow.config.yaml_text import Document, Key
from winnow.errors import Problem
from winnow.shipped_files import shipped_text

_CARRYING = ("positives", "training_samples", "ranking_samples")

Parts = Mapping[str, Checked]
"""The checked parts of the config by key."""


@cache
def contract_columns(table: str) -> Mapping[str, str]:
    """Return name and type of a contract's columns, read from ``schemas/<table>.yaml``."""
    tree = yaml.safe_load(shipped_text("schemas", f"{table}.yaml"))
    return {column["name"]: column["type"] for column in tree["columns"]}


def disagreements(
    parts: Parts, logs: Mapping[str, LogConfig], document: Document
) -> Iterator[Problem]:
    """Give every problem between parts that are each right in themselves.

    Args:
        parts: The parts of the config by top-level key.
        logs: The logs that are right in themselves, by name.
        document: The file, for the places.
    """
    yield from _tables(parts, document)
    yield from _windows(parts, document)
    yield from _carry(parts, document)
    for name, log in logs.items():
        carry = [column for _, column in _names("carry", parts, document)]
        yield from _columns(name, log, carry if name == "impressions" else (), document)
    yield from _sources(logs, document)
    # A ranking log that is there but wrong is told about once, where it is wrong.
    named = document.tree.get("logs")
    if isinstance(named, dict):
        yield from _hard(parts, named.get("ranking_log") is not None, logs, document)


def _tables(parts: Parts, document: Document) -> Iterator[Problem]:
    tables = _names("tables", parts, document)
    for place, table in tables:
        key: Key = ("tables", place)
        if table not in TABLES:
            known, hint = f"one of {', '.join(TABLES)}", nearest(table, TABLES)
            yield Problem(document.where(key), "this table is not known", table, known, hint)
        elif table in [other for before, other in tables if before < place]:
            yield Problem(document.where(key), f"{table} is named twice")


def _windows(parts: Parts, document: Document) -> Iterator[Problem]:
    given, known = parts["attribution"].value, parts["positives"].value
    if not isinstance(given, Attribution) or not isinstance(known, Positives):
        return
    for action in given.windows:
        if action not in known.actions:
            yield Problem(
                document.where(("attribution", "windows", action)),
                "positives.actions has no such action",
                found=action,
                expected=f"one of {', '.join(known.actions)}",
                next_step=nearest(action, known.actions),
            )


def _carry(parts: Parts, document: Document) -> Iterator[Problem]:
    carry = _names("carry", parts, document)
    for place, column in carry:
        where = document.where(("carry", place))
        taken = [t for t in _CARRYING if column.lower() in contract_columns(t)]
        if taken:
            yield Problem(
                where,
                f"{column} is a column of {', '.join(taken)} already",
                next_step="Take it out of carry, or give the column another name in the log.",
            )
        elif column.lower() in [other.lower() for before, other in carry if before < place]:
            yield Problem(where, f"{column} is named twice")


def _names(part: str, parts: Parts, document: Document) -> list[tuple[int, str]]:
    """Return the names of a list that are right in themselves, with their places in the file."""
    written = document.tree.get(part)
    right = parts[part].value
    if not isinstance(written, list) or right is None:
        return []
    return [(place, name) for place, name in enumerate(written) if name in right]


def _columns(
    name: str, log: LogConfig, carry: Collection[str], document: Document
) -> Iterator[Problem]:
    contract = contract_columns(name)
    for column, mapping in log.columns.items():
        key: Key = ("logs", name, "columns", column)
        if column in carry and column not in contract:
            if not isinstance(mapping, str):
                what = "a carried column is copied as it is"
                yield Problem(document.where(key), what, expected="the name of a source column")
            continue
        if column not in contract:
            yield Problem(
                document.where(key),
                f"the contract of {name} has no such column",
                expected=f"one of {', '.join(contract)}",
                next_step=nearest(column, contract),
            )
            continue
        is_time = contract[column] == "timestamp"
        units = isinstance(mapping, TimeSource) and mapping.model_fields_set - {"column"}
        if units and not is_time:
            yield Problem(
                document.where(key),
                f"{column} is not a time",
                found=", ".join(sorted(units)),
                expected=f"a source of type {contract[column]}",
            )
        if log.format == "csv" and log.csv.names is not None:
            known = (*log.csv.names, *(log.explode.named_fields if log.explode else ()))
            for source in sorted(set(source_columns(mapping)) - set(known)):
                yield Problem(
                    document.where(key),
                    f"csv.names does not list {source}",
                    expected=f"one of {', '.join(known)}",
                    next_step=nearest(source, known),
                )


def source_columns(mapping: ColumnMapping) -> tuple[str, ...]:
    """Return the source columns that one mapping reads, in its order."""
    if isinstance(mapping, FirstOf):
        return mapping.first_of
    if isinstance(mapping, Concat):
        return mapping.concat
    if isinstance(mapping, TimeSource | ColumnSource):
        return (mapping.column,)
    if isinstance(mapping, Constant):
        return ()
    if isinstance(mapping, FromFlags):
        return tuple(mapping.from_flags.values())
    if isinstance(mapping, ByStage):
        return tuple(mapping.by_stage.values())
    return (mapping,)


def _sources(logs: Mapping[str, LogConfig], document: Document) -> Iterator[Problem]:
    for name, log in logs.items():
        if log.derived_from is None:
            continue
        source = logs.get(log.derived_from)
        if log.derived_from == name or (source is not None and source.derived_from is not None):
            yield Problem(
                document.where(("logs", name, "from")),
                "a log is derived from another log that has a path",
                found=log.derived_from,
            )
        elif source is None and log.derived_from not in _logs_in(document):
            yield Problem(
                document.where(("logs", name, "from")),
                f"{name} is derived from a log that is not there",
                found=log.derived_from,
                expected=f"one of {', '.join(sorted(set(_logs_in(document)) - {name}))}",
            )


def _logs_in(document: Document) -> tuple[str, ...]:
    return tuple(name for name in LOG_NAMES if name in document.tree["logs"])


def _hard(
    parts: Parts, has_ranking_log: bool, logs: Mapping[str, LogConfig], document: Document
) -> Iterator[Problem]:
    mix, hard = (parts[n].value if parts[n].whole else None for n in ("mix", "hard"))
    wanted = isinstance(mix, Mix) and mix.n_hard > 0
    if isinstance(mix, Mix) and wanted and not has_ranking_log:
        default = "" if "hard_ratio" in mix.model_fields_set else " (the default)"
        yield Problem(
            document.where(("mix", "hard_ratio")),
            "hard negatives come from the ranking log, and logs has no ranking_log",
            found=f"{mix.hard_ratio}{default}",
            expected="0",
            next_step="Set mix: {hard_ratio: 0.0}, or describe logs.ranking_log.",
        )
    if not isinstance(hard, Hard) or not has_ranking_log:
        return
    if wanted and all(stage.take == "none" for stage in hard.stages):
        yield Problem(
            document.where(("hard", "stages")),
            "no stage gives hard negatives, but mix.hard_ratio asks for them",
            found=", ".join(f"{stage.name}: {stage.take}" for stage in hard.stages) or "no stage",
            expected="a stage with take: cut or take: low",
        )
    log = logs.get("ranking_log")
    if log is not None and log.sampled and hard.cut_known_by == "membership":
        yield Problem(
            document.where(("hard", "cut_known_by")),
            "membership needs every row of a request, but logs.ranking_log.sampled is true",
            found="membership",
            expected="passed or last_stage",
        )

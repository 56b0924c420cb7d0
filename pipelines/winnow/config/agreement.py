"""Whether the parts of a config agree with each other and with the contracts."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from winnow.config.columns import TimeSource
from winnow.config.evaluation import evaluation_faults
from winnow.config.in_batch import IN_BATCH_KEYS, in_batch_faults
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.market_faults import market_faults
from winnow.config.model import Fault, fault, nearest
from winnow.config.negatives_faults import negatives_faults
from winnow.config.popularity import Popularity
from winnow.config.positives import Positives
from winnow.config.ranking import cascade_faults, ranking_faults
from winnow.config.requests import requests_faults
from winnow.config.sampling import Attribution
from winnow.config.yaml_text import Key
from winnow.shipped_files import shipped_tree

_CARRYING = ("positives", "training_samples", "ranking_samples", "item_stats")

_MOST_WEIGHT = 1_000
"""Of popularity in units of 2^-26, sums of 10^8 such actions stay within 64 bits."""

RightParts = Mapping[str, Any]
"""Parts of a config by key: all of them, or those that are right by themselves."""

RightLogs = Mapping[str, LogConfig | None]
"""Logs by name: None where there is no such log; one that is wrong by itself is left out."""


@cache
def contract_columns(table: str) -> Mapping[str, str]:
    """Return name and type of a contract's columns whose names it knows, read from its YAML.

    Those for in-batch negatives are left out: ``slot`` is what many logs call a place of an
    advertisement, so it is taken where batches are asked for only.
    """
    tree = shipped_tree("schemas", f"{table}.yaml")
    usual = (c for c in tree["columns"] if c.get("when") not in IN_BATCH_KEYS)
    return {c["name"]: c["type"] for c in usual if "{" not in c["name"]}


@cache
def tables_that_carry(log: str) -> tuple[str, ...]:
    """Return the tables that columns of a log are carried to, by their contracts."""
    trees = {table: shipped_tree("schemas", f"{table}.yaml") for table in _CARRYING}
    return tuple(table for table, tree in trees.items() if log in tree.get("carries", ()))


def tables_that_have(column: str, log: str = "impressions") -> list[str]:
    """Return the tables that carry columns of a log and have one of this name by contract."""
    return [table for table in tables_that_carry(log) if column.lower() in contract_columns(table)]


def is_there_already(column: str, tables: Collection[str]) -> Fault:
    """Return what is wrong where a carried column has the name of a column of tables."""
    what = f"{column} is a column of {', '.join(tables)} already"
    fix = "Take it out of carry, or give the column another name in the log."
    return fault((), what, next_step=fix)


def disagreements(parts: RightParts, logs: RightLogs) -> Iterator[Fault]:
    """Give every rule between parts that is broken, as far as the parts that it needs are right.

    Args:
        parts: The parts by top-level key.
        logs: The logs by name.
    """
    yield from _popularity(parts.get("popularity"), parts.get("positives"))
    yield from _windows(parts.get("attribution"), parts.get("positives"))
    yield from _told_strengths(parts.get("positives"), parts.get("tables"))
    # Those of items stand in item_stats alone.
    logged = (log for name, log in logs.items() if log is not None and name != "items")
    carried = [*parts.get("carry", ()), *(column for log in logged for column in log.carry)]
    positives = parts.get("positives")
    yield from _asked_columns(positives, carried)
    asked = {key: parts[key] for key in IN_BATCH_KEYS if parts.get(key) is not None}
    for name in ("streaming", "pool") if "in_batch" in asked else ():
        if (part := getattr(parts["in_batch"], name)) is not None:
            asked[f"in_batch.{name}"] = part
    yield from in_batch_faults(asked, parts.get("tables"), carried)
    of_requests = (parts.get("requests"), parts.get("exclusion"), parts.get("tables"))
    values = () if positives is None else positives.values
    has_aliases = logs.get("item_aliases") is not None
    yield from requests_faults(*of_requests, values, has_aliases=has_aliases)
    held_out = (parts.get("split"), parts.get("attribution"), parts.get("exclusion"))
    zone = parts.get("calendar_zone", "UTC")
    yield from evaluation_faults(*held_out, parts.get("tables"), zone)
    for name, log in logs.items():
        if log is not None:
            carry = parts.get("carry", ()) if name == "impressions" else log.carry
            values = positives.values if positives is not None and name == "clicks" else ()
            # Which columns the click log may have is not known where positives is wrong itself.
            if name != "clicks" or positives is not None:
                yield from _columns(name, log, carry, values)
            yield from _carried(name, log)
    yield from _carried_twice(parts.get("carry", ()), logs)
    yield from _sources(logs)
    ranking, funnel = parts.get("ranking"), parts.get("funnel")
    if ranking is not None and funnel is not None:
        stages = [stage.name for stage in funnel.stages]
        has_log = logs.get("ranking_log", True) is not None
        values = positives.values if positives is not None else ()
        yield from ranking_faults(ranking, stages, [*carried, *values], has_log=has_log)
        yield from cascade_faults(parts.get("tables", ()), stages, has_log=has_log)
    yield from negatives_faults(parts.get("negatives"), parts.get("funnel"), logs)
    if "carry" in parts:
        markets = (parts.get("negatives"), parts.get("popularity"), logs)
        yield from market_faults(*markets, parts["carry"], parts.get("tables"))


def _popularity(popularity: Popularity | None, positives: Positives | None) -> Iterator[Fault]:
    if popularity is None:
        return
    if popularity.of == "impressions" and popularity.clicks == "attributed":
        what = "impressions are no clicks that could be attributed to one"
        yield fault(("popularity", "clicks"), what, "attributed", "all or chosen")
    for action, weight in positives.weights.items() if positives is not None else ():
        if popularity.of == "actions" and weight > _MOST_WEIGHT:
            what = "popularity.of: actions adds up weights, and this one is too large"
            key = ("positives", "weights", action)
            yield fault(key, what, str(weight), f"{_MOST_WEIGHT} at most")


def _windows(attribution: Attribution | None, positives: Positives | None) -> Iterator[Fault]:
    if attribution is None or positives is None:
        return
    for action in attribution.windows:
        if action not in positives.actions:
            yield fault(
                ("attribution", "windows", action),
                "positives.actions has no such action",
                action,
                f"one of {', '.join(positives.actions)}",
                nearest(action, positives.actions),
            )


def _told_strengths(positives: Positives | None, tables: Collection[str] | None) -> Iterator[Fault]:
    """Give what is wrong where weak or organic positives would be rows like all others."""
    if positives is None or tables is None:
        return
    telling = ("positives", "training_samples")
    for strength in positives.others:
        if not set(telling) & set(tables):
            what = f"no table that is written tells {strength} positives from others"
            expected = f"{' or '.join(telling)} among tables"
            yield fault(("positives", strength), what, None, expected)
        if "training_samples_pointwise" in tables:
            what = f"training_samples_pointwise does not tell {strength} positives from others"
            fix = "Take one of both out; training_samples has label_strength."
            yield fault(("positives", strength), what, next_step=fix)


def _asked_columns(positives: Positives | None, carried: Collection[str]) -> Iterator[Fault]:
    """Give the labels and values whose columns have a name that a table has or carries already."""
    if positives is None:
        return
    labels, values = enumerate(positives.label_names.items()), positives.values
    asked: list[tuple[Key, str, list[str]]] = [
        (("labels", i), a, [f"label_{n}", f"label_{n}_delay_ms", f"label_{n}_us"])
        for i, (a, n) in labels
    ]
    asked += [(("values", name), name, [name, f"value_{name}"]) for name in values]
    known = {column.lower() for column in carried}
    for key, given, columns in asked:
        for column in columns:
            of_log = key[0] == "values" and column.lower() in contract_columns("clicks")
            if of_log or tables_that_have(column) or column.lower() in known:
                what = f"{column} is the name of another column already"
                fix = "Call this otherwise in the log's mapping, or rename the other column."
                yield fault(("positives", *key), what, given, next_step=fix)
                break
        known.update(column.lower() for column in columns)


def _columns(
    name: str, log: LogConfig, carry: Collection[str], values: Collection[str]
) -> Iterator[Fault]:
    contract = {**contract_columns(name), **dict.fromkeys(values, "double")}
    for column, mapping in log.columns.items():
        key = ("logs", name, "columns", column)
        if column in carry:
            if not isinstance(mapping, str):
                what = "a carried column is copied as it is"
                yield fault(key, what, expected="the name of a source column")
        elif column not in contract:
            yield fault(
                key,
                f"the contract of {name} has no such column",
                expected=f"one of {', '.join(contract)}",
                next_step=nearest(column, contract),
            )
        elif isinstance(mapping, TimeSource) and contract[column] != "timestamp":
            what = f"{column} is not a time"
            expected = f"a column name, or {{column: {mapping.column}, type: …}}"
            yield fault(key, what, ", ".join(sorted(mapping.model_fields_set)), expected)


def _carried(name: str, log: LogConfig) -> Iterator[Fault]:
    """Give what is wrong with the columns that a log other than the impressions has carried."""
    where: Key = ("logs", name, "carry")
    if log.carry and not (name != "impressions" and tables_that_carry(name)):
        fix = "Name them under carry, at the top." if name == "impressions" else None
        yield fault(where, f"no table takes columns of {name} from here", next_step=fix)
        return
    for index, column in enumerate(log.carry):
        if tables := tables_that_have(column, name):
            _, problem = is_there_already(column, tables)
            yield (*where, index), problem


def _carried_twice(of_impressions: Collection[str], logs: RightLogs) -> Iterator[Fault]:
    """Give names that columns of several logs would have in one table."""
    carried_from = {column.lower(): "impressions" for column in of_impressions}
    for name in ("clicks", "users"):
        log = logs.get(name)
        for index, column in enumerate(log.carry if log is not None else ()):
            first = carried_from.setdefault(column.lower(), name)
            if first != name:
                what = f"{column} is carried from {first} already"
                fix = f"Map another name to the column under logs.{name}.columns, and carry that."
                yield fault(("logs", name, "carry", index), what, next_step=fix)


def _sources(logs: RightLogs) -> Iterator[Fault]:
    given = [name for name in LOG_NAMES if name not in logs or logs[name] is not None]
    for name, log in logs.items():
        if log is None or log.derived_from is None:
            continue
        source = logs.get(log.derived_from)
        if log.derived_from not in given or (source and source.derived_from is not None):
            others = [n for n in given if n != name and not getattr(logs.get(n), "derived_from", 0)]
            yield fault(
                ("logs", name, "from"),
                "a log is derived from another log that has a path",
                log.derived_from,
                f"one of {', '.join(others)}" if others else None,
            )

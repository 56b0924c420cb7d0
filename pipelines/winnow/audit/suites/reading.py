"""Read the suites that a config names, and find what is wrong with them before a build begins."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from winnow.audit.suites.actions import action_problems
from winnow.audit.suites.checks import expectation_problems
from winnow.audit.suites.suite import Suite, expected_of
from winnow.config.expectations import Expectations
from winnow.config.logs import LOG_NAMES
from winnow.config.model import nearest
from winnow.config.tree import Config
from winnow.config.yaml_text import parse_yaml
from winnow.contracts.tables import table_contract
from winnow.errors import ConfigError, Problem

_MOST_BYTES = 16 * 2**20
_OLD_KEYS = ("expectation_suite_name", "expectation_type")


def read_suites(config: Config) -> tuple[Suite, ...]:
    """Return the suites of a config, each of them right as far as can be known without data.

    Raises:
        ConfigError: Holds every problem: a table or log that is not there, a file that cannot be
            read, an expectation, column, parameter or action that is not known.
    """
    suites, problems, names = list[Suite](), list[Problem](), set[str]()
    for number, given in enumerate(config.expectations):
        where = f"expectations[{number}]"
        wrong = list(_subject_problems(where, given, config))
        tree = _tree_of(where, given, wrong)
        if tree is not None and not wrong:
            at = f"{where} ({Path(given.suite).name})" if given.suite else where
            parameters = tree.get("suite_parameters") or {}
            columns = _columns(given, config)
            for place, one in enumerate(tree["expectations"]):
                wrong += expectation_problems(
                    f"{at}, expectation {place + 1}",
                    one,
                    columns,
                    parameters,
                    by_engine=given.all_rows,
                )
            if not wrong:
                suites.append(
                    Suite(
                        given,
                        name=str(tree.get("name") or given.subject),
                        source=Path(given.suite).name if given.suite else "",
                        expected=expected_of(tree["expectations"], given, names),
                        parameters=parameters,
                    )
                )
        problems += [*wrong, *action_problems(where, given.actions)]
    ConfigError.raise_if_any(problems)
    return tuple(suites)


def _subject_problems(where: str, given: Expectations, config: Config) -> Iterator[Problem]:
    if given.table is not None and given.table not in config.tables_written:
        known = config.tables_written
        yield Problem(
            f"{where}.table",
            "this table is not written",
            given.table,
            f"one of {', '.join(known)}",
            nearest(given.table, known),
        )
    logs = [name for name in LOG_NAMES if getattr(config.logs, name) is not None]
    if given.log is not None and given.log not in logs:
        yield Problem(
            f"{where}.log",
            "this log is not configured",
            given.log,
            f"one of {', '.join(logs)}",
            nearest(given.log, logs),
        )


def _columns(given: Expectations, config: Config) -> tuple[str, ...]:
    """Return the columns of what is judged, those that the config carries there included."""
    contract = table_contract(given.subject)
    logs = (given.log,) if given.log is not None else contract.carries
    carried = (name for log in logs for name in config.carried(log))
    return (*contract.resolved(config.ids, None, config.asked_for).names, *carried)


def _tree_of(where: str, given: Expectations, wrong: list[Problem]) -> dict[str, Any] | None:
    """Return a suite as Great Expectations writes it; None where it cannot be read."""
    if given.suite is None:
        return {"expectations": list(given.expectations or ())}
    key, path = f"{where}.suite", Path(given.suite)
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            wrong.append(Problem(key, "the suite is too large", None, f"{_MOST_BYTES:,} bytes"))
            return None
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        there = [p.name for p in path.parent.glob("*.*")] if path.parent.is_dir() else []
        what = "this suite is not there"
        wrong.append(Problem(key, what, str(path), next_step=nearest(path.name, there)))
        return None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        wrong.append(Problem(key, f"the suite cannot be read: {why}", str(path)))
        return None
    tree = _parsed(key, path.name, text, wrong)
    shape = None if tree is None else _shape_problem(key, path.name, tree)
    if shape is not None:
        wrong.append(shape)
    return tree if isinstance(tree, dict) and shape is None else None


def _parsed(key: str, name: str, text: str, wrong: list[Problem]) -> Any:
    if name.lower().endswith(".json"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            wrong.append(Problem(f"{key} ({name})", "the suite is not JSON", str(error)))
            return None
    document = parse_yaml(text, name)
    wrong += document.problems
    return document.tree


def _shape_problem(key: str, name: str, tree: Any) -> Problem | None:
    where = f"{key} ({name})"
    expected = "a map with name and expectations, as Great Expectations 1.x writes it"
    given = tree.get("expectations") if isinstance(tree, Mapping) else None
    if not isinstance(given, list) or not given:
        found = f"keys {', '.join(map(str, tree))}" if isinstance(tree, Mapping) else None
        return Problem(where, "this is no suite with expectations", found, expected)
    old = any(isinstance(one, Mapping) and _OLD_KEYS[1] in one for one in given)
    if old or _OLD_KEYS[0] in tree:
        what = "the suite was written by a version of Great Expectations before 1.0"
        return Problem(where, what, " or ".join(_OLD_KEYS), "name, and type of each expectation")
    return None

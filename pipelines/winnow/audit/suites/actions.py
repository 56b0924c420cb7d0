"""Actions of Great Expectations, such as mail and chat: run whatever came of a suite.

What they are called with may hold secrets. So nothing that they say is shown: of one that fails,
its name and the kind of the failure.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from winnow.audit.suites.checks import problems_of
from winnow.audit.suites.suite import Suite
from winnow.config.model import nearest
from winnow.errors import Problem

_SECONDS = 60.0
"""How long an action may take; some wait for an answer for ever."""

_OF_PAGES = "update_data_docs"


def action_problems(where: str, actions: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return what is wrong with actions, as far as can be known before they run."""
    found: list[Problem] = []
    for number, action in enumerate(actions):
        found += _problems(f"{where}.actions[{number}]", action)
    return found


def run_actions(
    suite: Suite, result: Any, context: Any, *, run_id: str, seconds: float = _SECONDS
) -> list[str]:
    """Run the actions of a suite, one after the other.

    Args:
        suite: The suite.
        result: What Great Expectations found, as its own result of a suite.
        context: Its context.
        run_id: Names the run to whoever is told.
        seconds: How long each may take.

    Returns:
        A warning for each that failed.
    """
    if not suite.given.actions:
        return []
    _without_its_log()
    warnings = []
    for number, action in enumerate(suite.given.actions):
        failures: list[str] = []

        def run(action: Mapping[str, Any] = action, failures: list[str] = failures) -> None:
            failures += _failures(action, suite, result, context, run_id)

        thread = threading.Thread(target=run, daemon=True, name="action")
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            failures = [f"it did not end within {seconds:g} s"]
        name = action.get("name", number + 1)
        warnings += [f"action {name} of suite {suite.name} failed: {why}" for why in failures]
    return warnings


def _failures(
    action: Mapping[str, Any], suite: Suite, result: Any, context: Any, run_id: str
) -> list[str]:
    try:
        filled = context.config_provider.substitute_config(dict(action))
        made = _classes()[filled["type"]](**filled)
        said = made.run(checkpoint_result=_of_checkpoint(suite, result, made, run_id))
    except Exception as error:
        variable = getattr(error, "missing_config_variable", None)
        missing = f" ({variable} has no value)" if variable else ""
        return [f"{type(error).__name__}{missing}"]
    # Great Expectations keeps some failures for itself and returns no result.
    lost = isinstance(said, Mapping) and any(value is None for value in said.values())
    return ["nothing was sent"] if lost else []


def _of_checkpoint(suite: Suite, result: Any, action: Any, run_id: str) -> Any:
    """Return the result as a checkpoint would hand it to its actions."""
    from great_expectations.checkpoint.checkpoint import Checkpoint, CheckpointResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    run = RunIdentifier(run_name=run_id)
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=suite.name),
        run_id=run,
        batch_identifier=result.batch_id,
    )
    name = f"winnow {suite.given.subject}: {suite.name}"
    checkpoint = Checkpoint(name=name, validation_definitions=[], actions=[action])
    return CheckpointResult(run_id=run, run_results={key: result}, checkpoint_config=checkpoint)


def _problems(where: str, action: Mapping[str, Any]) -> Iterator[Problem]:
    classes = _classes()
    known = [kind for kind in sorted(classes) if kind != _OF_PAGES]
    kind = action.get("type")
    if kind not in known:
        what = "Great Expectations knows no such action"
        if kind == _OF_PAGES:
            what = "pages of Great Expectations are not kept, winnow report has all results"
        found = None if kind is None else str(kind)
        hint = nearest(str(kind), known) if kind else None
        yield Problem(f"{where}.type", what, found, f"one of {', '.join(known)}", hint)
        return
    try:
        classes[kind](**action)
    except Exception as error:
        yield from problems_of(where, error, type(error).__name__)


def _classes() -> dict[str, Any]:
    """Return the actions by their type, those that the user's own code has defined too."""
    from great_expectations.checkpoint.actions import ValidationAction

    found, waiting = dict[str, Any](), list[Any](ValidationAction.__subclasses__())
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        kind = one.__fields__.get("type")
        if kind is not None and kind.default:
            found[kind.default] = one
    return found


def _nothing(_record: logging.LogRecord) -> bool:
    return False


def _without_its_log() -> None:
    """Have its actions log nothing: they would write what a server answered, or its address."""
    # Adding the same filter once more changes nothing.
    logging.getLogger("great_expectations.checkpoint.actions").addFilter(_nothing)

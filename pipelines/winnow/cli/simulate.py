"""Simulate logs and write the config that fits them."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from winnow.building.progress import Progress
from winnow.cli.init import write_simulated
from winnow.errors import ConfigError, Problem
from winnow.simulation import Simulation, simulate


def run_simulation(settings: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Simulate, then write ``winnow.yaml`` beside the logs.

    Args:
        settings: Those of ``Simulation``.
        progress: Told of every date.

    Returns:
        The config's path, rows and planted broken rows per log, the dates to build, and how many
        dates of history lie before them.

    Raises:
        ConfigError: A setting is out of range, or the folder cannot be written.
    """
    try:
        simulation = Simulation(**settings)
    except ValidationError as error:
        raise ConfigError(*(_problem(found) for found in error.errors())) from error
    try:
        with progress.stage("simulate") as stage:
            summary = simulate(simulation, progress.say)
            totals = {log: summary.total_rows(log) for log in summary.rows}
            stage.rows = sum(totals.values())
        config = write_simulated(simulation)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(Problem(str(simulation.out), f"cannot be written: {why}")) from error
    return {
        "config": str(config),
        "rows": totals,
        "dirty_rows": {log: summary.total_dirty_rows(log) for log in summary.dirty_rows},
        "days": [day.isoformat() for day in simulation.dates() if day >= simulation.first_day],
        "history_days": simulation.history_days,
    }


def _problem(found: Any) -> Problem:
    text = str(found["msg"]).removeprefix("Value error, ")
    if not found["loc"]:
        return Problem("simulate", text)
    option = "--" + str(found["loc"][0]).replace("_", "-")
    return Problem(option, text[0].lower() + text[1:], found=str(found["input"]))

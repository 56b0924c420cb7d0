"""``winnow simulate``: logs of a made-up recommender, and the config that fits them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.options import (
    DebugOption,
    JsonOption,
    LogFormatOption,
    day_of,
    print_result,
    progress_for,
)
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.building.progress import Progress
    from winnow.errors import Problem


def simulate(
    out: Annotated[Path, typer.Option(help="Folder that receives logs/, truth/, winnow.yaml.")],
    days: Annotated[int, typer.Option(help="Dates to simulate.")] = 3,
    first_day: Annotated[str, typer.Option(help="The first of them, YYYY-MM-DD.")] = "2026-01-01",
    history_days: Annotated[int, typer.Option(help="Dates before it, for popularity.")] = 14,
    users: Annotated[int, typer.Option(help="Users.")] = 2_000,
    items: Annotated[int, typer.Option(help="Items.")] = 3_000,
    requests_per_day: Annotated[int, typer.Option(help="Requests per date.")] = 4_000,
    dirty_share: Annotated[float, typer.Option(help="Broken rows per clean row.")] = 0.002,
    string_ids: Annotated[bool, typer.Option(help="Ids like u000123.")] = False,
    log_candidates: Annotated[
        bool, typer.Option("--log-candidates", help="Log six stages too, as flags of candidates.")
    ] = False,
    rejection_share: Annotated[
        float, typer.Option(help="Log what users reject too: half of this share of what is shown.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal logs.")] = 0,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make up the logs of a whole recommender, to try Winnow on.

    Users with tastes, items with a popularity; recall, coarse and fine ranking, showing, clicks by
    relevance and position, some late, some stronger; a share of broken rows. The truth behind it
    lies beside the logs, and so does a winnow.yaml that fits them.
    """
    settings = {
        "out": out,
        "days": days,
        "first_day": day_of(first_day, "--first-day"),
        "history_days": history_days,
        "users": users,
        "items": items,
        "requests_per_day": requests_per_day,
        "dirty_share": dirty_share,
        "string_ids": string_ids,
        "log_candidates": log_candidates,
        "rejection_share": rejection_share,
        "seed": seed,
    }
    record = run_simulation(settings, progress_for(as_json, log_format))
    rows = ", ".join(f"{log} {count:,}" for log, count in record["rows"].items())
    print_result(record, f"Rows: {rows}.\nNow build the first date:", as_json)
    if not as_json:
        plain_console().print(f"  winnow build --config {record['config']} --ds {first_day}")


def run_simulation(settings: Mapping[str, Any], progress: "Progress") -> dict[str, Any]:
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
    from pydantic import ValidationError

    from winnow.errors import ConfigError, Problem
    from winnow.simulation import Simulation
    from winnow.simulation import simulate as simulate_logs
    from winnow.simulation.build_config import write_simulated

    try:
        simulation = Simulation(**settings)
    except ValidationError as error:
        raise ConfigError(*(_problem(found) for found in error.errors())) from error
    try:
        with progress.stage("simulate") as stage:
            summary = simulate_logs(simulation, progress.say)
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


def _problem(found: Any) -> "Problem":
    from winnow.errors import Problem

    text = str(found["msg"]).removeprefix("Value error, ")
    if not found["loc"]:
        return Problem("simulate", text)
    option = "--" + str(found["loc"][0]).replace("_", "-")
    return Problem(option, text[0].lower() + text[1:], found=str(found["input"]))

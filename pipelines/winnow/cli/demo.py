"""The demo: simulate three dates, build each in one session, show what was made."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.exit_codes import run_to_exit_code

SIZES = {
    "full": {"users": 2_000, "items": 3_000, "requests_per_day": 4_000},
    "small": {"users": 200, "items": 400, "requests_per_day": 200},
}
DAYS = 3


def demo(
    out: Annotated[Path, typer.Option(help="Folder for logs and tables.")] = Path("demo"),
    size: Annotated[str, typer.Option(help="full or small.")] = "full",
    engine: Annotated[str | None, typer.Option("--engine", help="sail, the default, or spark.")] = (
        None
    ),
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Build three dates of simulated logs, print what was made, write a report.

    Two weeks of logs before them are simulated too: popularity counts their clicks.
    """
    from rich.console import Console

    from winnow.building.build import build
    from winnow.building.progress import Progress
    from winnow.building.request import BuildRequest
    from winnow.building.summary import print_builds
    from winnow.cli.report import write_report
    from winnow.cli.simulate import run_simulation
    from winnow.config.loading import load_config
    from winnow.engine.choice import start_engine
    from winnow.errors import ConfigError, Problem

    if size not in SIZES:
        raise ConfigError(Problem("--size", "this size is not known", size, "full or small"))
    progress = Progress()
    simulated = run_simulation({"out": out, "days": DAYS, **SIZES[size]}, progress)
    config = load_config(simulated["config"])
    with progress.stage("start the engine"):
        running = start_engine("winnow demo", engine=engine, driver_memory="2g", small_data=True)
    made = []
    with running:
        for text in simulated["days"]:
            progress.say(f"\nbuild {text}")
            day = date.fromisoformat(text)
            made.append(build(BuildRequest(config=config, day=day, engine=running, home=Path(out))))
    page = write_report(Path(config.warehouse), made[-1].release_id, None)
    console = Console(highlight=False, soft_wrap=True)
    print_builds(made, console)
    console.print(f"\nLook at its report in a browser:\n\n{page}", markup=False)


def main() -> int:
    """Run the demo; return the exit code."""
    import sys

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(demo)
    return run_to_exit_code(lambda: app(prog_name="python -m winnow.cli.demo"), sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())

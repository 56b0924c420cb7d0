"""``winnow demo``: simulate three dates, build each in one session, show what was made."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.options import (
    DebugOption,
    EngineOption,
    JsonOption,
    LogFormatOption,
    print_json,
    progress_for,
    require_engine,
)
from winnow.terminal import plain_console

SIZES = {
    "full": {"users": 2_000, "items": 3_000, "requests_per_day": 4_000},
    "small": {"users": 200, "items": 400, "requests_per_day": 200},
}
DAYS = 3


def demo(
    out: Annotated[Path, typer.Option(help="Folder for logs and tables.")] = Path("demo"),
    size: Annotated[str, typer.Option(help="full or small.")] = "full",
    engine: EngineOption = None,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Build three dates of simulated logs, print what was made, write a report.

    Two weeks of logs before them are simulated too: popularity counts their clicks. Everything
    lies in one folder, which may be removed afterwards.
    """
    require_engine(engine, None, None)
    progress = progress_for(as_json, log_format)
    if size not in SIZES:
        from winnow.errors import ConfigError, Problem

        raise ConfigError(Problem("--size", "this size is not known", size, "full or small"))
    from winnow.building.build import build
    from winnow.building.request import BuildRequest
    from winnow.building.summary_text import print_builds
    from winnow.cli.report_pages import write_report
    from winnow.cli.simulate import run_simulation
    from winnow.config.loading import load_config
    from winnow.engine.choice import start_engine

    simulated = run_simulation({"out": out, "days": DAYS, **SIZES[size]}, progress)
    config = load_config(simulated["config"])
    with progress.stage("start the engine"):
        running = start_engine("winnow demo", engine=engine, driver_memory="2g", small_data=True)
    made = []
    with running:
        for text in simulated["days"]:
            progress.say(f"\nbuild {text}")
            day = date.fromisoformat(text)
            request = BuildRequest(
                config=config,
                day=day,
                engine=running,
                progress=progress_for(as_json, log_format),  # it adds up seconds: one per build
                home=out.resolve(),
            )
            made.append(build(request))
    page = write_report(Path(config.warehouse), made[-1].release_id, None)
    if as_json:
        print_json({"builds": [one.as_record() for one in made], "report": str(page)})
        return
    console = plain_console()
    print_builds(made, console)
    console.print(f"\nLook at its report in a browser:\n\n{page}")

"""Run as a program: build and verify with one engine, and print what came of it as JSON.

Arguments: the engine, and a JSON file with a list of tasks: ``{"build": config path, "warehouse":
…, "day": …, "epoch": …}`` or ``{"verify": warehouse}``.
"""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jobs.build import build  # noqa: E402
from jobs.engine import Engine  # noqa: E402
from jobs.progress import Progress  # noqa: E402
from jobs.request import BuildRequest  # noqa: E402
from pipelines.config.loading import load_config  # noqa: E402
from pipelines.config.tree import TABLES  # noqa: E402
from pipelines.publishing.releases import list_releases  # noqa: E402
from pipelines.publishing.verify import verify_release  # noqa: E402


def started(name: str) -> Engine:
    if name == "sail":
        return Engine.start("winnow-engines", engine="sail")
    from jobs.spark_engine import SparkEngine, start_session

    # Compiling a plan takes longer than running it on a few rows.
    settings = {"spark.sql.codegen.wholeStage": "false"}
    return SparkEngine(
        start_session(
            "winnow-engines", master="local[2]", driver_memory="1g", shuffle_partitions=2,
            small_data=True, settings=settings,
        )
    )  # fmt: skip


def built(task: dict[str, Any], engine: Engine) -> dict[str, Any]:
    changes = {"warehouse": task["warehouse"], "epoch": task["epoch"], "tables": TABLES}
    config = load_config(Path(task["build"])).model_copy(update=changes)
    request = BuildRequest(
        config, date.fromisoformat(task["day"]), engine, progress=Progress(quiet=True)
    )
    summary = build(request)
    newest = list_releases(Path(task["warehouse"]))[-1]
    return {
        "published": summary.published,
        "content": {pin.table: [pin.content.rows, pin.content.total] for pin in newest.tables},
    }


def verified(warehouse: Path, engine: Engine) -> dict[str, Any]:
    store = engine.store(warehouse)
    releases = list_releases(warehouse)
    findings = [str(found) for one in releases for found in verify_release(one, store)]
    return {"releases": len(releases), "findings": findings}


def main(name: str, tasks: Path) -> None:
    with started(name) as engine:
        told = [
            verified(Path(task["verify"]), engine) if "verify" in task else built(task, engine)
            for task in json.loads(tasks.read_text(encoding="utf-8"))
        ]
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

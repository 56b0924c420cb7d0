"""Run as a program: build and verify with one engine, as it is asked, line by line.

Argument: the engine. A task is a line of JSON on stdin: ``{"build": config path, "warehouse": …,
"day": …, "epoch": …}`` or ``{"verify": warehouse}``; with ``"as_written": true`` the tables are
those that the config names, else all. What came of it is a line of JSON on stdout,
behind ``TOLD``: the engine may print too.
"""

import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "pipelines"), str(ROOT)]

from winnow.building.build import build  # noqa: E402
from winnow.building.progress import Progress  # noqa: E402
from winnow.building.request import BuildRequest  # noqa: E402
from winnow.config.loading import load_config  # noqa: E402
from winnow.config.sampling import Split  # noqa: E402
from winnow.config.tree import TABLES, Config  # noqa: E402
from winnow.engine.choice import start_engine  # noqa: E402
from winnow.engine.engine import Engine  # noqa: E402
from winnow.release.promotion import Published, publish  # noqa: E402
from winnow.release.releases import list_releases  # noqa: E402
from winnow.release.staged_table import StagedTable  # noqa: E402
from winnow.release.store import Store  # noqa: E402
from winnow.release.verify import verify_release  # noqa: E402

TOLD = "told: "


def started(name: str) -> Engine:
    if name == "sail":
        return start_engine("winnow-engines", engine="sail")
    from winnow.engine.spark import SparkEngine, start_session

    # Compiling a plan takes longer than running it on a few rows.
    settings = {"spark.sql.codegen.wholeStage": "false"}
    return SparkEngine(
        start_session(
            "winnow-engines", master="local[2]", driver_memory="1g", shuffle_partitions=2,
            small_data=True, settings=settings,
        )
    )  # fmt: skip


def built(task: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """Whether the build published something, and the content of every table that it made."""
    content: dict[str, tuple[int, str]] = {}

    def noting(store: Store, staged: Mapping[str, StagedTable], *more: Any) -> Published:
        # Not from the release: where nothing is published, that is another build's.
        content.update({n: (t.content.rows, t.content.total) for n, t in staged.items()})
        return publish(store, staged, *more)

    config = wanted(load_config(Path(task["build"])), task)
    day = date.fromisoformat(task["day"])
    build.__globals__["publish"] = noting
    summary = build(BuildRequest(config, day, engine, progress=Progress(quiet=True)))
    return {"published": summary.published, "content": content}


def wanted(written: Config, task: dict[str, Any]) -> Config:
    """What is built by a config, as it stands or with all of the tables."""
    if task.get("as_written"):
        return written.model_copy(update={"warehouse": task["warehouse"]})
    ranked = written.logs.ranking_log is not None
    tables = tuple(name for name in TABLES if ranked or name != "cascade_samples")
    changes = {"warehouse": task["warehouse"], "epoch": task["epoch"], "tables": tables}
    changes["split"] = Split(valid_ratio=0.3, test_ratio=0.3)  # evaluation_samples needs it
    return written.model_copy(update=changes)


def verified(warehouse: Path, engine: Engine) -> dict[str, Any]:
    store = engine.store(warehouse)
    releases = list_releases(warehouse)
    findings = [str(found) for one in releases for found in verify_release(one, store)]
    return {"releases": len(releases), "findings": findings}


def main(name: str) -> None:
    with started(name) as engine:
        for line in sys.stdin:
            task = json.loads(line)
            told = verified(Path(task["verify"]), engine) if "verify" in task else None
            told = built(task, engine) if told is None else told
            sys.stdout.write(f"\n{TOLD}{json.dumps(told)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

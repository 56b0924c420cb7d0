"""Both engines make the same rows, and each goes on where the other one stopped."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.init import write_simulated
from pipelines.config.tree import TABLES
from pipelines.simulation import Simulation, simulate

ROOT = Path(__file__).resolve().parents[2]
OPEN_BANDIT = ROOT.parent / "shared" / "data" / "open-bandit"
CASES = ("golden", "simulated", "string_ids", "open_bandit")
ENGINES = ("sail", "spark")
OTHER = {"sail": "spark", "spark": "sail"}


@dataclass(frozen=True)
class Case:
    config: Path
    day: str


def simulated(out: Path, *, string_ids: bool) -> Case:
    simulation = Simulation(
        out=out, first_day=date(2026, 1, 2), days=2, history_days=1, users=80, items=200,
        requests_per_day=120, recall_size=40, coarse_size=25, fine_size=12, exposed_size=6,
        click_logit=-1.5, dirty_share=0.02, string_ids=string_ids,
    )  # fmt: skip
    simulate(simulation)
    return Case(write_simulated(simulation), "2026-01-02")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    base = tmp_path_factory.mktemp("cases")
    shutil.copytree(ROOT / "tests" / "golden" / "logs", base / "golden" / "logs")
    shutil.copy(ROOT / "tests" / "golden" / "winnow.yaml", base / "golden")
    found = {
        "golden": Case(base / "golden" / "winnow.yaml", "2026-03-01"),
        "simulated": simulated(base / "simulated", string_ids=False),
        "string_ids": simulated(base / "string_ids", string_ids=True),
    }
    if OPEN_BANDIT.is_dir():
        folder = base / "open_bandit"
        folder.mkdir()
        shutil.copy(ROOT / "examples" / "open_bandit" / "winnow.yaml", folder)
        (folder / "data").symlink_to(OPEN_BANDIT)
        found["open_bandit"] = Case(folder / "winnow.yaml", "2019-11-26")
    return found


def run(engine: str, folder: Path, tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What one engine, in a process of its own, tells of some tasks."""
    path = folder / f"{engine}-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    # What this process's own session has set would decide the kind of the child's.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("one_engine.py")), engine, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    told: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def build(case: Case, warehouse: Path, epoch: int = 0) -> dict[str, Any]:
    place = {"build": str(case.config), "warehouse": str(warehouse)}
    return {**place, "day": case.day, "epoch": epoch}


@dataclass(frozen=True)
class Ran:
    """What each engine made of each case, and then of the other one's simulated warehouse."""

    own: dict[str, dict[str, Any]]
    again: dict[str, dict[str, Any]]
    fresh: dict[str, dict[str, Any]]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def ran(cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    base = tmp_path_factory.mktemp("engines")
    tasks = tmp_path_factory.mktemp("tasks")

    def own(engine: str) -> list[dict[str, Any]]:
        return [build(case, base / engine / name) for name, case in cases.items()]

    def crossed(engine: str) -> list[dict[str, Any]]:
        warehouse = base / engine / "others"
        shutil.copytree(base / OTHER[engine] / "simulated", warehouse)
        case = cases["simulated"]
        return [
            {"verify": str(warehouse)}, build(case, warehouse), build(case, warehouse, epoch=1),
            {"verify": str(warehouse)},
        ]  # fmt: skip

    told = {"sail": run("sail", tasks, own("sail"))}
    told["spark"] = run("spark", tasks, own("spark") + crossed("spark"))
    # What Spark wrote over Sail's tables is read by Sail at the end.
    last = {"verify": str(base / "spark" / "others")}
    told["sail"] += [*run("sail", tasks, [*crossed("sail"), last])]
    n = len(cases)
    return Ran(
        own={name: dict(zip(cases, told[name], strict=False)) for name in ENGINES},
        before={name: told[name][n] for name in ENGINES},
        again={name: told[name][n + 1] for name in ENGINES},
        fresh={name: told[name][n + 2] for name in ENGINES},
        after={name: told[name][n + 3] for name in ENGINES}
        | {"sail over spark over sail": told["sail"][n + 4]},
    )


class DescribeTheSameLogs:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("case", CASES)
    def it_makes_the_same_rows(self, case: str, table: str, ran: Ran) -> None:
        if case == "open_bandit" and not OPEN_BANDIT.is_dir():
            pytest.skip("the Open Bandit Dataset is not in ../shared/data/open-bandit")
        contents = [ran.own[engine][case]["content"][table] for engine in ENGINES]
        assert contents[0] == contents[1]
        if case in ("simulated", "string_ids"):
            assert contents[0][0] > 0, f"{table} must hold something"


@pytest.mark.parametrize("engine", ENGINES)
class DescribeTheOthersWarehouse:
    def it_verifies_the_others_release(self, engine: str, ran: Ran) -> None:
        assert ran.before[engine] == {"releases": 1, "findings": []}

    def it_sees_that_its_rows_are_released_already(self, engine: str, ran: Ran) -> None:
        assert not ran.again[engine]["published"]

    def it_replaces_them_by_others(self, engine: str, ran: Ran) -> None:
        made = ran.fresh[engine]
        assert made["published"]
        assert made["content"]["easy_negatives"] != ran.again[engine]["content"]["easy_negatives"]
        assert ran.after[engine] == {"releases": 2, "findings": []}


class DescribeBothOnOneWarehouse:
    def it_makes_the_same_rows_of_another_epoch(self, ran: Ran) -> None:
        assert ran.fresh["sail"]["content"] == ran.fresh["spark"]["content"]

    def it_reads_the_releases_of_both(self, ran: Ran) -> None:
        assert ran.after["sail over spark over sail"] == {"releases": 2, "findings": []}

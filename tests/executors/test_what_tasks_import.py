"""What an engine gives to tasks can be taken up where only the packages of executors are."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from winnow.config.loading import load_config
from winnow.engine.executors import PACKAGES, TASKS

from tests.events.handmade import build_day
from tests.executors import needed
from tests.invariants.staged import FIRST

EXAMPLE = needed.ROOT / "examples" / "own_logs"

# Executors have PySpark, and the packages of the extra; Winnow comes as a zip.
TAKE_UP = """
import json, pickle, sys
from importlib.metadata import packages_distributions
from pathlib import Path

blocked = set(packages_distributions()) - {"pyspark", "py4j", *json.loads(sys.argv[1])}

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in blocked:
            raise ModuleNotFoundError(f"executors have no {top}", name=top)

sys.meta_path.insert(0, Nothing())
failed, loaded = {}, set()
for task in sorted(Path(sys.argv[2]).iterdir()):
    for name in [name for name in sys.modules if name.startswith("winnow")]:
        del sys.modules[name]
    try:
        pickle.loads(task.read_bytes())
    except ModuleNotFoundError as error:
        failed[task.name] = str(error)
    loaded |= {name for name in sys.modules if name.startswith("winnow.")}
print(json.dumps([failed, sorted(loaded)]))
"""


@pytest.fixture(scope="module")
def tasks(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, simulated: Path) -> Path:
    """What two builds gave to tasks, as it travels: of text, Parquet and dictionaries."""
    folder, number = tmp_path_factory.mktemp("tasks"), count()
    kind = type(spark.range(1))
    as_it_was = kind.mapInArrow

    def watched(frame: Any, func: Any, *more: Any, **named: Any) -> Any:
        name = getattr(getattr(func, "func", func), "__qualname__", "task")
        text = name.replace("<", "").replace(">", "")
        (folder / f"{text}-{next(number)}").write_bytes(cloudpickle.dumps(func))  # type: ignore[no-untyped-call]
        return as_it_was(frame, func, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "mapInArrow", watched)
        own = own_logs(tmp_path_factory.mktemp("own"))
        for config, day in ((own, date(2026, 1, 1)), (simulated, FIRST)):
            loaded = load_config(config)
            warehouse = str(tmp_path_factory.mktemp("warehouse"))
            build_day(loaded.model_copy(update={"warehouse": warehouse}), spark, day)
    return folder


def own_logs(folder: Path) -> Path:
    """The example, one of its logs as Parquet with a dictionary, which tasks read themselves."""
    tree = yaml.safe_load((EXAMPLE / "winnow.yaml").read_text(encoding="utf-8"))
    for log in tree["logs"].values():
        log["path"] = str(EXAMPLE / log["path"])
    shown = pa_csv.read_csv(tree["logs"]["impressions"]["path"])
    place = shown.column_names.index("request")
    encoded = shown.set_column(place, "request", shown["request"].dictionary_encode())
    pq.write_table(encoded, folder / "shown.parquet", coerce_timestamps="us")
    tree["logs"]["impressions"] |= {"path": str(folder / "shown.parquet"), "format": "parquet"}
    path = folder / "winnow.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def taken_up(tasks: Path) -> tuple[dict[str, str], list[str]]:
    """Which tasks could not be taken up, and the modules of ours that this loaded."""
    own = json.dumps(sorted(needed.modules()))
    child = subprocess.run(
        [sys.executable, "-c", TAKE_UP, own, str(tasks)],
        capture_output=True, text=True, cwd=needed.ROOT, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    failed, loaded = json.loads(child.stdout)
    return failed, loaded


class DescribeWhatTravelsToTasks:
    def it_is_all_that_a_build_has_tasks_do(self, tasks: Path) -> None:
        names = {task.name.partition("-")[0] for task in tasks.iterdir()}
        assert {"frame_of_splits.locals.work", "TaskFiles.write", "TableWriter.write"} <= names
        assert len(names) >= 7

    def it_needs_the_packages_of_the_extra_alone(
        self, taken_up: tuple[dict[str, str], list[str]]
    ) -> None:
        failed, loaded = taken_up
        assert failed == {}
        assert len(loaded) > 10

    def it_comes_from_modules_that_import_nothing_else_later(
        self, taken_up: tuple[dict[str, str], list[str]]
    ) -> None:
        _, loaded = taken_up
        # Frames are taken apart on the driver; what a driver asks of Polars no task does.
        allowed = {"winnow", "pyspark", "py4j", *needed.modules(), *sys.stdlib_module_names}
        found = [f"{name}: {other}" for name in loaded for other in imported_when_run(name)]
        assert [one for one in found if one.split(": ")[1].partition(".")[0] not in allowed] == []

    def it_holds_no_object_of_a_config(self, tasks: Path) -> None:
        for task in tasks.iterdir():
            assert b"winnow.config" not in task.read_bytes(), task.name


def imported_when_run(module: str) -> Iterator[str]:
    """The modules that a module imports, in functions too, but not for types alone."""
    base = needed.ROOT.joinpath("pipelines", *module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            waiting += ast.iter_child_nodes(node)


class DescribeTheList:
    def it_is_the_same_wherever_it_is_said(self) -> None:
        assert sorted(PACKAGES) == sorted(needed.listed())
        made = (needed.ROOT / "Makefile").read_text(encoding="utf-8")
        line = next(line for line in made.splitlines() if line.startswith("EXECUTORS := "))
        assert line.split()[2:] == sorted(PACKAGES)

    def it_names_modules_that_tasks_run(self, taken_up: tuple[dict[str, str], list[str]]) -> None:
        assert set(TASKS) <= set(taken_up[1])


class DescribeTheCheck:
    def it_sees_a_package_that_executors_lack(self, tmp_path: Path) -> None:
        from winnow.config.tree import Config

        (tmp_path / "task").write_bytes(cloudpickle.dumps(Config.model_validate))  # type: ignore[no-untyped-call]
        own = json.dumps(sorted(needed.modules()))
        child = subprocess.run(
            [sys.executable, "-c", TAKE_UP, own, str(tmp_path)],
            capture_output=True, text=True, cwd=needed.ROOT, check=True,
        )  # fmt: skip
        assert json.loads(child.stdout)[0] == {"task": "executors have no pydantic"}

    def it_passes_over_what_is_imported_for_types(self) -> None:
        assert "winnow.config.tree" not in set(imported_when_run("winnow.sampler.task"))
        assert "pyspark" in set(imported_when_run("winnow.spark.shipped"))

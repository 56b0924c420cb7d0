"""The README's data loader, as it stands there, in the real PyTorch with workers of every kind."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow.dataset as pds
import pytest
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.release.opening import open_release

from tests.child_process import PATH
from tests.docs.pages import EXAMPLE, ROOT, blocks_of
from tests.invariants.staged import FIRST

pytest.importorskip("torch", reason="PyTorch is in an environment of its own: make trainers")

README = ROOT / "README.md"

LOAD = """
import json
import sys
import warnings

import torch
from torch.utils.data import DataLoader

from readme import Samples
from winnow.release.opening import open_release

if __name__ == "__main__":
    warnings.filterwarnings("error", message=".*writ")
    workers, start = int(sys.argv[1]), sys.argv[2]
    release = open_release("warehouse")
    files = release.table_files("training_samples")
    loader = DataLoader(
        Samples(files, 16), batch_size=None, num_workers=workers,
        multiprocessing_context=start if workers else None,
    )
    seen = []
    for epoch in range(2):
        of_epoch = []
        for batch in loader:
            assert all(isinstance(values, torch.Tensor) for values in batch.values())
            for values in batch.values():
                values.copy_(values.clone())
            of_epoch += zip(batch["user_id"].tolist(), batch["item_id"].tolist(),
                            batch["mask"].sum(1).tolist(), batch["easy"].sum(1).tolist())
        seen.append(sorted(of_epoch))
    print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def trainer(
    spark: SparkSession, simulated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder with a warehouse, and the functions and classes of the README as a module."""
    folder = tmp_path_factory.mktemp("trainer")
    config = load_config(simulated).model_copy(update={"warehouse": str(folder / "warehouse")})
    built(config, FIRST, spark)
    (folder / "readme.py").write_text(definitions(), encoding="utf-8")
    (folder / "load.py").write_text(LOAD, encoding="utf-8")
    yield folder


def built(config: Config, day: date, spark: SparkSession) -> None:
    build(BuildRequest(config, day, engine_of(spark), progress=Progress(quiet=True)))


def definitions() -> str:
    """The imports, functions and classes of the README's blocks on PyTorch."""
    kept: list[ast.stmt] = [
        node
        for block in blocks_of(README)
        if block.language == "python" and ("def batches" in block.text or "torch" in block.text)
        for node in ast.parse(block.text).body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
    ]
    assert {getattr(node, "name", "") for node in kept} >= {"batches", "Samples"}
    return ast.unparse(ast.Module(kept, []))


def run(folder: Path, *words: str) -> str:
    child = subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([PATH, str(folder)])},
        capture_output=True, text=True, cwd=folder, check=False, timeout=300,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert "not writable" not in child.stderr, child.stderr
    return child.stdout


class DescribeTheLoaderOfTheReadme:
    @pytest.mark.parametrize(
        ("workers", "start"),
        [(0, "none"), (1, "fork"), (2, "fork"), (2, "forkserver"), (2, "spawn"), (3, "fork")],
    )
    def it_gives_each_row_once_in_every_epoch(
        self, trainer: Path, workers: int, start: str
    ) -> None:
        rows: pds.Dataset = open_release(trainer / "warehouse").arrow("training_samples")
        expected = sorted(
            [
                row["user_id"],
                row["item_id"],
                len(row["neg_item_ids"]),
                sum(source <= 1 for source in row["neg_source"]),
            ]
            for row in rows.to_table().to_pylist()
        )
        assert len(expected) > 100
        seen = json.loads(run(trainer, "load.py", str(workers), start))
        assert seen == [expected, expected]

    def it_runs_as_the_page_has_it(self, trainer: Path, spark: SparkSession) -> None:
        shop = trainer / "examples" / "own_logs"
        shutil.copytree(EXAMPLE, shop, ignore=lambda _folder, names: {"warehouse"} & set(names))
        config = load_config(shop / "winnow.yaml")
        build(
            BuildRequest(config, date(2026, 1, 1), engine_of(spark), progress=Progress(quiet=True))
        )
        blocks = [block for block in blocks_of(README) if block.language == "python"]
        place = next(i for i, block in enumerate(blocks) if "torch" in block.text)
        # The blocks before it on the same release: what they import, and what opens it.
        opened = next(block for block in blocks if "release = winnow.open_release" in block.text)
        wanted = ("import", "= winnow.open")
        first = [line for line in opened.text.splitlines() if any(one in line for one in wanted)]
        page = "\n".join([*first, blocks[place - 1].text, blocks[place].text])
        (trainer / "page.py").write_text(page, encoding="utf-8")
        printed = run(trainer, "page.py").splitlines()
        after = README.read_text(encoding="utf-8").partition("for batch in loader))\n```")[2]
        assert printed == ["(5, 6) 15", after.partition("```text\n")[2].splitlines()[0]]

    def it_runs_the_example(self, trainer: Path, spark: SparkSession) -> None:
        shop = trainer / "script" / "examples" / "own_logs"
        shutil.copytree(EXAMPLE, shop, ignore=lambda _folder, names: {"warehouse"} & set(names))
        built(load_config(shop / "winnow.yaml"), date(2026, 1, 1), spark)
        shutil.copy(ROOT / "examples" / "train_in_pytorch.py", trainer / "script")
        assert run(trainer / "script", "train_in_pytorch.py") == "(5,) (5,) 5.0 (5, 6)\n"

"""The loader on a release that was built, and the pages that show it, in the real PyTorch."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
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
from tests.docs.pages import ELSEWHERE, EXAMPLE, READERS, ROOT, Block, blocks_of
from tests.invariants.staged import FIRST

pytest.importorskip("torch", reason="PyTorch is in an environment of its own: make trainers")

OPENED = """
import winnow
release = winnow.open_release("examples/own_logs/warehouse")
"""

LOAD = """
import json
import sys

from winnow.release.opening import open_release
from winnow.torch import SampleDataset, SampleLoader

if __name__ == "__main__":
    workers, start = int(sys.argv[1]), sys.argv[2]
    release = open_release("warehouse")
    dataset = SampleDataset(release, 16, split=None)
    loader = SampleLoader(dataset, workers, multiprocessing_context=start if workers else None)
    seen = []
    for epoch in range(2):
        of_epoch = []
        for batch in loader:
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
    (folder / "load.py").write_text(LOAD, encoding="utf-8")
    yield folder


def built(config: Config, day: date, spark: SparkSession) -> None:
    build(BuildRequest(config, day, engine_of(spark), progress=Progress(quiet=True)))


def run(folder: Path, *words: str) -> str:
    child = subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([PATH, str(folder)])},
        capture_output=True, text=True, cwd=folder, check=False, timeout=300,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert "not writable" not in child.stderr, child.stderr
    return child.stdout


class DescribeTheLoaderOnARelease:
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

    @pytest.mark.parametrize("page", ["README.md", "docs/loader.md"])
    def it_runs_as_the_page_has_it(self, page: str, trainer: Path, spark: SparkSession) -> None:
        shop = trainer / page.replace("/", "_") / "examples" / "own_logs"
        shutil.copytree(EXAMPLE, shop, ignore=lambda _folder, names: {"warehouse"} & set(names))
        built(load_config(shop / "winnow.yaml"), date(2026, 1, 1), spark)
        blocks = [*blocks_of(ROOT / page), Block("", "", 0)]
        shown = ""
        code = [OPENED]
        for block, after in pairwise(blocks):
            elsewhere = page != "README.md" or block.text.startswith(ELSEWHERE)
            if block.language == "python" and elsewhere and not block.text.startswith(READERS):
                code.append(block.text)
                shown += after.text if after.language == "text" else ""
        assert len(code) > 1
        (shop.parents[1] / "page.py").write_text("\n".join(code), encoding="utf-8")
        assert run(shop.parents[1], "page.py") == shown

    def it_runs_the_example(self, trainer: Path, spark: SparkSession) -> None:
        shop = trainer / "script" / "examples" / "own_logs"
        shutil.copytree(EXAMPLE, shop, ignore=lambda _folder, names: {"warehouse"} & set(names))
        built(load_config(shop / "winnow.yaml"), date(2026, 1, 1), spark)
        shutil.copy(ROOT / "examples" / "train_in_pytorch.py", trainer / "script")
        assert (
            run(trainer / "script", "train_in_pytorch.py")
            == "(4,) (4,) (4, 6) 4.0\n(1,) (1,) (1, 6) 1.0\n"
        )

"""The scripts in examples/ run as they stand, one after another, as somebody would try them."""

import json
import runpy
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.docs.pages import ROOT, printed_by, reader_at

SCRIPTS = (
    "build_from_python",
    "read_in_polars",
    "sample_two_frames",
    "test_own_config",
    "own_source",
)
ELSEWHERE = {"train_in_pytorch"}
"""What needs PyTorch: tests/trainers runs it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user stands: the examples below, with no warehouse yet."""
    place = tmp_path_factory.mktemp("user")
    shutil.copytree(
        ROOT / "examples", place / "examples", ignore=shutil.ignore_patterns("warehouse", "data")
    )
    return place


@pytest.fixture(scope="module")
def printed(spark: SparkSession, folder: Path) -> dict[str, str]:
    """What each script prints; a test in it is called."""
    found = {}
    with reader_at(folder, spark):
        for name in SCRIPTS:

            def run(name: str = name) -> None:
                names = runpy.run_path(str(folder / "examples" / f"{name}.py"), run_name="__main__")
                for test in [one for key, one in names.items() if key.startswith("test_")]:
                    test()

            found[name] = printed_by(run)
    return found


class DescribeTheExamples:
    def it_knows_each_script(self) -> None:
        assert {path.stem for path in (ROOT / "examples").glob("*.py")} == {*SCRIPTS, *ELSEWHERE}

    def it_builds(self, printed: dict[str, str]) -> None:
        first, *warnings = printed["build_from_python"].splitlines()
        assert first == "2026-01-01: 5 positives, 15 hard negatives"
        assert len(warnings) > 0
        assert all(line.startswith("warning: ") for line in warnings)

    def it_draws_by_a_source_of_ones_own(self, printed: dict[str, str]) -> None:
        line = printed["own_source"].splitlines()[-1]
        n, ids = line.split(" draws of ")
        assert int(n) == 10
        assert all(item % 2 == 0 for item in json.loads(ids))

    def it_reads_in_polars(self, printed: dict[str, str]) -> None:
        rows = [line.split("┆") for line in printed["read_in_polars"].splitlines() if "┆" in line]
        cells = [[cell.strip(" │") for cell in row] for row in rows]
        assert cells[0] == ["user_id", "item_id", "hard"]
        assert [row[:2] for row in cells[2:] if row[0].isdigit()] == [
            ["11", "104"], ["12", "106"], ["13", "113"], ["13", "118"], ["15", "106"],
        ]  # fmt: skip

    def it_samples_two_frames(self, printed: dict[str, str]) -> None:
        (row,) = [line for line in printed["sample_two_frames"].splitlines() if "[3" in line]
        user, item, negatives = (cell.strip(" │") for cell in row.split("┆"))
        assert (user, item, negatives) == ("7", "2", "[3, 3, … 3]")

    def it_passes_the_test_that_users_write(self, printed: dict[str, str]) -> None:
        assert printed["test_own_config"] == ""

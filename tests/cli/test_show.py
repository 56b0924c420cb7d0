"""``winnow show``: which samples it shows, and what it says of them."""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.engine.choice import engine_of
from winnow.release.opening import open_release

from tests.child_process import PATH, child_environment
from tests.release.test_read_without_engine import ABSENT

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_logs"
DAY = date(2026, 1, 1)

# What a trainer's image does not have.
WITHOUT_A_BUILDER = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"a trainer has no {{name}}", name=name)
sys.meta_path.insert(0, Nothing())
from winnow.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def warehouse(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tmp_path_factory.mktemp("shop") / "own_logs"
    shutil.copytree(EXAMPLE, shop, ignore=lambda _folder, names: {"warehouse"} & set(names))
    config = load_config(shop / "winnow.yaml")
    build(BuildRequest(config, DAY, engine_of(spark), progress=Progress(quiet=True)))
    return Path(config.warehouse)


def told(captured: Captured, warehouse: Path, *words: str) -> dict[str, Any]:
    assert main(["show", "--warehouse", str(warehouse), *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(captured.readouterr().out)
    return found


class DescribeATrainersImage:
    @pytest.mark.parametrize("command", ["show", "releases"])
    def it_has_the_command(self, command: str, warehouse: Path) -> None:
        words = [command, "--warehouse", str(warehouse)]
        child = subprocess.run(
            [sys.executable, "-c", WITHOUT_A_BUILDER.format(ABSENT=ABSENT), *words],
            env=child_environment() | {"PYTHONPATH": PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (child.returncode, child.stderr) == (0, "")
        assert "2026-01-01" in child.stdout


class DescribeTheShownSamples:
    def it_is_the_first_in_the_order_of_the_shuffle_key(
        self, warehouse: Path, capsys: Captured
    ) -> None:
        rows = open_release(warehouse).polars("training_samples").sort("shuffle_key").collect()
        found = told(capsys, warehouse, "-n", "2")
        assert found["samples"] == 5
        assert [one["sample_id"] for one in found["shown"]] == rows["sample_id"].to_list()[:2]

    def it_is_all_of_them_where_more_are_asked_for(self, warehouse: Path, capsys: Captured) -> None:
        assert len(told(capsys, warehouse, "-n", "50")["shown"]) == 5

    def it_is_only_what_was_asked_for(self, warehouse: Path, capsys: Captured) -> None:
        found = told(capsys, warehouse, "--user", "12", "--item", "106", "--ds", "2026-01-01")
        assert found["samples"] == 1
        (sample,) = found["shown"]
        assert (sample["user_id"], sample["request_id"], sample["item_id"]) == (12, "q05", 106)
        assert told(capsys, warehouse, "--user", "999") == {
            "release_id": found["release_id"], "ds": "2026-01-01", "samples": 0, "shown": [],
        }  # fmt: skip

    def it_says_of_each_negative_where_it_is_from(self, warehouse: Path, capsys: Captured) -> None:
        (sample,) = told(capsys, warehouse, "--user", "12")["shown"]
        found = [(one["source"], one["stage"]) for one in sample["negatives"]]
        easy, low = ("popularity", None), ("low", "fine")
        assert found == [easy, easy, easy, low, low, ("cut", "coarse")]
        assert [one["log_q"] is None for one in sample["negatives"]] == [False] * 3 + [True] * 3
        assert sample["negatives"][3]["incl_prob"] == 0.375

    def it_reads_as_text(self, warehouse: Path, capsys: Captured) -> None:
        assert main(["show", "--warehouse", str(warehouse), "--user", "12"]) == 0
        lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
        assert lines[0].endswith("of 2026-01-01: 1 of 1 samples")
        assert "user 12, request q05, item 106" in lines
        assert "6 negatives: 3 easy, 3 hard, 0 fill, shortfall 0" in lines
        assert "negative source stage log_q incl_prob" in lines
        assert "117 cut coarse 0.375" in lines

    def it_refuses_what_is_no_id_and_names_what_is_not_there(
        self, warehouse: Path, capsys: Captured
    ) -> None:
        assert main(["show", "--warehouse", str(warehouse), "--user", "bob"]) == 2
        assert capsys.readouterr().err == (
            "--user: there is no such id, found bob, expected a whole number, as ids of this "
            "release are.\n"
        )
        assert main(["show", "--warehouse", str(warehouse), "--release", "never"]) == 3

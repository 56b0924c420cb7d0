"""Ray Data and Daft read a release by its list of files, as the page has it."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.config.loading import load_config
from winnow.engine.choice import engine_of
from winnow.release.opening import open_release
from winnow.release.reader import ReleaseReader

from tests.docs.pages import EXAMPLE, READERS, ROOT, blocks_of
from tests.trainers.other_environments import other_python, run

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""Ray otherwise writes a token into the home folder, and reports that it was used."""

COLUMNS = ("ds", "user_id", "item_id", "sample_weight", "neg_item_ids")

ROWS_OF = {"import ray\n": "rows.take_all()", "import daft\n": "frame.to_pylist()"}

WRITE = """
import json

found = [[one[name] for name in {columns}] for one in {rows}]
with open("found.json", "w") as file:
    json.dump(found, file, default=lambda one: one.tolist() if hasattr(one, "tolist") else str(one))
"""


@pytest.fixture(scope="module")
def release(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReleaseReader]:
    """The example's date, built."""
    warehouse = tmp_path_factory.mktemp("readers") / "warehouse"
    config = load_config(EXAMPLE / "winnow.yaml")
    config = config.model_copy(update={"warehouse": str(warehouse)})
    day = date(2026, 1, 1)
    build(BuildRequest(config, day, engine_of(spark), progress=Progress(quiet=True)))
    yield open_release(warehouse)


class DescribeReadersOfFileLists:
    @pytest.mark.parametrize("begins", READERS)
    def it_has_each_row_and_its_date(
        self, begins: str, release: ReleaseReader, tmp_path: Path
    ) -> None:
        python = other_python("READERS")
        ((block, shown),) = [
            (block.text, after.text)
            for block, after in pairwise(blocks_of(ROOT / "docs" / "loader.md"))
            if block.text.startswith(begins) and after.language == "text"
        ]
        files = f"files = {release.files('training_samples')!r}\n"
        write = WRITE.format(columns=COLUMNS, rows=ROWS_OF[begins])
        assert run(python, tmp_path, files + block + write, **QUIET) == shown.rstrip("\n")
        found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = release.arrow("training_samples").to_table().to_pylist()
        expected = [[row[name] for name in COLUMNS] for row in rows]
        assert len(expected) == 5
        assert sorted(found) == sorted([str(day), *others] for day, *others in expected)

"""A release in the real MLflow: what a run was trained on can be asked for, and opened again."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.config.loading import load_config
from winnow.engine.choice import engine_of
from winnow.errors import ReleaseError
from winnow.release.opening import open_release
from winnow.release.reader import ReleaseReader

from tests.docs.pages import EXAMPLE

mlflow = pytest.importorskip(
    "mlflow", reason="MLflow is in an environment of its own: make trainers"
)

from winnow.mlflow import ReleaseDataset, ReleaseSource  # noqa: E402


@pytest.fixture(scope="module")
def release(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReleaseReader]:
    """The example's date, built."""
    warehouse = tmp_path_factory.mktemp("mlflow") / "warehouse"
    config = load_config(EXAMPLE / "winnow.yaml")
    config = config.model_copy(update={"warehouse": str(warehouse)})
    day = date(2026, 1, 1)
    build(BuildRequest(config, day, engine_of(spark), progress=Progress(quiet=True)))
    yield open_release(warehouse)


@pytest.fixture
def kept(release: ReleaseReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The data set of a run, as MLflow has it when the run is over."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run() as run:
        mlflow.log_input(ReleaseDataset(release), context="training")
    (one,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    return one


class DescribeAReleaseInMLflow:
    def it_is_an_input_of_the_run(self, kept: Any, release: ReleaseReader) -> None:
        ((_, pin),) = release.pins("training_samples")
        rows = release.arrow("training_samples").count_rows()
        assert rows == pin.content.rows == 5
        assert (kept.dataset.name, kept.dataset.digest) == ("training_samples", pin.content.total)
        assert [(tag.key, tag.value) for tag in kept.tags] == [("mlflow.data.context", "training")]
        profile = {"num_rows": rows, "rows_by_date": {"2026-01-01": rows}}
        assert json.loads(kept.dataset.profile) == profile

    def it_tells_the_columns(self, kept: Any, release: ReleaseReader) -> None:
        columns = {one["name"]: one for one in json.loads(kept.dataset.schema)["mlflow_colspec"]}
        assert [*columns] == release.arrow("training_samples").schema.names
        assert columns["user_id"] == {"type": "long", "name": "user_id", "required": True}
        assert columns["pos_log_q"]["required"] is False
        assert columns["neg_log_q"]["items"] == {"type": "double"}
        assert columns["impression_ts"]["type"] == columns["ds"]["type"] == "datetime"

    def it_opens_the_same_rows_again(self, kept: Any, release: ReleaseReader) -> None:
        source = mlflow.data.get_source(kept)
        assert isinstance(source, ReleaseSource)
        assert source.config_hashes == [release.releases[0].config_hash]
        opened = source.load()
        assert opened.files(source.table) == release.files("training_samples")

    def it_keeps_a_warehouse_that_is_called_as_a_key(
        self, release: ReleaseReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(release.warehouse))
        source = ReleaseSource.of(release, "training_samples")
        assert source.load().files(source.table) == release.files(source.table)

    def it_has_no_digest_of_a_table_that_is_not_there(self, release: ReleaseReader) -> None:
        with pytest.raises(ReleaseError, match="has no table batch_draws"):
            ReleaseDataset(release, "batch_draws")

    def it_has_another_digest_for_other_rows(self, release: ReleaseReader) -> None:
        tables = [ReleaseDataset(release, table).digest for table in release.tables]
        assert len({*tables}) == len(tables) > 3
        twice = ReleaseReader(release.warehouse, [*release.releases, *release.releases])
        once, both = (int(ReleaseDataset(one).digest) for one in (release, twice))
        assert both == 2 * once != 0


class DescribeMLflowThatIsNotThere:
    def it_is_named_with_its_extra(self) -> None:
        code = "import sys; sys.modules['mlflow'] = None; import winnow.mlflow"
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert "pip install 'winnow[mlflow]'" in child.stderr

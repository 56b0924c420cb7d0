"""A store that cannot keep two builds apart, or does not answer, is told of before any work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.errors import ConfigError
from winnow.operations.doctor.doctor import examine
from winnow.release.conditional_put import require_conditional_put
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import DAY, SECRET, Shop, Store, served


@pytest.fixture(scope="module")
def careless(store: Store) -> Iterator[Store]:
    """A store that does not know If-None-Match."""
    yield from served("--ignore-conditions")


class DescribeAStoreThatWritesOverObjects:
    @pytest.fixture
    def warehouse(self, careless: Store, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("AWS_ENDPOINT_URL", careless.endpoint)
        return f"{careless.new_bucket()}/tables"

    def it_is_no_place_for_a_build(self, warehouse: str, shop: Shop, spark: SparkSession) -> None:
        with pytest.raises(ConfigError, match="does not honour If-None-Match") as caught:
            winnow.build(shop.on_disk, DAY, warehouse=warehouse, engine=spark)
        assert "Take a store that honours it" in (caught.value.problems[0].next_step or "")
        assert list(ObjectPath.of(warehouse).objects()) == []

    def it_is_found_by_the_doctor(self, warehouse: str) -> None:
        ObjectPath.of(warehouse).joinpath("something").write_text("x")
        checks = {one.name: one for one in examine(ObjectPath.of(warehouse))}
        assert checks["write access"].state == "failed"
        assert "does not honour If-None-Match" in checks["write access"].text


class DescribeAStoreThatDeletesNothing:
    @pytest.fixture
    def warehouse(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectPath]:
        for keeping in served("--refuse", "DELETE", "POST"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", keeping.endpoint)
            yield ObjectPath.of(f"{keeping.new_bucket()}/tables")

    def it_is_told_of_with_what_stays(self, warehouse: ObjectPath) -> None:
        with pytest.raises(ConfigError, match="nothing can be deleted there") as caught:
            require_conditional_put(warehouse)
        (left,) = (str(path) for path, _ in warehouse.objects())
        assert f"{left} stays until somebody deletes it" in str(caught.value)

    def it_is_refused_first_because_it_writes_over_objects(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for worst in served("--ignore-conditions", "--refuse", "DELETE", "POST"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", worst.endpoint)
            with pytest.raises(ConfigError, match="does not honour If-None-Match"):
                require_conditional_put(ObjectPath.of(f"{worst.new_bucket()}/tables"))


class DescribeAnEnvironmentThatTurnsConditionsOff:
    def it_is_told_which_variable_does(self, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
        with pytest.raises(ConfigError, match="Unset AWS_CONDITIONAL_PUT"):
            require_conditional_put(ObjectPath.of(f"{bucket}/tables"))


class DescribeAStoreThatLetsNobodyIn:
    @pytest.fixture
    def refused(
        self, store: Store, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[str], Path]]:
        """A config of the shop whose logs are at an address of a store that refuses all."""
        for closed in served("--refuse", "GET", "HEAD", "PUT", "POST", "DELETE"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", closed.endpoint)

            def config(logs: str) -> Path:
                text = shop.on_disk.read_text(encoding="utf-8").replace("path: logs/", logs)
                path = tmp_path / "winnow.yaml"
                path.write_text(text, encoding="utf-8")
                return path

            yield config

    @pytest.mark.parametrize("folder", ["logs", "l*gs", "*"])
    def it_is_one_line_where_logs_are_there(
        self,
        refused: Callable[[str], Path],
        folder: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        config = refused(f"path: s3://closed-{uuid4().hex[:8]}/{folder}/")
        words = ["--config", str(config), "--ds", str(DAY), "--warehouse", str(tmp_path / "tables")]
        assert main(["build", *words]) == 3
        told = capsys.readouterr().err
        assert "cannot be reached" in told
        assert "Look at AWS_ENDPOINT_URL, AWS_REGION" in told
        assert "Traceback" not in told

    @pytest.mark.parametrize("who", ["nobody", "writers"])
    def it_fails_in_the_doctor(
        self, who: str, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused = ["GET", *(["HEAD", "PUT", "POST", "DELETE"] if who == "nobody" else [])]
        for closed in served("--refuse", *refused):
            monkeypatch.setenv("AWS_ENDPOINT_URL", closed.endpoint)
            bucket = "s3://no-such-bucket" if who == "nobody" else closed.new_bucket()
            last = list(examine(ObjectPath.of(f"{bucket}/tables")))[-1]
            name = "write access" if who == "nobody" else "read access"
            assert (last.name, last.state) == (name, "failed")
            assert "cannot be reached" in last.text


class DescribeAStoreThatDoesNotAnswer:
    def it_fails_in_the_doctor_where_there_is_no_such_bucket(self, store: Store) -> None:
        last = list(examine(ObjectPath.of("s3://no-such-bucket-here/tables")))[-1]
        assert (last.name, last.state) == ("write access", "failed")

    @pytest.mark.parametrize(
        "words",
        [
            ["releases", "--warehouse", "s3://no-such-bucket-here/tables"],
            ["vacuum", "--config", "CONFIG"],
        ],
    )
    def it_is_one_line_without_a_trace(
        self,
        words: list[str],
        store: Store,
        shop: Shop,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        config = shop.folder / "nowhere.yaml"
        text = shop.on_disk.read_text(encoding="utf-8")
        text = text.replace("warehouse: warehouse", "warehouse: s3://no-such-bucket-here/tables")
        config.write_text(text, encoding="utf-8")
        words = [str(config) if word == "CONFIG" else word for word in words]
        assert main(words) == 3
        told = capsys.readouterr().err
        assert "cannot be reached" in told
        assert "Look at AWS_ENDPOINT_URL, AWS_REGION" in told
        assert "Traceback" not in told
        assert SECRET not in told

    def it_ends_a_build_before_anything_is_read(
        self, store: Store, shop: Shop, spark: SparkSession, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(ConfigError, match="cannot be reached"):
            winnow.build(
                shop.on_disk, DAY, warehouse="s3://no-such-bucket-here/tables", engine=spark
            )

"""Addresses of object stores, before one is opened: which there are, and what none may hold."""

import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession
from winnow.building.apart import require_apart
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.config.model import folder_error
from winnow.engine.connect import ConnectEngine
from winnow.engine.s3a import pick_s3a, s3a_settings
from winnow.engine.spark import SparkEngine
from winnow.errors import ConfigError, MissingExtraError
from winnow.logs.files.locations import Location
from winnow.release.conditional_put import put_if_absent, require_conditional_put
from winnow.release.opening import open_release
from winnow.release.paths import staging_path, table_path
from winnow.spark.dialect import dialect_of
from winnow.storage.addresses import s3_error
from winnow.storage.object_path import ObjectPath, local_path, place_of, uri_of

from tests.child_process import ROOT

EXAMPLE = ROOT / "examples" / "own_logs" / "winnow.yaml"
WRONG = [
    "s3://",
    "s3://b",
    "s3://Bucket/x",
    "s3://key:hunter2@bucket/x",
    "s3://bucket/x?secret_key=hunter2",
    "s3://bucket/x#y",
    "s3://bucket/../x",
    "s3://bucket//x",
    "s3://bucket/./x",
]


class DescribeAnAddress:
    @pytest.mark.parametrize("address", ["s3://bucket/x", "s3://my.bucket-1/a b/c=d/*.csv/"])
    def it_is_a_bucket_and_a_prefix(self, address: str) -> None:
        assert s3_error(address) is None

    @pytest.mark.parametrize("address", WRONG)
    def it_holds_no_secret_and_leads_nowhere_else(self, address: str) -> None:
        assert (folder_error(address) or "").startswith("must be s3://bucket/prefix without user")
        with pytest.raises(ConfigError) as caught:
            Location.of(address, Path("/"))
        assert "hunter2" not in str(caught.value)

    def it_is_of_one_prefix_whichever_library_opens_it(self) -> None:
        assert folder_error("s3://bucket/a b/x=y&z/q(1)") is None
        assert "without % and two hex digits" in (folder_error("s3://bucket/a%41b") or "")

    @pytest.mark.parametrize("address", [*WRONG[3:], "s3://bucket/a%41b"])
    def it_is_refused_by_readers_too(self, address: str) -> None:
        with pytest.raises(ConfigError) as caught:
            open_release(address)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("key", ["warehouse", "log"])
    def it_is_refused_with_a_secret_in_a_config(
        self, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = EXAMPLE.read_text(encoding="utf-8")
        if key == "log":
            text = text.replace("path: logs/shown.csv", "path: s3://key:hunter2@bucket/shown.csv")
        else:
            text = text.replace("warehouse: warehouse", "warehouse: s3://key:hunter2@bucket/x")
        (tmp_path / "winnow.yaml").write_text(text, encoding="utf-8")
        assert main(["releases", "--config", str(tmp_path / "winnow.yaml")]) == 2
        told = capsys.readouterr()
        assert "expected s3://bucket/prefix without user" in told.err
        assert "hunter2" not in told.err + told.out

    def it_stands_in_a_config_as_it_is(self, tmp_path: Path) -> None:
        text = EXAMPLE.read_text(encoding="utf-8")
        text = text.replace("warehouse: warehouse", "warehouse: s3://bucket/tables")
        text += "variants: {other: {seed: 7}}\n"
        (tmp_path / "winnow.yaml").write_text(text, encoding="utf-8")
        config = load_config(tmp_path / "winnow.yaml")
        assert config.warehouse == "s3://bucket/tables"
        assert config.variant("other").warehouse == "s3://bucket/tables/other"

    @pytest.mark.parametrize("address", ["gs://bucket/x", "abfs://c@account/x", "hdfs://host/x"])
    def it_is_of_no_other_store_for_tables(self, address: str) -> None:
        assert (folder_error(address) or "").endswith("or s3://bucket/prefix")

    def it_is_called_as_each_engine_calls_it(self, spark: SparkSession) -> None:
        own = dialect_of(spark)
        sail, classic = replace(own, urls=True), replace(own, urls=False)
        assert sail.to_read("s3://bucket/a b/[1].csv") == "s3://bucket/a%20b/%5B1%5D.csv"
        assert classic.to_read("s3://bucket/a b/[1].csv") == r"s3a://bucket/a b/\[1\].csv"
        assert classic.exact("s3://bucket/a b") == "s3a://bucket/a b"
        assert classic.exact("file:///s3://x") == "file:///s3://x"


class DescribeLogsAndTablesInOneStore:
    @pytest.mark.parametrize(
        ("warehouse", "log", "fits"),
        [
            ("s3://bucket/tables", "s3://bucket/logs", True),
            ("s3://bucket/tables", "s3://bucket/tables-2", True),
            ("s3://bucket/logs/tables", "s3://bucket/logs", False),
            ("s3://bucket/tables", "s3://bucket/tables/logs", False),
            ("s3://bucket/x", "s3://bucket/x/", False),
            ("s3://bucket/x", "/bucket/x", True),
            ("s3://bucket/shop/tables", "s3://bucket/shop/*", False),
            ("s3://bucket/shop/tables", "s3://bucket/*/t[a-z]bles", False),
            ("s3://bucket/shop/tables", "s3://bucket/shop/*/positives", False),
            ("s3://bucket/shop/tables", "s3://bucket/shop/*.csv", True),
            ("s3://bucket/shop/tables", "s3://bucket/*/logs", True),
            ("s3://bucket/shop/_tables", "s3://bucket/shop/*", True),
            ("s3://bucket/shop/tables", "s3://other/shop/*", True),
        ],
    )
    def it_refuses_one_within_the_other(self, warehouse: str, log: str, fits: bool) -> None:
        config = load_config(EXAMPLE)
        logs = config.logs
        assert logs.clicks is not None
        clicks = logs.clicks.model_copy(update={"path": log})
        config = config.model_copy(
            update={"warehouse": warehouse, "logs": logs.model_copy(update={"clicks": clicks})}
        )
        if fits:
            require_apart(config)
            return
        with pytest.raises(ConfigError, match=r"logs\.clicks\.path"):
            require_apart(config)


class DescribeAPathInAStore:
    PATH = ObjectPath.of("s3://bucket/tables/")

    def it_is_named_as_paths_are(self) -> None:
        below = self.PATH / "positives" / "ds=2026-01-01"
        assert str(below) == uri_of(below) == "s3://bucket/tables/positives/ds=2026-01-01"
        assert (below.name, below.parent.name) == ("ds=2026-01-01", "positives")
        assert below.relative_to(self.PATH) == PurePosixPath("positives/ds=2026-01-01")
        assert below.is_relative_to(self.PATH)
        assert not ObjectPath.of("s3://bucket/tables-2").is_relative_to(self.PATH)
        assert ObjectPath.of("s3://bucket").parent == ObjectPath.of("s3://bucket")
        assert place_of("s3://bucket/tables") == self.PATH
        assert place_of("tables") == Path("tables")

    def it_is_never_taken_for_a_file_of_this_machine(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError):
            open(self.PATH)  # type: ignore[call-overload] # noqa: PTH123, SIM115
        with pytest.raises(TypeError):
            Path(self.PATH)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="no file of this machine"):
            local_path(self.PATH)

    def it_has_tables_in_the_store_and_staging_on_this_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert str(table_path(self.PATH, "positives")) == "s3://bucket/tables/positives"
        staged = staging_path(self.PATH, "run-1")
        assert staged.is_relative_to(tmp_path)
        assert staged == staging_path(ObjectPath.of("s3://bucket/tables"), "run-1")
        assert staged != staging_path(ObjectPath.of("s3://bucket/other"), "run-1")
        assert (tmp_path / staged.relative_to(tmp_path).parts[0]).stat().st_mode & 0o077 == 0
        for name in ("../x", "a/b", ""):
            with pytest.raises(ConfigError):
                table_path(self.PATH, name)
            with pytest.raises(ConfigError):
                staging_path(self.PATH, name)

    def it_stages_in_nobody_elses_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        name = staging_path(self.PATH, "run-1").relative_to(tmp_path).parts[0]
        (tmp_path / "elsewhere").mkdir()
        for inner in (tmp_path / name).iterdir():
            inner.rmdir()
        (tmp_path / name).rmdir()
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
        assert main(["clean", "--config", str(_config_in_store(tmp_path))]) == 1


def _config_in_store(folder: Path) -> Path:
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace("warehouse: warehouse", "warehouse: s3://bucket/tables")
    (folder / "winnow.yaml").write_text(text, encoding="utf-8")
    return folder / "winnow.yaml"


class DescribeWhatAStoreCannot:
    def it_refuses_spark_behind_a_server_and_on_a_cluster(self, spark: SparkSession) -> None:
        with pytest.raises(ConfigError, match="Spark Connect works on folders alone"):
            ConnectEngine(spark).store(ObjectPath.of("s3://bucket/tables"))
        cluster = SimpleNamespace(conf=SimpleNamespace(get=lambda _: "spark://master:7077"))
        with pytest.raises(ConfigError, match="Spark on a cluster works on folders alone"):
            SparkEngine(cluster).store(ObjectPath.of("s3://bucket/tables"))  # type: ignore[arg-type]

    def it_tells_spark_where_the_store_is_and_nothing_of_who_one_is(self) -> None:
        environment = {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
        }
        assert s3a_settings(environment) == {
            "spark.hadoop.fs.s3a.endpoint": "http://127.0.0.1:9",
            "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        }
        assert s3a_settings({}) == {}

    def it_takes_the_jars_of_s3a_and_none_that_spark_ships(self) -> None:
        names = [
            "org.apache.hadoop_hadoop-aws-3.4.2.jar",
            "software.amazon.awssdk_s3-2.29.52.jar",
            "software.amazon.s3.analyticsaccelerator_analyticsaccelerator-s3-1.2.1.jar",
            "io.netty_netty-common-4.1.115.Final.jar",
            "org.slf4j_slf4j-api-1.7.36.jar",
        ]
        picked = pick_s3a(tuple(Path("/ivy") / name for name in names))
        assert list(picked) == [
            "hadoop-aws-3.4.2.jar", "s3-2.29.52.jar", "analyticsaccelerator-s3-1.2.1.jar"
        ]  # fmt: skip

    def it_names_the_extra_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "obstore", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'winnow\[s3\]'"):
            put_if_absent(ObjectPath.of("s3://bucket/x"), b"")

    def it_asks_nothing_of_a_folder(self, tmp_path: Path) -> None:
        require_conditional_put(tmp_path / "tables")
        assert list(tmp_path.iterdir()) == []

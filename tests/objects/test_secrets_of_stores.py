"""What proves who one is stands in the environment, and nowhere that anybody reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import winnow
from winnow.cli.main import main
from winnow.storage.object_path import ObjectPath

from tests.child_process import PATH, child_environment
from tests.objects.conftest import DAY, SECRET, Shop, Store, served

KEY = "AKIA0NOBODYMAYSEETHIS"


TOKEN = "token-that-nobody-may-see"
IN_ADDRESSES = [
    f"s3://{KEY}:{SECRET}@bucket/logs",
    f"s3://bucket/logs?X-Amz-Credential={KEY}&X-Amz-Signature={SECRET}",
    f"https://account.blob.core.windows.net/c/logs?sv=1&sig={SECRET}",
    f"abfs://c@account.dfs.core.windows.net/logs?sas_token={SECRET}",
    f"hdfs://{KEY}:{SECRET}@nowhere.invalid/logs",
]


class DescribeWhatAStoreAnswers:
    @pytest.mark.parametrize(
        "words",
        [
            ["releases"], ["doctor"], ["clean"], ["vacuum"], ["verify"], ["show"],
            ["forget", "--users", "7", "--dry-run"], ["keep", "x", "--tag", "y"],
            ["build", "--ds", str(DAY)], ["stale", "--from", str(DAY), "--to", str(DAY)],
        ],
        ids=lambda words: words[0],
    )  # fmt: skip
    def it_is_told_without_what_it_was_sent(
        self,
        words: list[str],
        store: Store,
        shop: Shop,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """A store that denies a request answers with its key, its signature and its token."""
        text = shop.on_disk.read_text(encoding="utf-8")
        config = shop.folder / "closed.yaml"
        config.write_text(text.replace("warehouse: warehouse", "warehouse: s3://closed/tables"))
        for closed in served("--refuse", "GET", "HEAD", "PUT", "POST", "DELETE"):
            monkeypatch.setenv("AWS_ENDPOINT_URL", closed.endpoint)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
            monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
            assert main([*words, "--config", str(config), "--debug"]) != 0
        told = capfd.readouterr()
        assert "cannot be reached" in told.out + told.err, "as each of them has asked the store"
        for secret in (SECRET, KEY, TOKEN):
            assert secret not in told.out + told.err


class DescribeSecretsInAddresses:
    @pytest.mark.parametrize("address", IN_ADDRESSES, ids=range(len(IN_ADDRESSES)))
    def it_stands_in_nothing_that_a_build_writes_or_prints(
        self,
        address: str,
        shop: Shop,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        written = tmp_path / "written"
        written.mkdir()
        config = tmp_path / "winnow.yaml"
        text = shop.on_disk.read_text(encoding="utf-8")
        config.write_text(text.replace("path: logs/shown.csv", f'path: "{address}"'))
        assert SECRET in config.read_text(encoding="utf-8")
        monkeypatch.setattr("tempfile.tempdir", str(written))
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
        monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(written / "lineage"))
        tell = f"sh -c 'env | grep WINNOW_ > {written}/told; cat {written}/told'"
        words = [
            "build",
            "--config",
            str(config),
            "--ds",
            str(DAY),
            "--debug",
            "--log-format",
            "json",
        ]
        words += ["--warehouse", str(written / "tables"), "--metrics", str(written / "run.prom")]
        assert main([*words, "--openlineage", "--on-failure", tell]) in (2, 3)
        told = capfd.readouterr()
        read = [file.read_bytes() for file in written.rglob("*") if file.is_file()]
        names = {file.name for file in written.rglob("*")}
        assert {"told", "run.prom"} <= names, "there is something to look into"
        for secret in (SECRET, KEY):
            assert secret not in told.out + told.err
            assert not any(secret.encode() in content for content in read)


class DescribeTheSecretsOfABuild:
    def it_tells_none_to_releases_pages_metrics_lineage_or_logs(
        self, store: Store, shop: Shop, bucket: str, tmp_path: Path
    ) -> None:
        warehouse = f"{bucket}/tables"
        environment = child_environment() | {"PYTHONPATH": PATH} | store.environment()
        environment |= {
            "AWS_ACCESS_KEY_ID": KEY,
            "OPENLINEAGE__TRANSPORT__TYPE": "file",
            "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": str(tmp_path / "lineage"),
        }

        def run(*words: str) -> str:
            code = f"import sys; from winnow.cli.main import main; sys.exit(main({list(words)!r}))"
            ended = subprocess.run(
                [sys.executable, "-c", code],
                env=environment, capture_output=True, text=True, check=False, timeout=600,
            )  # fmt: skip
            assert ended.returncode == 0, ended.stderr
            return ended.stdout + ended.stderr

        of_build = ["--config", str(shop.in_store), "--ds", str(DAY), "--debug"]
        watched = ["--metrics", str(tmp_path / "metrics.prom"), "--openlineage"]
        told = run("build", *of_build, *watched, "--warehouse", warehouse, "--log-format", "json")
        told += run("report", "--warehouse", warehouse, "--out", str(tmp_path / "page"))
        told += run("releases", "--warehouse", warehouse, "--json")
        (release,) = winnow.open_release(warehouse, ds=DAY).releases
        told += release.config_json + release.inputs_json + release.quality_json
        written = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert {"index.html", "metrics.prom"} <= {file.name for file in written}
        assert any(file.name.startswith("lineage") for file in written)
        read = [file.read_bytes() for file in written]
        read += [one.read_bytes() for one, _ in ObjectPath.of(warehouse).objects()]
        assert len(read) > 10
        for secret in (SECRET, KEY):
            assert secret not in told
            assert not any(secret.encode() in content for content in read)
        assert os.environ["AWS_SECRET_ACCESS_KEY"] == SECRET

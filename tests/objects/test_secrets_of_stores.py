"""What proves who one is stands in the environment, and nowhere that anybody reads."""

import os
import subprocess
import sys
from pathlib import Path

import winnow
from winnow.storage.object_path import ObjectPath

from tests.child_process import PATH, child_environment
from tests.objects.conftest import DAY, SECRET, Shop, Store

KEY = "AKIA0NOBODYMAYSEETHIS"


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

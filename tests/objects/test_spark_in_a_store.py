"""The engine spark, on one machine, reads and publishes in a store what sail does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from winnow.engine.java import jars_folder

from tests.child_process import PATH, child_environment
from tests.objects.conftest import DAY, Shop, Store, contents

JARS = os.environ.get("WINNOW_TEST_S3A")
"""A folder that ``python -m winnow.engine.jars --s3`` has filled."""
WORDS = "import sys; from winnow.cli.main import main; sys.exit(main(sys.argv[1:]))"


def ran(store: Store, jars: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = child_environment() | {"PYTHONPATH": PATH} | store.environment()
    return subprocess.run(
        [sys.executable, "-c", WORDS, *words, "--engine", "spark"],
        env=environment | {"WINNOW_JARS": str(jars)},
        capture_output=True, text=True, check=False, timeout=1_800,
    )  # fmt: skip


@pytest.mark.skipif(JARS is None, reason="make objects runs this: WINNOW_TEST_S3A names the JARs")
class DescribeSparkInAStore:
    def it_has_the_content_of_sail_and_verifies_it(
        self, store: Store, shop: Shop, bucket: str, in_store: str
    ) -> None:
        warehouse = f"{bucket}/of spark"
        where = ["--warehouse", warehouse]
        build = ["build", "--config", str(shop.in_store), "--ds", str(DAY)]
        made = ran(store, Path(JARS or ""), *build, *where)
        assert made.returncode == 0, made.stderr[-3000:]
        assert contents(warehouse) == contents(in_store)
        verified = ran(store, Path(JARS or ""), "verify", *where)
        assert verified.returncode == 0, verified.stderr[-3000:]

    def it_is_told_of_the_jars_that_are_missing(
        self, store: Store, shop: Shop, bucket: str
    ) -> None:
        build = ["build", "--config", str(shop.on_disk), "--ds", str(DAY)]
        ended = ran(store, jars_folder(), *build, "--warehouse", f"{bucket}/tables")
        assert ended.returncode == 1
        assert "Run python -m winnow.engine.jars --s3" in ended.stderr
        assert "Traceback" not in ended.stderr

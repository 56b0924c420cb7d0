"""docs/object_stores.md: its example runs as it stands, and it speaks of what differs there."""

import shutil
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from pyspark.sql import SparkSession

from tests.docs.pages import ROOT, appears, lines_of, run_page
from tests.objects.conftest import SECRET, Store

PAGE = ROOT / "docs" / "object_stores.md"


class DescribeThePageOnObjectStores:
    def it_shows_what_is_printed(self, store: Store, spark: SparkSession, tmp_path: Path) -> None:
        made = pafs.S3FileSystem(
            endpoint_override=store.endpoint, allow_bucket_creation=True,
            access_key="tester", secret_key=SECRET, region="us-east-1",
        )  # fmt: skip
        made.create_dir("my-bucket")
        ignored = shutil.ignore_patterns("warehouse", "data")
        shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=ignored)
        run = run_page(PAGE, spark, tmp_path)
        assert [code for _, _, code in run.exit_codes] == [0, 0]
        assert len(run.shown) == 2
        for line, language, shown, printed in run.shown:
            if language == "python":
                assert lines_of(printed) == lines_of(shown), f"line {line}"
            else:
                assert appears(shown, printed), f"line {line}: found\n{printed}"

    @pytest.mark.parametrize("word", ["backfill", "forget", "vacuum", "report --out", "connect"])
    def it_speaks_of_all_that_differs(self, word: str) -> None:
        assert f"`{word}" in PAGE.read_text(encoding="utf-8")

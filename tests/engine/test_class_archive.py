"""Spark's classes in a file: Java is told of it where it is, and maps it."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from winnow.engine.java import find_jars
from winnow.engine.startup.class_archive import ARCHIVE, options_to_read, options_to_write, quoted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class DescribeOptions:
    def it_reads_no_archive_where_there_is_none(self, tmp_path: Path) -> None:
        assert options_to_read([tmp_path / "delta-spark.jar"]) == ()

    def it_reads_the_archive_beside_the_jars(self, tmp_path: Path) -> None:
        (tmp_path / ARCHIVE).touch()
        first, *silent = options_to_read([tmp_path / "delta-spark.jar", Path("/other/a.jar")])
        assert first == f"-XX:SharedArchiveFile={tmp_path / ARCHIVE}"
        assert all(option.startswith("-Xlog:") for option in silent)

    def it_writes_what_it_reads(self, tmp_path: Path) -> None:
        assert options_to_write(tmp_path)[0] == f"-XX:ArchiveClassesAtExit={tmp_path / ARCHIVE}"

    def it_keeps_paths_with_spaces_together(self) -> None:
        options = options_to_write(Path("/some where"))
        assert shlex.split(quoted(options)) == list(options)


class DescribeASession:
    @pytest.mark.spark_only
    def it_maps_the_archive_that_make_spark_has_left(self, spark: "SparkSession") -> None:
        archive = find_jars()[0].parent / ARCHIVE
        if "WINNOW_JARS" in os.environ:
            pytest.skip("beside JARs of one's own there may be none")
        assert archive.is_file(), "remove .venv/.jars and say make spark: it leaves one"
        gateway = spark.sparkContext._gateway
        assert gateway is not None
        java = Path("/proc", str(gateway.proc.pid))
        if not java.is_dir():
            pytest.skip("what Java maps is read from /proc")
        mapped = {line.split(maxsplit=5)[-1] for line in (java / "maps").read_text().splitlines()}
        assert str(archive.resolve()) in {str(Path(path).resolve()) for path in mapped}

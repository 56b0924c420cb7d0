"""An error that is none of ours: its cause is told, and what it is about."""

import errno
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.cli.exit_codes import run_to_exit_code
from winnow.config.logs import LogConfig
from winnow.logs.parquet.damage import unreadable_files
from winnow.spark.causes import cause_in, problem_of

_WORKER = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "worker.py", line 1, in f
    received = [batch for batch in batches]
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
RuntimeError: Arrow error: Parquet error: bad page
\tat org.apache.spark.api.python.Runner.handle(Runner.scala:1)
"""
_JAVA = """Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times
\tat org.apache.spark.Scheduler.run(Scheduler.scala:1)
Caused by: org.apache.spark.SparkException: [FAILED_READ_FILE] file:///logs/a.parquet
\tat org.apache.spark.X(Y.scala:1)
Caused by: java.io.IOException: bad page
\tat org.apache.parquet.X(Y.java:1)
"""


class DescribeTheCauseInAnErrorsText:
    @pytest.mark.parametrize(
        ("text", "cause"),
        [
            (_WORKER, "RuntimeError: Arrow error: Parquet error: bad page"),
            (_JAVA, "java.io.IOException: bad page"),
            ("one line", "one line"),
            ("first\n\nsecond", "first"),
            ("  \n", ""),
        ],
    )
    def it_is_the_innermost(self, text: str, cause: str) -> None:
        assert cause_in(text) == cause


class DescribeAFolderThatCannotBeWritten:
    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (
                OSError(errno.ENOSPC, "No space left on device", "/w/positives"),
                "/w/positives: the disk is full",
            ),
            (
                PermissionError(errno.EACCES, "Permission denied", "/w/_staging"),
                "/w/_staging: this may not be read or written",
            ),
            (
                OSError(errno.EROFS, "Read-only file system", "/w"),
                "/w: the file system can only be read",
            ),
            (
                RuntimeError(
                    "External error: Generic LocalFileSystem error: Unable to create dir "
                    "/w/_staging/x: No space left on device (os error 28)"
                ),
                "/w/_staging/x: the disk is full",
            ),
            (
                RuntimeError("Caused by: java.io.IOException: mkdir of file:/w/a/b failed"),
                "winnow: RuntimeError: java.io.IOException: mkdir of file:/w/a/b failed",
            ),
        ],
    )
    def it_is_named_with_what_is_wrong(self, error: Exception, sentence: str) -> None:
        assert str(problem_of(error)).startswith(sentence)

    def it_ends_a_command_with_1(self, capsys: pytest.CaptureFixture[str]) -> None:
        def command() -> None:
            raise OSError(errno.ENOSPC, "No space left on device", "/w/positives")

        assert run_to_exit_code(command, []) == 1
        assert "/w/positives: the disk is full" in capsys.readouterr().err


class DescribeTooLittleMemory:
    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            pa.ArrowMemoryError("malloc of size 1000 failed"),
            ImportError("x.so: failed to map segment from shared object"),
            OSError(errno.ENOMEM, "Cannot allocate memory"),
            RuntimeError("java.lang.OutOfMemoryError: Java heap space"),
        ],
    )
    def it_is_said(self, error: Exception) -> None:
        assert str(problem_of(error)).startswith("memory: there is too little of it")

    def it_is_said_of_what_caused_the_error_too(self) -> None:
        with pytest.raises(RuntimeError) as caught:
            try:
                raise MemoryError
            except MemoryError as error:
                raise RuntimeError("not installed") from error
        assert problem_of(caught.value).where == "memory"


def _damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset
    for place in range(at, at + 30):
        content[place] ^= 0xA5
    path.write_bytes(bytes(content))


class DescribePagesThatCannotBeRead:
    def it_names_the_file_and_the_cause(self, tmp_path: Path) -> None:
        for name in ("a", "b", "c"):
            pq.write_table(pa.table({"x": list(range(1_000))}), tmp_path / f"{name}.parquet")
        _damaged(tmp_path / "b.parquet")
        log = LogConfig(path=str(tmp_path))
        [problem] = unreadable_files("clicks", log, tmp_path, [str(tmp_path)], "")
        assert problem.where == "logs.clicks"
        assert problem.what == f"{tmp_path}/b.parquet has pages that cannot be read"
        assert problem.found

    def it_finds_nothing_in_files_that_are_whole(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
        shutil.copy(tmp_path / "a.parquet", tmp_path / "b c%20.parquet")
        log = LogConfig(path=str(tmp_path))
        assert list(unreadable_files("clicks", log, tmp_path, [str(tmp_path)], "")) == []

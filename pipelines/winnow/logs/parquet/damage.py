"""Which file of a log an engine could not read: looked for once it has failed, page by page."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from winnow.config.logs import LogConfig
from winnow.errors import Problem
from winnow.logs.files.locations import Location

_MOST_SECONDS = 120.0


def unreadable_files(
    log: str, config: LogConfig, base: Path, folders: Sequence[str], message: str
) -> Iterator[Problem]:
    """Give the Parquet files of a log that have a whole footer and pages that cannot be read.

    Reads every page of every file, those first that the engine's error names, until one is found
    that is damaged, or two minutes are over.

    Args:
        log: The log's name.
        config: Its config, with what it takes from another log.
        base: The folder that relative paths start at.
        folders: What was read, as in ``Log.folders``.
        message: The text of the engine's error.

    Raises:
        InputError: The object store of the log does not answer, or refuses.
    """
    if config.path is None or config.format not in (None, "parquet", "delta"):
        return
    location, until = Location.of(config.path, base), time.monotonic() + _MOST_SECONDS
    files = [path for folder in folders for path in _parquet_files(location, folder)]
    for path in sorted(files, key=lambda path: path.rpartition("/")[2] not in message):
        if time.monotonic() > until:
            return
        problem = _unreadable(log, location, path)
        if problem is not None:
            yield problem
            return


def _parquet_files(location: Location, folder: str) -> list[str]:
    info = location.info(folder)
    found = [info]
    if info.type == pafs.FileType.Directory:
        found = location.inside(folder, recursive=True)
    files = [one.path for one in found if one.type == pafs.FileType.File]
    return sorted(path for path in files if path.endswith(".parquet"))


def _unreadable(log: str, location: Location, path: str) -> Problem | None:
    try:
        with location.filesystem.open_input_file(path) as handle:
            for _ in pq.ParquetFile(handle).iter_batches():
                pass
    except (pa.ArrowException, OSError) as error:
        return location.refusal(log, path, error) or Problem(
            f"logs.{log}",
            f"{path} has pages that cannot be read",
            found=str(error).splitlines()[0],
            next_step="Write the file again, or move it out of the log.",
        )
    return None

"""The files of a table as plain data, which other processes read with PyArrow alone.

delta-rs, which knows the files, does not work in a process that was forked from one that used it;
data loaders fork. So this module knows nothing of it.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem, LocalFileSystem

from winnow.storage.addresses import is_s3
from winnow.storage.object_path import ObjectPath, Place

_UNIT = "us"
"""Spark's default for timestamps is INT96; without the unit they would be nanoseconds, which end in
2262."""


@dataclass(frozen=True)
class TableFiles:
    """What a reader needs of some versions of a table; can be pickled.

    Attributes:
        schema: The columns, ``ds`` among them.
        files: The path of each Parquet file, or its address in an object store, and its date where
            the table has one per date. All lie in one store.
    """

    schema: pa.Schema
    files: tuple[tuple[str, date | None], ...]

    @property
    def paths(self) -> list[str]:
        """The paths of the files."""
        return [path for path, _ in self.files]

    def dataset(self) -> pds.Dataset:
        """Return the files as one dataset, the date of each file restored as its ``ds``.

        A page that does not hold what was written is an ``OSError`` when it is read.
        """
        options = pds.ParquetReadOptions(coerce_int96_timestamp_unit=_UNIT)
        filesystem, paths = _file_system(self.paths)
        return pds.FileSystemDataset.from_paths(
            paths,
            schema=self.schema,
            format=pds.ParquetFileFormat(
                read_options=options,
                default_fragment_scan_options=pds.ParquetFragmentScanOptions(
                    page_checksum_verification=True
                ),
            ),
            filesystem=filesystem,
            partitions=[
                pds.scalar(True) if ds is None else pds.field("ds") == pa.scalar(ds)
                for _, ds in self.files
            ],
        )


def parquet_file(path: str | Place) -> pq.ParquetFile:
    """Open one of the files by itself; times and damaged pages are as of ``TableFiles.dataset``.

    Args:
        path: Its path or address. What is given as an ``ObjectPath`` is read whole at once, so that
            a store that does not answer is a ``StoreError``, and all else is the file's damage.
    """
    filesystem: FileSystem | None
    if isinstance(path, ObjectPath):
        filesystem, own = None, pa.BufferReader(path.read_bytes())
    else:
        filesystem, (own,) = _file_system([str(path)])
    return pq.ParquetFile(
        own,
        coerce_int96_timestamp_unit=_UNIT,
        page_checksum_verification=True,
        filesystem=filesystem,
    )


def _file_system(paths: list[str]) -> tuple[FileSystem, list[str]]:
    """Return where files lie, opened by this very process, and their names there."""
    if not paths or not is_s3(paths[0]):
        return LocalFileSystem(), paths
    objects = [ObjectPath.of(path) for path in paths]
    return objects[0].filesystem, [one.key for one in objects]

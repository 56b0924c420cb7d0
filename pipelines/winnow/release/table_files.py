"""The files of a table as plain data, which other processes read with PyArrow alone.

delta-rs, which knows the files, does not work in a process that was forked from one that used it;
data loaders fork. So this module knows nothing of it.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

_UNIT = "us"
"""Spark's default for timestamps is INT96; without the unit they would be nanoseconds, which end in
2262."""


@dataclass(frozen=True)
class TableFiles:
    """What a reader needs of some versions of a table; can be pickled.

    Attributes:
        schema: The columns, ``ds`` among them.
        files: The path of each Parquet file, and its date where the table has one per date.
    """

    schema: pa.Schema
    files: tuple[tuple[str, date | None], ...]

    @property
    def paths(self) -> list[str]:
        """The paths of the files."""
        return [path for path, _ in self.files]

    def dataset(self) -> pds.Dataset:
        """Return the files as one dataset, the date of each file restored as its ``ds``."""
        options = pds.ParquetReadOptions(coerce_int96_timestamp_unit=_UNIT)
        return pds.FileSystemDataset.from_paths(
            self.paths,
            schema=self.schema,
            format=pds.ParquetFileFormat(read_options=options),
            filesystem=LocalFileSystem(),
            partitions=[
                pds.scalar(True) if ds is None else pds.field("ds") == pa.scalar(ds)
                for _, ds in self.files
            ],
        )


def parquet_file(path: str) -> pq.ParquetFile:
    """Open one of the files by itself; times come as they do from ``dataset``."""
    return pq.ParquetFile(path, coerce_int96_timestamp_unit=_UNIT)

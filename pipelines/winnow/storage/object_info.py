"""What a store tells of an object, as a file system tells of a file."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow.fs as pafs


class ObjectInfo(NamedTuple):
    """What a store tells of an object, by the names that ``os.stat_result`` has.

    Attributes:
        st_size: Its bytes.
        st_mtime: When it was written, in seconds since 1970 UTC; ``st_ctime`` is the same, as an
            object is never changed, only written anew.
        st_mtime_ns: The same in nanoseconds.
    """

    st_size: int
    st_mtime: float
    st_ctime: float
    st_mtime_ns: int


def info_of(told: "pafs.FileInfo") -> ObjectInfo:
    """Return what Arrow has been told of an object."""
    seconds = told.mtime_ns / 1e9
    return ObjectInfo(told.size, seconds, seconds, told.mtime_ns)

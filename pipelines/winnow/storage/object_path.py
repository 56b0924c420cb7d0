"""A name in an object store, used as a path is: so that tables are read alike wherever they lie.

It has those methods of ``pathlib.Path`` that a warehouse needs, and no more. It is no ``PathLike``:
what opens local files alone refuses it, and never writes a folder called ``s3:``. Arrow is loaded
when a store is opened: a config is read without it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from winnow.storage.addresses import S3, is_s3
from winnow.storage.object_info import ObjectInfo, info_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.fs as pafs

_PIECE = 16 * 2**20


@dataclass(frozen=True, order=True)
class ObjectPath:
    """A bucket and a key in it, or what several keys begin with, which stands for a folder.

    Attributes:
        key: The bucket and all names below it, with slashes between.
    """

    key: str

    @classmethod
    def of(cls, address: str) -> Self:
        """Return the path of an address ``s3://bucket/prefix``."""
        return cls(address.removeprefix(S3).rstrip("/"))

    def __str__(self) -> str:
        """Return the address."""
        return f"{S3}{self.key}"

    def __truediv__(self, name: str) -> Self:
        """Return what is called so below."""
        return self.joinpath(name)

    def joinpath(self, *names: str) -> Self:
        """Return what is called so below, each name below the one before."""
        return type(self)("/".join((self.key, *names)))

    @property
    def name(self) -> str:
        """The last name."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> Self:
        """What the last name is left away of; of a bucket, itself."""
        above = self.key.rpartition("/")[0]
        return type(self)(above) if above else self

    def relative_to(self, other: "ObjectPath") -> PurePosixPath:
        """Return the names from another path on.

        Raises:
            ValueError: It does not lie below that.
        """
        return PurePosixPath(self.key).relative_to(other.key)

    def is_relative_to(self, other: "ObjectPath") -> bool:
        """Return whether it is another path, or lies below it."""
        return f"{self.key}/".startswith(f"{other.key}/")

    def absolute(self) -> Self:
        """Return itself: no address is relative."""
        return self

    @property
    def filesystem(self) -> "pafs.FileSystem":
        """The file system of Arrow that has it, under ``key``."""
        from winnow.storage.file_systems import s3_file_system

        return s3_file_system(self.key.partition("/")[0])

    def exists(self) -> bool:
        """Return whether there is an object of this key, or one below.

        Raises:
            StoreError: The store does not answer, or refuses to.
        """
        return self._kind() != "NotFound"

    def is_file(self) -> bool:
        """Return whether there is an object of this key; raises as ``exists``."""
        return self._kind() == "File"

    def is_dir(self) -> bool:
        """Return whether there are objects below; raises as ``exists``."""
        return self._kind() == "Directory"

    def _asked(self) -> AbstractContextManager[None]:
        from winnow.storage.file_systems import store_asked

        return store_asked(str(self))

    def _kind(self) -> str:
        with self._asked():
            return str(self.filesystem.get_file_info(self.key).type.name)

    def _below(
        self, *, recursive: bool = False, allow_not_found: bool = False
    ) -> "list[pafs.FileInfo]":
        """Return what lies below, in order; raises as ``iterdir`` where nothing may not be."""
        from pyarrow.fs import FileSelector

        selector = FileSelector(self.key, allow_not_found, recursive)
        with self._asked():
            return sorted(self.filesystem.get_file_info(selector), key=lambda one: str(one.path))

    def stat(self) -> ObjectInfo:
        """Return its size and time.

        Raises:
            FileNotFoundError: There is no such object.
        """
        with self._asked():
            info = self.filesystem.get_file_info(self.key)
        if info.type.name != "File":
            raise FileNotFoundError(str(self))
        return info_of(info)

    def iterdir(self) -> Iterator[Self]:
        """Give what lies directly below, in order.

        Raises:
            FileNotFoundError: There is nothing.
        """
        yield from (type(self)(info.path) for info in self._below())

    def glob(self, pattern: str) -> Iterator[Self]:
        """Give what lies directly below and whose name fits; nothing where nothing is below."""
        return self._fitting(pattern, recursive=False)

    def rglob(self, pattern: str) -> Iterator[Self]:
        """Give what lies anywhere below and whose name fits, in order."""
        return self._fitting(pattern, recursive=True)

    def _fitting(self, pattern: str, *, recursive: bool) -> Iterator[Self]:
        for info in self._below(recursive=recursive, allow_not_found=True):
            if fnmatchcase(info.base_name, pattern):
                yield type(self)(info.path)

    def objects(self) -> Iterator[tuple[Self, ObjectInfo]]:
        """Give each object anywhere below, in order, and what the store tells of it."""
        for info in self._below(recursive=True, allow_not_found=True):
            if info.type.name == "File":
                yield type(self)(info.path), info_of(info)

    def read_bytes(self) -> bytes:
        """Return the whole object; raises as ``open``."""
        with self._asked(), self.filesystem.open_input_file(self.key) as file:
            return bytes(file.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        """Return the whole object as text; raises as ``open``."""
        return self.read_bytes().decode(encoding)

    def write_bytes(self, content: bytes) -> None:
        """Write an object at once: who reads meanwhile reads the one before, or this one.

        Raises:
            StoreError: The store did not take it.
        """
        with self._asked(), self._stream() as out:
            out.write(content)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Write text at once, as ``write_bytes``."""
        self.write_bytes(text.encode(encoding))

    def copy_to(self, target: "ObjectPath") -> None:
        """Write an object with the bytes of this one, within the store; raises as ``open``."""
        with self._asked():
            self.filesystem.copy_file(self.key, target.key)

    def _stream(self) -> "pa.NativeFile":
        return self.filesystem.open_output_stream(self.key)

    def upload(self, file: Path) -> None:
        """Write an object with the bytes of a local file.

        Raises:
            OSError: The file cannot be read, or the store did not take all of it.
        """
        with file.open("rb") as source, self._asked(), self._stream() as out:
            while piece := source.read(_PIECE):
                out.write(piece)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object.

        Raises:
            FileNotFoundError: There is no such object, and that is not ``missing_ok``.
            StoreError: The store does not delete it.
        """
        from winnow.storage.deletion import delete_object

        if not missing_ok and not self.is_file():
            raise FileNotFoundError(str(self))
        delete_object(str(self))

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a store makes no folders, they are what keys begin with."""


Place = Path | ObjectPath
"""A folder or file of this machine's file systems, or a name in an object store."""


def place_of(text: str | Place) -> Place:
    """Return the place that a path or an address is of."""
    if isinstance(text, ObjectPath):
        return text
    return ObjectPath.of(text) if isinstance(text, str) and is_s3(text) else Path(text)


def local_path(place: Place) -> Path:
    """Return a place of this machine as it is.

    Raises:
        TypeError: It is in an object store: what calls this was to refuse that before.
    """
    if isinstance(place, ObjectPath):
        raise TypeError(f"{place} is no file of this machine")
    return place


def uri_of(place: Place) -> str:
    """Return the address that engines read a place under."""
    return str(place) if isinstance(place, ObjectPath) else f"file://{place}"

"""What tells whether a file of a log is the one that was read: its name, its size, its time."""

from collections.abc import Iterable, Mapping

from winnow.logs.files.locations import Location, SourceFile

Stamps = Mapping[str, tuple[int, int]]
"""Of each file, by its name below the log's path, its bytes and when it was last written."""


def stamps(location: Location, files: Iterable[SourceFile]) -> dict[str, tuple[int, int]]:
    """Return the stamps of files; times are in microseconds since 1970 UTC, 0 where unknown."""
    return {location.below(file.path): (file.size, file.changed_us) for file in files}


def by_folder(files: Stamps) -> dict[str, dict[str, list[int]]]:
    """Return stamps as JSON types: by folder and by name, since many files share a folder."""
    record: dict[str, dict[str, list[int]]] = {}
    for path, stamp in sorted(files.items()):
        folder, _, name = path.rpartition("/")
        record.setdefault(folder, {})[name] = list(stamp)
    return record


def from_folders(record: Mapping[str, Mapping[str, list[int]]]) -> dict[str, tuple[int, int]]:
    """Return the stamps that ``by_folder`` made a record of."""
    return {
        f"{folder}/{name}" if folder else name: (stamp[0], stamp[1])
        for folder, inner in record.items()
        for name, stamp in inner.items()
    }

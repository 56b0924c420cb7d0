"""Whether all logs of a config together are so small that a build is mostly its engine's start."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from winnow.config.tree import Config

# Up to here it was measured that one compiler is the better choice: see docs/engines.md.
_BYTES = 96 * 2**20
# A folder is not walked to its end only to learn that it is large.
_FILES = 2_000


def logs_are_small(config: "Config") -> bool:
    """Return whether the files of all logs are few and have at most 96 MiB together.

    All files count, also those of other dates: it is a guess that must cost nothing. Where a log
    is no plain folder or file of this machine (an address, a pattern, a link), the answer is no.

    Args:
        config: Its paths are absolute, or start at the working folder.
    """
    paths = [Path(log.path) for _, log in config.logs if log is not None and log.path is not None]
    files = size_of_all = 0
    for size in chain.from_iterable(map(_sizes, paths)):
        if size is None:
            return False
        files, size_of_all = files + 1, size_of_all + size
        if files > _FILES or size_of_all > _BYTES:
            return False
    return True


def _sizes(path: Path) -> Iterator[int | None]:
    """Give the size of each file at and below a path, and None for what tells no size."""
    try:
        if path.is_symlink() or not path.exists():
            yield None
        elif path.is_file():
            yield path.stat().st_size
        else:
            for entry in path.iterdir():
                yield from _sizes(entry)
    except OSError:
        yield None

"""Whether all logs of a config together are so small that a build is mostly its engine's start."""

from collections.abc import Iterator
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
    sizes: list[int] = []
    for _name, log in config.logs:
        if log is None or log.path is None:
            continue
        for size in _sizes(Path(log.path)):
            if size is None:
                return False
            sizes.append(size)
            if len(sizes) > _FILES or sum(sizes) > _BYTES:
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

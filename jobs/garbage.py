"""The garbage collector of a command: at rest while libraries are loaded, and at the end."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Load libraries and start an engine without a look at what they are made of, then or later.

    Some hundred thousand objects come and stay: the collector would go through all of them again
    and again while they come, later whenever their number has grown by a quarter, and once more
    when the process ends. All that is there is set aside once in a process, a caller's objects
    too: a process that runs several commands has garbage of its own by then.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        if was_enabled:
            gc.enable()


def collect_no_more() -> None:
    """Let a process end that has done its work: its memory is given back whole.

    Python would go through everything several times before it ends.
    """
    gc.disable()
    gc.freeze()

"""The garbage collector of a command: at rest while libraries are loaded, and seldom at work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 50_000
"""After so many new objects there is a look for garbage, in place of a few hundred. Libraries that
are loaded beside the first stages, and the plans of an engine, are many objects that stay; what is
large is in no cycle. A collector that works holds up all tasks in Python."""


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Load libraries and start an engine without a look at what they are made of, then or later.

    Some hundred thousand objects come and stay: the collector would go through all of them again
    and again while they come, later whenever their number has grown by a quarter, and once more
    when the process ends. All that is there is set aside once in a process, a caller's objects
    too: a process that runs several commands has garbage of its own by then. From then on, and as
    long as the process lasts, the collector works seldom.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
        if was_enabled:
            gc.enable()

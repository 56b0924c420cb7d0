"""What Spark's Python workers are forked from: ``spark.python.daemon.module`` names this module.

Spark puts archives on the path of its workers, PySpark itself and the JAR of its core, and has each
worker forget before every task which modules there are. Up to Python 3.11 that means to read the
archives' tables of contents again, once for every package that was imported from them: a fifth of a
second a task. Without the archives PySpark is imported from where it is installed.
"""

import gc
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec

_ARCHIVES = (".zip", ".jar")


def leave_archives_out() -> None:
    """Take archives off the path, unless PySpark is in one of them only."""
    before = list(sys.path)
    sys.path[:] = [place for place in before if not place.endswith(_ARCHIVES)]
    if find_spec("pyspark") is None:
        sys.path[:] = before
        return
    for place in set(before) - set(sys.path):
        # What was looked for so far was looked for in them too.
        sys.path_importer_cache.pop(place, None)


def load_kernels() -> None:
    """Load what tasks need, once for all workers, and out of the reach of their garbage collector.

    A worker collects garbage after every task, and would look at some ninety thousand objects.
    """
    for kernels in ("sampler_kernels", "audit_kernels"):
        # What goes wrong here would leave Spark without workers; a task tells of it better.
        with suppress(Exception):
            module = import_module(f"winnow.engine.startup.{kernels}")
            getattr(module, f"load_{kernels}")()
    for name in ("winnow.tables.of_groups", "winnow.release.task_writer"):
        with suppress(Exception):
            import_module(name)
    gc.freeze()


if __name__ == "__main__":
    leave_archives_out()
    load_kernels()
    from pyspark import daemon

    daemon.manager()  # type: ignore[no-untyped-call]

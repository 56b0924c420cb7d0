"""How much memory this process may use: the machine's, or less where a container has a limit."""

import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


def memory_gib(groups: Path = _GROUPS, own_group: Path = _OWN_GROUP) -> float:
    """Return the GiB of memory that this process and its children may use together.

    Args:
        groups: Where the control groups of Linux are mounted. own_group: What says in which of
            them this process is. Where they are not there, nothing but the machine is a limit.

    Source:
        cgroups(7), and the kernel's Documentation/admin-guide/cgroup-v2.rst, "memory.max".
    """
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_limits(groups, own_group)]) / 2**30


def _limits(groups: Path, own_group: Path) -> Iterator[int]:
    """Give the limits of the process's group and of all groups around it, in bytes."""
    for line in _text(own_group).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2: one hierarchy for all
            root, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        inner = root / path.lstrip("/")
        # In a container the path may be one of the host: then the limit stands at the root.
        for group in [inner, *inner.parents]:
            limit = _text(group / name).strip()
            if limit.isdigit():
                yield int(limit)
            if group == root:
                break


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

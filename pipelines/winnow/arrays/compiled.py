"""How the kernels are compiled: by Numba, from an on-disk cache where its folder can be written.

Set ``NUMBA_DISABLE_JIT=1`` to run the same functions as plain Python.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.extending import register_jitable

KERNEL_SOURCES = ("arrays", "sampler/kernels", "events/kinds.py", "audit/recompute/kernels")
"""Where compiled functions stand, and what they take constants from; folders and files."""


def source_fingerprint(package: Path) -> str:
    """Return a hash of all kernel sources.

    Numba's cache looks at the file of the cached function only, so a changed callee or constant in
    another file would go unseen. A folder per fingerprint makes that impossible. Other sources are
    left out: a change of them need not compile all kernels anew, which takes 49 CPU seconds.
    """
    digest = hashlib.sha256()
    for named in KERNEL_SOURCES:
        for source in sorted((package / named).glob("*.py")) or [package / named]:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _writable_cache_folder() -> Path | None:
    """Return a folder for compiled code that only this user can write, or None.

    Numba fails at import where it finds no folder, as with a read-only home in a container or
    sources in a zip, so the folder is tried out first.
    """
    package = Path(__file__).parents[1]
    if not package.is_dir():
        return None
    root = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(root) if root else Path(tempfile.gettempdir()) / f"winnow-numba-{os.getuid()}"
    folder = base / source_fingerprint(package)
    try:
        if not root:
            base.mkdir(mode=0o700, exist_ok=True)
            if not _is_private(base):
                return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            return None
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    """Return whether nobody else can put files into a folder, or another folder in its place.

    Anybody may make it first, where all may write beside it; and compiled code is run as it is.
    """
    info = folder.lstat()
    owned = stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()
    return owned and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


CACHE_FOLDER = _writable_cache_folder()
"""Where compiled code is kept; None where nothing can be."""
if CACHE_FOLDER is not None:
    numba.config.CACHE_DIR = str(CACHE_FOLDER)  # type: ignore[attr-defined]


_NOT_FOR_C: dict[str, Any] = {"no_cfunc_wrapper": True}
"""No kernel is called by a pointer from C: what would make that possible need not be compiled."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel on its first call; it releases the interpreter lock while it runs."""
    keep = CACHE_FOLDER is not None
    jit: Callable[..., Any] = numba.njit(nogil=True, cache=keep, **_NOT_FOR_C)(function)
    return jit


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have kernels call a function as compiled code; called by Python it stays what it is.

    It is compiled as a part of each kernel that calls it. What Numba adds to a kernel so that
    Python can call it takes as long to compile as many a small function itself, and is left out.
    """
    own: Callable[..., Any] = register_jitable(**_NOT_FOR_C)(function)
    return own

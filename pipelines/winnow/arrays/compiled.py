"""How the kernels are compiled: by Numba, from an on-disk cache where its folder can be written.

Set ``NUMBA_DISABLE_JIT=1`` to run the same functions as plain Python.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

KERNEL_SOURCES = ("arrays", "sampler/kernels", "events/kinds.py", "audit/recompute/kernels")
"""Where compiled functions stand, and what they take constants from; folders and files."""


def source_fingerprint(package: Path) -> str:
    """Return a hash of all kernel sources.

    Numba's cache looks at the file of the cached function only, so a changed callee or constant in
    another file would go unseen. A folder per fingerprint makes that impossible. Other sources are
    left out: a change of them need not compile all kernels anew, which takes over a minute of CPU.
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
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            return None
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


CACHE_FOLDER = _writable_cache_folder()
"""Where compiled code is kept; None where nothing can be."""
if CACHE_FOLDER is not None:
    numba.config.CACHE_DIR = str(CACHE_FOLDER)  # type: ignore[attr-defined]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel on its first call; it releases the interpreter lock while it runs."""
    jit: Callable[..., Any] = numba.njit(nogil=True, cache=CACHE_FOLDER is not None)(function)
    return jit


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that kernels call in their innermost loops."""
    jit: Callable[..., Any] = numba.njit(nogil=True, inline="never")(function)
    return jit

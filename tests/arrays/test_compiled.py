"""Compiled code is kept for as long as no source that it was compiled from has changed."""

import ast
import os
import re
import shutil
from pathlib import Path

import pytest
import winnow
from winnow.arrays.compiled import KERNEL_SOURCES, _writable_cache_folder, source_fingerprint

PACKAGE = Path(winnow.__file__).parent


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports, as paths within it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {
        f"{name.removeprefix('winnow.').replace('.', '/')}.py"
        for name in names
        if name is not None and name.startswith("winnow.")
    }


def covered(path: str) -> bool:
    return any(path == named or Path(path).parent == Path(named) for named in KERNEL_SOURCES)


KERNELS = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if re.search("^@(compiled|inlined)$", path.read_text(encoding="utf-8"), re.MULTILINE)
)


class DescribeTheFingerprint:
    def it_covers_every_kernel_and_what_a_kernel_imports(self) -> None:
        needed = {path.relative_to(PACKAGE).as_posix() for path in KERNELS}
        needed |= {name for path in KERNELS for name in imported(path)}
        assert len(needed) > 15
        assert [name for name in sorted(needed) if not covered(name)] == []

    @pytest.mark.parametrize("named", KERNEL_SOURCES)
    def it_changes_with_each_source(self, named: str, tmp_path: Path) -> None:
        copy = tmp_path / "winnow"
        shutil.copytree(PACKAGE, copy)
        before = source_fingerprint(copy)
        assert before == source_fingerprint(PACKAGE)
        changed = copy / named
        changed = next(iter(sorted(changed.glob("*.py"))), changed)
        changed.write_text(changed.read_text(encoding="utf-8") + "\nX = 1\n", encoding="utf-8")
        assert source_fingerprint(copy) != before

    def it_does_not_change_with_other_code(self, tmp_path: Path) -> None:
        copy = tmp_path / "winnow"
        shutil.copytree(PACKAGE, copy)
        before = source_fingerprint(copy)
        (copy / "sampler" / "steps.py").write_text("X = 1\n", encoding="utf-8")
        assert source_fingerprint(copy) == before


class DescribeTheFolderOfCompiledCode:
    def it_is_not_one_that_somebody_else_may_write(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Compiled code is loaded as it lies there, so that whoever writes it runs it."""
        monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        base = tmp_path / f"winnow-numba-{os.getuid()}"
        found = _writable_cache_folder()
        assert found is not None and found.parent == base
        assert base.stat().st_mode & 0o077 == 0
        base.chmod(0o777)
        assert _writable_cache_folder() is None
        shutil.move(base, tmp_path / "mine")
        (tmp_path / "mine").chmod(0o700)
        base.symlink_to(tmp_path / "mine")
        assert _writable_cache_folder() is None, "a link may be made to lead elsewhere"

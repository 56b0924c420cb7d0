"""Scripts in environments of their own, where what they try does not go beside Winnow."""

import os
import subprocess
from pathlib import Path

import pytest


def other_python(name: str) -> str:
    """The Python of an environment of its own; the test is skipped where there is none."""
    python = os.environ.get(f"WINNOW_{name}_PYTHON")
    if python is None:
        pytest.skip(f"{name} is in an environment of its own: make trainers")
    return python


def run(python: str, folder: Path, code: str, **more: str) -> str:
    """Run code as a script of a folder there, without Winnow; return the last line it printed."""
    (folder / "train.py").write_text(code, encoding="utf-8")
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1", "CUDA_VISIBLE_DEVICES": ""} | more
    environment.pop("PYTHONPATH", None)
    child = subprocess.run(
        [python, "train.py"],
        env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr[-4_000:]
    return child.stdout.splitlines()[-1]

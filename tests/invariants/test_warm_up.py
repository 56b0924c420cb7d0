"""After the warm-up no task waits for a kernel: nothing is left to be loaded or compiled."""

import json
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from winnow.engine.startup import warm_up

_ROOT = Path(__file__).parents[2]

# In a process of its own: here other tests have loaded every kernel.
_LOADED = """
import json, pkgutil, sys, tempfile
from importlib import import_module
from pathlib import Path
import winnow.arrays, winnow.audit, winnow.sampler

def loaded():
    return {
        f"{found.name}.{name}": len(value.signatures)
        for package in (winnow.arrays, winnow.audit, winnow.sampler)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for name, value in vars(import_module(found.name)).items()
        if getattr(value, "signatures", None)
    }

folder, none = Path(tempfile.mkdtemp()), loaded()
"""

_SAMPLER = """
from winnow.engine.startup.sampler_kernels import load_sampler_kernels
from tests.invariants.one_partition import events, sampled
load_sampler_kernels()
before = loaded()
rows = [sampled(folder, *batches).num_rows for batches in ([events()], [events(), events()])]
"""

_AUDIT = """
import numpy as np, pyarrow as pa
from winnow.audit.recompute.drawable import Weighed, only
from winnow.audit.recompute.draws_pass import _examine_partition
from winnow.engine.startup.audit_kernels import load_audit_kernels
from winnow.audit.recompute.kernels.ranking_lists import StageRules
from winnow.audit.recompute.hard_pass import _look_up_partition
load_audit_kernels()
before = loaded()
draws = pa.RecordBatch.from_pydict({
    "user_key": [1, 1, 1],
    "item_key": [1, 2, 0],
    "kind": pa.array([0, 1, 2], pa.int8()),
    "neg_keys": pa.array([None, None, [1, 3]], pa.list_(pa.int64())),
    "neg_source": pa.array([None, None, [0, 2]], pa.list_(pa.int8())),
    "neg_log_q": pa.array([None, None, [-1.0, None]], pa.list_(pa.float64())),
})
items = Weighed(np.array([1, 2, 3]), np.array([1, 1, 1]))
only(items, ("popularity", 0)).save(folder / "items.arrow")
hard = pa.RecordBatch.from_pydict({
    "request": [1, 1], "item": [1, 1], "kind": pa.array([1, -1], pa.int8()),
    "value": [0.5, 0.5], "place": [0, 2**32 + 1],
})
no, one = np.zeros(1, np.bool_), np.ones(1)
rules = StageRules(no, no, np.ones(1, np.int64), one, one, no, True, False, False)
rows = []
for n in (1, 2):
    found = _examine_partition([draws] * n, str(folder / "items.arrow"))
    looked = _look_up_partition([hard] * n, rules, True, True)
    rows += [sum(batch.num_rows for batch in found), sum(batch.num_rows for batch in looked)]
"""

_TOLD = """
json.dump({"none": none, "before": before, "after": loaded(), "rows": rows}, sys.stdout)
"""


class DescribeTheWarmUp:
    @pytest.mark.parametrize("tasks", [_SAMPLER, _AUDIT], ids=["sampler", "audit"])
    def it_leaves_no_kernel_to_be_loaded_by_a_task(self, tasks: str) -> None:
        program = [sys.executable, "-c", _LOADED + tasks + _TOLD]
        done = subprocess.run(program, cwd=_ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        told = json.loads(done.stdout)
        assert told["none"] == {}
        assert min(told["rows"]) > 0
        assert told["after"] == told["before"] != {}

    def it_says_nothing_where_it_fails(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        tried: list[bool] = []

        def fails() -> None:
            tried.append(True)
            raise OSError("no space left on device")

        monkeypatch.setattr(warm_up, "load_sampler_kernels", fails)
        warm_up.warm_up_in_background.cache_clear()
        warm_up.warm_up_in_background(audit=True)
        for thread in threading.enumerate():
            if thread.name == "warm-up":
                thread.join()
        warm_up.warm_up_in_background.cache_clear()
        assert tried == [True]
        assert capfd.readouterr().err == ""


class DescribeCompiling:
    """It is a stage of its own, once for a folder of compiled code."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(warm_up, "CACHE_FOLDER", tmp_path)
        monkeypatch.setattr(warm_up, "_LOAD_AUDIT_KERNELS", "pass")
        return tmp_path

    @staticmethod
    def stages() -> list[str]:
        told: list[str] = []

        def stage(name: str) -> AbstractContextManager[object]:
            told.append(name)
            return nullcontext()

        warm_up.compile_if_due(stage)
        return told

    def it_is_done_once(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        for name in ("load_sampler_kernels", "load_audit_kernels"):
            monkeypatch.setattr(warm_up, name, lambda name=name: done.append(name))
        assert self.stages() == [warm_up.COMPILING]
        assert self.stages() == []
        # Those of the audit by a process beside it; then all are loaded, and what failed compiled.
        assert done == ["load_sampler_kernels", "load_sampler_kernels", "load_audit_kernels"]
        assert len(list(folder.iterdir())) == 1

    @pytest.mark.proof
    def it_leaves_the_kernels_of_the_audit_to_a_process_that_keeps_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
        with warm_up._audit_kernels_compiled_beside():
            pass
        assert any("look_up" in path.name for path in tmp_path.rglob("*.nbi"))

    def it_is_tried_again_where_it_failed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails() -> None:
            raise OSError("no space left on device")

        monkeypatch.setattr(warm_up, "load_sampler_kernels", fails)
        assert self.stages() == self.stages() == [warm_up.COMPILING]
        assert list(folder.iterdir()) == []

    def it_is_nobodys_stage_where_compiled_code_cannot_be_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(warm_up, "CACHE_FOLDER", None)
        assert self.stages() == []

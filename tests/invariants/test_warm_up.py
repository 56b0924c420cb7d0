"""After the rehearsal no task waits for a kernel: nothing is left to be loaded or compiled."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from winnow.sampler import warm_up

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
from winnow.sampler.warm_up import rehearse
from tests.invariants.one_partition import events, sampled
rehearse()
before = loaded()
rows = [sampled(folder, *batches).num_rows for batches in ([events()], [events(), events()])]
"""

_AUDIT = """
import numpy as np, pyarrow as pa
from winnow.audit.recompute.draws import Weighed
from winnow.audit.recompute.draws_pass import _examine_partition, save_weighed
from winnow.engine.startup.preload import rehearse
from winnow.audit.recompute.kernels.ranking_lists import StageRules
from winnow.audit.recompute.hard_pass import _look_up_partition
rehearse()
before = loaded()
draws = pa.RecordBatch.from_pydict({
    "user_key": [1, 1, 1],
    "item_key": [1, 2, 0],
    "kind": pa.array([0, 1, 2], pa.int8()),
    "neg_keys": pa.array([None, None, [1, 3]], pa.list_(pa.int64())),
    "neg_source": pa.array([None, None, [0, 2]], pa.list_(pa.int8())),
    "neg_log_q": pa.array([None, None, [-1.0, None]], pa.list_(pa.float64())),
})
save_weighed(Weighed(np.array([1, 2, 3]), np.array([1, 1, 1])), folder / "items.arrow")
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


class DescribeTheRehearsal:
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

        monkeypatch.setattr(warm_up, "rehearse", fails)
        warm_up.rehearse_early.cache_clear()
        warm_up.rehearse_early(fails)
        for thread in threading.enumerate():
            if thread.name == "rehearsal":
                thread.join()
        warm_up.rehearse_early.cache_clear()
        assert tried == [True, True]
        assert capfd.readouterr().err == ""

"""After the rehearsal no task waits for a kernel: nothing is left to be loaded or compiled."""

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]

# In a process of its own: here other tests have loaded every kernel.
_PROGRAM = """
import json, pkgutil, sys, tempfile
from importlib import import_module
from pathlib import Path
import pipelines.arrays, pipelines.sampling
from pipelines.assembly.rehearsal import rehearse
from tests.invariants.one_partition import events, sampled

def loaded():
    return {
        f"{found.name}.{name}": len(value.signatures)
        for package in (pipelines.arrays, pipelines.sampling)
        for found in pkgutil.iter_modules(package.__path__)
        for name, value in vars(import_module(f"{package.__name__}.{found.name}")).items()
        if getattr(value, "signatures", None)
    }

none = loaded()
rehearse()
before = loaded()
folder = Path(tempfile.mkdtemp())
rows = [sampled(folder, *batches).num_rows for batches in ([events()], [events(), events()])]
json.dump({"none": none, "before": before, "after": loaded(), "rows": rows}, sys.stdout)
"""


class DescribeTheRehearsal:
    def it_leaves_no_kernel_to_be_loaded_by_a_task(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], cwd=_ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        told = json.loads(done.stdout)
        assert told["none"] == {}
        assert min(told["rows"]) > 100
        # Building the catalogue is the driver's work, and orders many rows by other loops.
        assert told["after"] == told["before"] != {}

"""Weights, probabilities and samples do not depend on what the CPU can do, to the last bit."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]
    __cpu_baseline__,
    __cpu_features__,
)

from tests.child_process import PATH

_PROGRAM = Path(__file__).with_name("one_partition.py")
_ROOT = Path(__file__).parents[2]
PLAIN = Path(tempfile.gettempdir()) / f"winnow-numba-plain-{os.getuid()}"
"""Code for the plainer CPU, kept like that of this one: to compile it takes half a minute."""


def run(**environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(_PROGRAM)],
        env=os.environ | {"PYTHONPATH": PATH} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def removable() -> list[str]:
    """Features that are on here and that NumPy can do without."""
    return [n for n, on in __cpu_features__.items() if on and n not in __cpu_baseline__]


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    """What this CPU makes, with the code that was compiled for it before, where there is some."""
    return run()


@pytest.mark.proof
class DescribeOtherCpus:
    def it_makes_the_same_bits_on_a_plainer_cpu(self, here: dict[str, Any]) -> None:
        if not removable():
            pytest.skip("this CPU has no feature that NumPy can do without")
        plain = run(
            # Code that was compiled for this CPU must not stand in for the plainer one's.
            NUMBA_CACHE_DIR=str(PLAIN),
            NPY_DISABLE_CPU_FEATURES=" ".join(removable()),
            NUMBA_CPU_NAME="generic",
            GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX2_Usable,-FMA_Usable",
        )
        gone = set(here["features"]) - set(plain["features"])
        assert gone, "the test must be able to fail: some feature must really be off"
        assert plain["numba_cpu"] == "generic" != here["numba_cpu"]
        assert plain["digests"] == here["digests"]

    def it_makes_the_same_bits_without_compilation(self, here: dict[str, Any]) -> None:
        assert run(NUMBA_DISABLE_JIT="1")["digests"] == here["digests"]

    def it_compares_something(self, here: dict[str, Any]) -> None:
        assert {"easy_item_ids", "easy_log_q", "hard_item_ids", "keep_prob", "weights_0.3"} <= set(
            here["digests"]
        )
        assert len(set(here["digests"].values())) > 20


class DescribeTheProblem:
    def it_is_real_a_vectorised_power_differs_from_an_exact_one(self) -> None:
        """Why no vector library computes weights: it is off in the last bit, here or elsewhere."""
        from winnow.sampler.weights import power

        counts = np.arange(1.0, 5000.0)
        exact = np.array([power(float(c), 0.3) for c in counts])
        assert np.abs(counts**0.3 / exact - 1).max() < 1e-15

"""A random life of a warehouse, with faults: every promise holds, and a bug breaks one."""

from pathlib import Path

import pytest

from tests.faults.soak import begun
from tests.faults.soak_bugs import BUGS
from tests.faults.soak_watch import SoakError

pytestmark = [pytest.mark.sail_only, pytest.mark.proof]

STEPS = {
    "vacuum knows no pins": ("build", "late", "build", "vacuum", "vacuum"),
    # So many late files that most users have a row that is rejected, whoever is forgotten.
    "forget passes over rejected": (*["late"] * 30, "build", "forget"),
    "forget passes over states": ("backfill", "forget"),
    "clean removes nothing": ("build",),
}
"""What leads to each of the bugs; the look at everything in the end is part of a soak."""


class DescribeASoak:
    @pytest.mark.fault(1, 2, 9, 17, 18, 25)
    def it_keeps_every_promise(self, tmp_path: Path) -> None:
        """``make soak`` goes on for longer, and from other seeds."""
        with begun(tmp_path, 11) as soak:
            soak.run(20)
            assert soak.rows and soak.forgotten, "the test must be able to fail"

    @pytest.mark.parametrize("bug", BUGS)
    def it_finds_a_planted_bug(self, tmp_path: Path, bug: str) -> None:
        with begun(tmp_path, 3, bug) as soak:
            soak.faults = False
            if bug.startswith("clean"):
                (soak.warehouse / "_staging" / "dead").mkdir(parents=True)
            with pytest.raises(SoakError):
                for name in STEPS[bug]:
                    soak.one(name)
                soak.finish()

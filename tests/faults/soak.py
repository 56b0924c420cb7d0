"""A soak: builds and all that keeps a warehouse, at random, with faults; then everything is right.

    python -m tests.faults.soak --seed 7 --steps 50

Each step is drawn from the seed alone. After each one all that readers see is compared with what
they saw before. What goes wrong is told with the seed and all steps until then.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.compute as pc
from winnow.release.opening import open_release

from tests.faults.soak_process import Command, Commands
from tests.faults.soak_steps import RandomSteps
from tests.faults.soak_warehouse import DATES, rows_of_release
from tests.faults.soak_watch import SoakError, Step, differing, require

MEGABYTE = 1 << 20
SIZE_OF_DISK = 64 * MEGABYTE


class Soak(RandomSteps):
    """A warehouse with a random life."""

    def run(self, steps: int, tell: Callable[[str], object] = lambda _: None) -> None:
        """Do so many steps, and look at everything in the end.

        Args:
            steps: So many. tell: Is told of each when it is over.

        Raises:
            SoakError: Something is not as it must be; says what, and how it came to it.
        """
        try:
            for _ in range(steps):
                before = len(self.told)
                self.one()
                tell("; ".join(self.told[before:]))
            self.finish()
        except SoakError as error:
            lines = [f"seed {self.seed}, step {len(self.told)}: {error}", *self.told]
            raise SoakError("\n".join(lines)) from error

    def finish(self) -> None:
        """Let every user be forgotten, build what is stale, clean, and ask Winnow itself."""
        self.at_end = True
        for who in sorted(self.forgotten - self.deleted):
            self._do(self._forget(who, vacuum=True, share=0.0))
        self._is_as_from_the_beginning()
        self._well(self._run(Command(self._words("clean"))))
        left = list((self.warehouse / "_staging").glob("*"))
        require(not left, f"clean left {left}")
        self._well(self._run(Command(self._words("verify", "--all"))))
        self._well(self._run(Command(self._words("doctor"))))
        self._nothing_of_the_forgotten()

    def _is_as_from_the_beginning(self) -> None:
        """Build what is stale; check that it is then what an empty warehouse would get."""
        days = ("--from", str(DATES[0]), "--to", str(DATES[-1]))
        self._do(Step((Command(self._words("backfill", *days)),)))
        self._well(self._run(Command(self._words("stale", "--check", *days))))
        other = self.base.parent / "other"
        self._well(self._run(Command(self._words("backfill", *days, warehouse=other))))
        for day in DATES:
            newest, expected = (open_release(one, ds=day) for one in (self.warehouse, other))
            found = rows_of_release(self.warehouse, newest.releases[0].release_id)
            wanted = rows_of_release(other, expected.releases[0].release_id)
            require(
                found == wanted, f"{day} is not as from the beginning: {differing(found, wanted)}"
            )
            rows = newest.arrow("training_samples").to_table(columns=["split", "batch_id"])
            for split in ("train", "valid", "test"):
                of_split = pc.and_(pc.equal(rows["split"], split), pc.is_valid(rows["batch_id"]))
                n = sum(batch.num_rows for batch in newest.batches(split=split))
                require(n == pc.sum(of_split).as_py(), f"{day}: batches of {split} have {n} rows")


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Make a folder a file system of its own where that is allowed; say whether it is."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_OF_DISK}", "winnow-soak", str(folder)]
    own = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield own
    finally:
        if own:
            subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def begun(folder: Path, seed: int, planted: str | None = None) -> Iterator[Soak]:
    """Give a soak in an empty folder.

    Args:
        folder: The folder. seed: What all is drawn from.
        planted: A bug that its commands have; see ``soak_bugs.BUGS``.
    """
    base = folder / "disk"
    base.mkdir()
    with small_disk(base) as own, Commands(folder / "said", planted) as commands:
        yield Soak(base, seed, commands, own)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run soaks of the seeds that are asked for; return 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--steps", type=int, default=50)
    asked = parser.parse_args()
    failed = 0
    for seed in asked.seed:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with begun(Path(folder), seed) as done:
                    done.run(asked.steps, _say)
                _say(f"seed {seed}: {asked.steps} steps, {len(done.rows)} releases")
            except SoakError as error:
                failed += 1
                _say(str(error))
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())

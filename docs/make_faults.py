"""Write the page of the faults: run ``python -m docs.make_faults``."""

from pathlib import Path

from tests.faults.faults import FAULTS, NOT_TESTED, marked_tests

PAGE = Path(__file__).with_name("faults.md")

_INTRO = """# Faults

What may go wrong, what Winnow promises then, and the tests that prove it. Made from the marks on the tests by
`python -m docs.make_faults`; a test fails where the two differ. `make faults` runs these tests alone, on both engines,
and prints for each fault how they ended.
"""  # noqa: E501

_ORDERS = """
## Every order of steps

Publishing, expiring and vacuuming may meet in any order, and any of them may be killed after any step.
`tests/faults/test_interleavings.py` tries these orders: the real code runs with a warehouse in memory below it, and each
look at a file or a log, and each commit, is one step. Between two steps another process may go on, one may be killed
and begin anew, the storage may fail (a torn copy, a commit whose answer is lost, an append that is answered and not
there), or a week may pass. In every state it must hold that

- each release that readers may open is whole: all tables, its run's own versions, all files there, with the content
  that was audited; so must be one that expired this week, as somebody may have it open;
- a date has one winner since a run began, no number is given twice, and no date is left without a release by
  `expire --keep-last`; a release with a tag never expires;
- no process says what is not so: who was too late has released nothing, who has released finds it there.

`make test` goes through the small scenarios whole, and through 19 bugs that are planted in the real code, such as a
release that is appended before the last table is promoted: each is found. `make proofs` goes through seven scenarios of
two and three processes: 291,589 states in 45 seconds of CPU time. Three of these are gone through whole; four, of three
processes or of a vacuum beside a run, have more states than the 60,000 that are tried of each.

Outside of it are what delta-rs and the file system do below a commit, the creation of tables, rows of releases that
were lost, the Spark engine's own append of a release, and writing and hashing staged rows: these have tests on real
files, those named above.

## A soak

`make soak` lets a small warehouse live at random: fifty builds, backfills, late files, expirations, tags, vacuums, users who
are forgotten, cleanings and repairs from each of some seeds (`SEEDS="1 2 3"`), one at a time or two side by side. Its dates
carry histories and the estimate of frequencies from one to the next, and have batches, in part of the seeds free of
conflicts, with pools. About half
of the commands meet a fault: they are killed at a random moment or before a random change of the warehouse, get SIGTERM
there, a commit is done and answered as failed or is not done at all, a staged file loses its end before it is linked, or the
disk (a tmpfs, where one may be mounted) is as good as full. Files, log entries, checkpoints and rows of `releases` are
damaged and repaired. After each step

- each release that was live reads as before, row by row, but for what the step may change; so does who had it open;
- the same logs, and the same states of dates before, give a date the same rows;
- once `forget` has ended with 0, no release has a row of the user, and none that comes later;
- no command ends in a stack trace, and without a fault none fails.

In the end all that is stale is built, and each date must have the rows that an empty warehouse gets of the same logs, and
whole batches. No byte of a forgotten user is left in the warehouse, `clean` leaves nothing, `verify --all` and `doctor` find
nothing wrong. What goes wrong is told with its seed and all steps. `make proofs` takes one seed, and finds four bugs that
are planted: a vacuum that knows no pins, users who are not looked for in `rejected`, or not in the states that are carried,
a `clean` that removes nothing.
"""  # noqa: E501


def render() -> str:
    """Return the page."""
    tests = marked_tests()
    parts = [_INTRO, "| | fault | outcome | tests |", "|---|---|---|---|"]
    for number, fault in FAULTS.items():
        names = "<br>".join(f"`{name}`" for name in tests[number])
        proof = names or NOT_TESTED[number]
        parts.append(f"| {number} | {fault.what} | {fault.outcome} | {proof} |")
    return "\n".join(parts) + "\n" + _ORDERS


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

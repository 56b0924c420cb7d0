"""The steps of a soak: what is drawn, which faults it meets, and what may change by it."""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from winnow.errors import ReleaseError

from tests.e2e.test_random_recipes import USERS
from tests.faults.soak_damage import damage
from tests.faults.soak_process import Command, FaultName, Meeting
from tests.faults.soak_warehouse import (
    DATES,
    Live,
    add_late_files,
    erase_from_logs,
    live_releases,
    name_of,
    rows_of_release,
)
from tests.faults.soak_watch import Step, WatchedWarehouse, require

FAULTS: tuple[tuple[FaultName, int], ...] = (
    ("kill", 5),
    ("kill_at", 40),
    ("term_at", 40),
    ("lost_answer", 8),
    ("failed_commit", 8),
    ("cut_staging", 6),
)
MOST_FORGOTTEN = USERS - 4


class RandomSteps(WatchedWarehouse):
    """A warehouse, and what may be done to it next."""

    def one(self, name: str | None = None) -> None:
        """Do one step: of a kind, or of one that is drawn."""
        kinds: dict[str, tuple[int, Callable[[], None]]] = {
            "build": (9, self._a_build),
            "backfill": (3, self._a_backfill),
            "late": (3, self._late),
            "expire": (4, lambda: self._do(self._expire())),
            "vacuum": (4, lambda: self._do(self._vacuum())),
            "clean": (3, lambda: self._do(Step((self._met(self._words("clean")),)))),
            "forget": (4, self._a_forget),
            "tag": (2, self._a_tag),
            "stale": (2, lambda: self._do(Step((self._met(self._words("stale")),)))),
            "pair": (6, self._a_pair),
            "damage": (5, self._damage),
        }
        weights = [weight for weight, _ in kinds.values()]
        (drawn,) = self.draw.choices(list(kinds), weights)
        if self.draw.random() < 0.5 and not live_releases(self.warehouse):
            drawn = "backfill"
        kinds[name or drawn][1]()

    # What is done.

    def _a_build(self) -> None:
        self._do(Step((self._met(self._build_words()),)))

    def _a_backfill(self) -> None:
        which = self.draw.choice([[], ["--stale"], ["--only-missing"], ["--all"]])
        words = self._words("backfill", *which, "--from", str(DATES[0]), "--to", str(DATES[-1]))
        self._do(Step((self._met(words),)))

    def _late(self) -> None:
        day = self.draw.choice(DATES)
        self.told.append(f"late files of {day}")
        self.logs += 1
        add_late_files(self.base, day, self.logs, self.draw, self.forgotten)

    def _a_forget(self) -> None:
        if len(self.forgotten) < MOST_FORGOTTEN:
            self._do(self._forget(self._somebody(), vacuum=self.draw.random() < 0.5))

    def _a_tag(self) -> None:
        live = live_releases(self.warehouse)
        if live:
            one = self.draw.choice(sorted(live))
            more = ["--remove"] if live[one].tags else []
            self._do(Step((self._met(self._words("keep", one, "--tag", "prod", *more)),)))

    def _a_pair(self) -> None:
        """Two commands side by side: one of them a build, or both of those that delete."""
        others = ["build", "vacuum", "expire", "clean"]
        if len(self.forgotten) < MOST_FORGOTTEN:
            others += ["forget", "two"]
        other = self.draw.choice(others)
        build = Step((self._met(self._build_words(), 0.3),))
        steps = {
            "build": lambda: [build, Step((self._met(self._build_words(), 0.3),))],
            "vacuum": lambda: [build, self._vacuum()],
            "expire": lambda: [build, self._expire()],
            "clean": lambda: [build, Step((self._met(self._words("clean")),))],
            "forget": lambda: [build, self._forget(self._somebody(), vacuum=True)],
            "two": lambda: [self._vacuum(), self._forget(self._somebody(), vacuum=False)],
        }[other]()
        one, two = steps
        self._do(
            Step(
                (*one.commands, *two.commands),
                two.gone if other != "two" else one.gone,
                erased=two.erased,
                readers=one.readers and two.readers,
            )
        )

    def _damage(self) -> None:
        """Damage something that a release needs, and repair it; what is lost is built again."""
        live = live_releases(self.warehouse)
        if not live:
            return
        self.told.append(f"damage: {damage(self.warehouse, self.draw)}")
        repair = self._words("doctor", "--repair")
        if (met := self._met(repair)).fault is not None:
            self._run(met)
        (ended,) = self._run(Command(repair))
        days = sorted(set(re.findall(r"Build (\S+) again", ended.text))) if ended.code else []
        require(ended.code in (0, 3) and bool(days) == bool(ended.code), ended.text)
        for day in days:
            self._well(self._run(Command(self._words("build", "--ds", day))))
        broken: set[str] = set()
        if days and self._run(Command(repair))[0].code:
            broken = {one for one in live if not self._is_readable(one)}
            for one in sorted(broken):
                if live[one].tags:
                    self._run(Command(self._words("keep", one, "--tag", "prod", "--remove")))
            self._run(Command(self._words("expire", "--keep-last", "1")))
        now = live_releases(self.warehouse)
        gone = set(live) - set(now)
        superseded = _superseded(live | now, 1) if broken else set()
        require(broken <= gone <= broken | superseded, f"{gone} are gone, broken were {broken}")
        for one in gone:
            del self.rows[one]
        self._check_rows(Step(()), now, erased=False)
        self._well(self._run(Command(self._words("doctor"))))

    def _is_readable(self, release_id: str) -> bool:
        """Whether a release reads as before; its files may be there, and hold something else."""
        try:
            return rows_of_release(self.warehouse, release_id) == self.rows[release_id]
        except (ReleaseError, OSError, pa.ArrowException):
            return False

    def _build_words(self) -> list[str]:
        return self._words("build", "--ds", str(self.draw.choice(DATES)))

    def _expire(self) -> Step:
        if self.draw.random() < 0.3:
            day = self.draw.choice(DATES)
            words = self._words("expire", "--ds", str(day))
            return Step(
                (self._met(words),),
                lambda before, _: (
                    {o.release_id for o in before.values() if o.ds == day} - _kept(before)
                ),
                all_gone=True,
            )
        n = self.draw.choice([1, 2])
        return Step(
            (self._met(self._words("expire", "--keep-last", str(n))),),
            lambda before, now: _superseded(before | now, n) - _kept(before),
            all_gone=True,
        )

    def _vacuum(self) -> Step:
        age = self.draw.choice(["0d", "0d", "7d"])
        words = self._words("vacuum", "--run", "--older-than", age)
        return Step((self._met(words),), readers=True)

    def _somebody(self) -> str:
        users = [
            name for user in range(1, USERS + 1) if (name := name_of(user)) not in self.forgotten
        ]
        return self.draw.choice(users)

    def _forget(self, who: str, *, vacuum: bool, share: float = 0.5) -> Step:
        if who not in self.forgotten:
            erase_from_logs(self.base, who)
            self.forgotten.add(who)
            self.logs += 1
        words = self._words("forget", "--users", who, *(["--vacuum"] if vacuum else []))
        command = self._met(words, share)
        return Step((command,), erased=who, readers=not vacuum)

    def _words(self, command: str, *more: str, warehouse: Path | None = None) -> list[str]:
        where = ["--config", str(self.config), "--warehouse", str(warehouse or self.warehouse)]
        return [command, *more, *where]

    def _met(self, words: list[str], share: float = 0.5) -> Command:
        """The command, that meets a fault in so great a share of the cases."""
        if self.draw.random() >= share or not self.faults:
            return Command(words)
        name, most = self.draw.choice(FAULTS)
        at = self.draw.uniform(0.1, most) if name == "kill" else self.draw.randrange(1, most + 1)
        return Command(words, Meeting(name, at))


def _kept(live: dict[str, Live]) -> set[str]:
    return {one.release_id for one in live.values() if one.tags}


def _superseded(live: dict[str, Live], n: int) -> set[str]:
    """The releases that are not among the newest n of their date."""
    found: set[str] = set()
    for day in {one.ds for one in live.values()}:
        own = sorted((one for one in live.values() if one.ds == day), key=lambda one: -one.seq)
        found |= {one.release_id for one in own[n:]}
    return found

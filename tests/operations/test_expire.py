"""``winnow expire`` and ``winnow keep``: which releases go, and what readers are told."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from winnow.cli.main import main
from winnow.contracts.tables import table_contract
from winnow.errors import ConfigError, ConflictError, ReleaseError
from winnow.operations.retention import status_changes
from winnow.operations.retention.expire import ExpireRule, expire, find_expiring
from winnow.operations.retention.keep import tag_release
from winnow.release.creation import ensure_table
from winnow.release.opening import open_dates, open_release
from winnow.release.release import Release, releases_contract
from winnow.release.releases import read_releases
from winnow.release.sail_store import SailStore

from tests.cli.conftest import Told
from tests.release.test_many_releases import made_up
from tests.release.test_read_without_engine import ABSENT, run

A, B, C = date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)
# Release 1 is of A and was made at midnight, each other one an hour later.
DATES = (A, A, B, A, B, C)
MADE = [replace(made_up(n, 10), ds=ds) for n, ds in enumerate(DATES)]
IDS = [one.release_id for one in MADE]
FOUR = datetime(2025, 1, 1, 4, tzinfo=UTC)


def appended(warehouse: Path, releases: Sequence[Release]) -> None:
    store = SailStore(None, warehouse)  # type: ignore[arg-type]
    for one in releases:
        store.append_release(one, store.releases_snapshot())


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    ensure_table(tmp_path / "releases", releases_contract(), 400)
    appended(tmp_path, MADE)
    return tmp_path


def numbers(warehouse: Path, rule: ExpireRule, now: datetime = FOUR) -> list[int]:
    found = find_expiring(warehouse, rule, now).releases
    return [one.seq for one in found]


def live(warehouse: Path) -> list[int]:
    return [one.seq for one in read_releases(warehouse).listed]


class DescribeTheRule:
    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (ExpireRule(keep_last=1), [1, 2, 3]),
            (ExpireRule(keep_last=2), [1]),
            (ExpireRule(keep_last=9), []),
            (ExpireRule(older_than=timedelta(0)), [1, 2, 3]),
            (ExpireRule(older_than=timedelta(hours=3)), [1, 2]),
            (ExpireRule(older_than=timedelta(hours=3, seconds=1)), [1]),
            (ExpireRule(older_than=timedelta(hours=3), keep_last=2), [1]),
            (ExpireRule(before=B), [1, 2, 4]),
            (ExpireRule(before=C), [1, 2, 3, 4, 5]),
            (ExpireRule(dates=frozenset({B, C})), [3, 5, 6]),
        ],
        ids=str,
    )
    def it_names_these(self, warehouse: Path, rule: ExpireRule, expected: list[int]) -> None:
        assert numbers(warehouse, rule) == expected

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"keep_last": 0},
            {"keep_last": 1, "before": B},
            {"older_than": timedelta(1), "dates": {B}},
        ],
        ids=str,
    )
    def it_is_refused_where_it_is_not_clear(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ConfigError):
            ExpireRule(**wrong)  # type: ignore[arg-type]

    def it_never_names_the_newest_of_a_date_however_old(self, warehouse: Path) -> None:
        later = FOUR + timedelta(days=9_000)
        assert numbers(warehouse, ExpireRule(older_than=timedelta(1)), later) == [1, 2, 3]


class DescribeExpire:
    def it_lets_all_expire_in_one_commit_and_leaves_the_others(self, warehouse: Path) -> None:
        before = DeltaTable(str(warehouse / "releases")).version()
        expire(warehouse, find_expiring(warehouse, ExpireRule(keep_last=1)))
        assert live(warehouse) == [4, 5, 6]
        assert DeltaTable(str(warehouse / "release_status")).version() == 1
        assert DeltaTable(str(warehouse / "releases")).version() == before
        assert find_expiring(warehouse, ExpireRule(keep_last=1)).releases == ()

    def it_tells_a_reader_what_to_open_instead(self, warehouse: Path) -> None:
        expire(warehouse, find_expiring(warehouse, ExpireRule(keep_last=1)), FOUR)
        with pytest.raises(ReleaseError) as caught:
            open_release(warehouse, IDS[0])
        assert str(caught.value) == (
            f"the release {IDS[0]} of 2025-01-01: has expired on 2025-01-01, found not among the "
            f"newest 1 of its date. Open {IDS[3]}, the newest of the date."
        )
        assert open_release(warehouse, ds=A).releases[0].seq == 4

    def it_says_of_a_date_without_any_that_they_have_expired(self, warehouse: Path) -> None:
        expire(warehouse, find_expiring(warehouse, ExpireRule(dates=frozenset({B}))))
        told = "there is no release of 2025-01-02: those of 2025-01-02 have expired"
        with pytest.raises(ReleaseError, match=told):
            open_release(warehouse, ds=B)
        with pytest.raises(ReleaseError, match=told):
            open_dates(warehouse, A, C)
        assert open_dates(warehouse, A, C, missing="skip").dates == (A, C)

    def it_gives_no_number_of_an_expired_release_again(self, warehouse: Path) -> None:
        expire(warehouse, find_expiring(warehouse, ExpireRule(before=date(2026, 1, 1))))
        assert live(warehouse) == []
        assert read_releases(warehouse).seq == 6
        appended(warehouse, [replace(made_up(6, 10), ds=A)])
        assert live(warehouse) == [7]

    def it_changes_nothing_where_somebody_has_tagged_a_release_meanwhile(
        self, warehouse: Path
    ) -> None:
        for turn in (0, 1):  # the first change makes the table, the second does not
            plan = find_expiring(warehouse, ExpireRule(keep_last=1))
            tag_release(warehouse, IDS[turn], "prod")
            with pytest.raises(ConflictError, match="tagged or expired releases meanwhile"):
                expire(warehouse, plan)
            assert live(warehouse) == [1, 2, 3, 4, 5, 6]

    def it_is_done_where_the_answer_alone_is_lost(
        self, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write_and_lose_the_answer(*words: Any, **more: Any) -> None:
            write_deltalake(*words, **more)
            raise CommitFailedError("somebody else committed")

        monkeypatch.setattr(status_changes, "write_deltalake", write_and_lose_the_answer)
        expire(warehouse, find_expiring(warehouse, ExpireRule(keep_last=1)))
        assert live(warehouse) == [4, 5, 6]
        assert tag_release(warehouse, IDS[3], "prod") is True
        assert read_releases(warehouse).statuses.tags == {IDS[3]: ("prod",)}

    def it_keeps_its_table_one_file(self, warehouse: Path) -> None:
        for number in range(25):
            tag_release(warehouse, IDS[0], f"t{number}")
        assert len(DeltaTable(str(warehouse / "release_status")).file_uris()) == 1
        assert len(read_releases(warehouse).statuses.tags[IDS[0]]) == 25


class DescribeTags:
    def it_keeps_a_release_until_its_last_tag_is_gone(self, warehouse: Path) -> None:
        tag_release(warehouse, IDS[0], "prod")
        tag_release(warehouse, IDS[0], "model-7")
        assert tag_release(warehouse, IDS[0], "prod") is False
        for rule in (ExpireRule(keep_last=1), ExpireRule(before=C)):
            assert 1 not in numbers(warehouse, rule)
        tag_release(warehouse, IDS[0], "prod", remove=True)
        assert numbers(warehouse, ExpireRule(keep_last=1)) == [2, 3]
        tag_release(warehouse, IDS[0], "model-7", remove=True)
        assert numbers(warehouse, ExpireRule(keep_last=1)) == [1, 2, 3]

    def it_is_refused_for_what_is_not_there(self, warehouse: Path) -> None:
        with pytest.raises(ReleaseError, match="there is no release never"):
            tag_release(warehouse, "never", "prod")
        with pytest.raises(ReleaseError, match="has no tag prod, found no tag"):
            tag_release(warehouse, IDS[0], "prod", remove=True)
        with pytest.raises(ConfigError, match="this is no plain name"):
            tag_release(warehouse, IDS[0], "a b")
        expire(warehouse, find_expiring(warehouse, ExpireRule(keep_last=1)))
        with pytest.raises(ReleaseError, match="has expired on"):
            tag_release(warehouse, IDS[0], "prod")


BASE_INSTALL = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split():
            raise ModuleNotFoundError(f"a base install has no {name}", name=name)

sys.meta_path.insert(0, Nothing())
from winnow.cli.main import main

sys.exit(main(sys.argv[2:]))
"""


class DescribeABaseInstall:
    def it_tags_and_expires_without_an_engine_and_makes_the_same_table(
        self, warehouse: Path
    ) -> None:
        where = ("--warehouse", str(warehouse))
        for words in (("keep", IDS[0], "--tag", "prod"), ("expire", "--keep-last", "1")):
            child = run(BASE_INSTALL, " ".join(ABSENT), *words, *where)
            assert (child.returncode, child.stderr) == (0, "")
        assert live(warehouse) == [1, 4, 5, 6]
        # Refuses a table of other columns, types or NOT NULL, and changes other properties.
        ensure_table(warehouse / "release_status", table_contract("release_status"), 30)
        assert DeltaTable(str(warehouse / "release_status")).version() == 2


@pytest.mark.usefixtures("no_engine")
class DescribeTheCommands:
    @pytest.mark.parametrize("words", [["vacuum"], ["clean"], ["expire", "--keep-last", "1"]])
    def it_refuses_a_folder_that_is_not_there_and_an_age_before_all_calendars(
        self, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*words, "--warehouse", str(tmp_path / "typo")]) == 2
        assert "--warehouse: there is no such folder" in capsys.readouterr().err
        assert main([*words, "--older-than", "999999d", "--warehouse", str(tmp_path)]) == 2
        assert "this is too long, found 999999d, expected at most 36500d" in capsys.readouterr().err
        assert main([*words, "--older-than", "36500d", "--warehouse", str(tmp_path)]) == 0

    def it_lists_first_and_expires_then(self, warehouse: Path, told: Told) -> None:
        where = ("--warehouse", str(warehouse))
        told("keep", IDS[1], "--tag", "prod", *where)
        plan = told("expire", "--keep-last", "1", "--dry-run", *where)
        assert [one["release_id"] for one in plan["expired"]] == [IDS[0], IDS[2]]
        assert plan["kept"] == [{"release_id": IDS[1], "ds": "2025-01-01", "tags": ["prod"]}]
        assert live(warehouse) == [1, 2, 3, 4, 5, 6]
        assert told("expire", "--keep-last", "1", *where) == plan | {"dry_run": False}
        assert live(warehouse) == [2, 4, 5, 6]

    def it_shows_tags_and_what_has_expired(
        self, warehouse: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        where = ("--warehouse", str(warehouse))
        assert main(["keep", IDS[1], "--tag", "prod", *where]) == 0
        assert main(["expire", "--ds", "2025-01-02", *where]) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"{IDS[1]} is kept: prod",
            f"expired 2025-01-02 {IDS[2]}",
            f"expired 2025-01-02 {IDS[4]}",
            "expired: 2 of 6 releases",
        ]
        assert main(["releases", *where]) == 0
        shown = capsys.readouterr().out
        assert [line.split()[-1] for line in shown.splitlines() if IDS[1] in line] == ["prod"]
        assert IDS[2] not in shown
        assert main(["releases", "--expired", "--json", *where]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [one["release_id"] for one in found] == [IDS[2], IDS[4]]
        assert {one["reason"] for one in found} == {"of a date that was named"}

    def it_ends_with_2_without_a_rule(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["expire", "--warehouse", str(tmp_path)]) == 2
        assert "expire: names none, expected --older-than" in capsys.readouterr().err

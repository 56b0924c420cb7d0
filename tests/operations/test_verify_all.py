"""``winnow verify --all``: every release that has not expired, and all that is wrong with them."""

import json
from typing import Any

import pytest
from deltalake import DeltaTable
from winnow.cli.main import main
from winnow.operations.retention.expire import ExpireRule, expire, find_expiring
from winnow.release.pins import files_of_pin
from winnow.release.releases import read_releases
from winnow.release.store import Store

from tests.cli.conftest import Told
from tests.release.conftest import store, two_dates
from tests.release.things import TUESDAY

__all__ = ["store", "two_dates"]

pytestmark = [pytest.mark.one_engine, pytest.mark.usefixtures("shared_engine")]


def damage(store: Store) -> str:
    """Lose a file of Tuesday; return the release's id."""
    release = read_releases(store.warehouse).newest(TUESDAY)
    assert release is not None
    files_of_pin(store.warehouse, release, release.tables[0]).files[0].path.unlink()
    return release.release_id


class DescribeVerifyAll:
    def it_tells_of_each_release(self, store: Store, told: Told) -> None:
        found: Any = told("verify", "--all", "--warehouse", str(store.warehouse))
        assert [(one["ds"], one["tables"]) for one in found] == [
            ("2026-01-05", {"things": 5, "stats": 3}),
            ("2026-01-06", {"things": 5, "stats": 3}),
        ]

    def it_tells_of_all_that_is_wrong_at_once(
        self, store: Store, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tuesday = damage(store)
        DeltaTable(str(store.warehouse / "releases")).delete("table_name = 'stats' AND seq = 1")
        assert main(["verify", "--all", "--warehouse", str(store.warehouse), "--json"]) == 3
        problems = json.loads(capsys.readouterr().err)["problems"]
        assert [problem["where"].split()[0] for problem in problems] == ["the", tuesday]
        assert "it has not the rows that it was released with" in problems[0]["what"]
        assert "is gone: deleted or expired" in problems[1]["what"]

    def it_passes_over_what_has_expired(self, store: Store, told: Told) -> None:
        damage(store)
        rule = ExpireRule(dates=frozenset({TUESDAY}))
        expire(store.warehouse, find_expiring(store.warehouse, rule))
        found: Any = told("verify", "--all", "--warehouse", str(store.warehouse))
        assert [one["ds"] for one in found] == ["2026-01-05"]

    def it_goes_with_no_date(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verify", "--all", "--ds", "2026-01-05"]) == 2
        assert "--all: does not go together with --ds." in capsys.readouterr().err

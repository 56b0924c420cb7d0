"""What trains and what evaluates lie apart in time, as far as the dates of train look ahead."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import winnow
from winnow.errors import ConfigError, ReleaseError
from winnow.release.creation import ensure_table
from winnow.release.release import (
    ContentHash,
    Documents,
    Release,
    TablePin,
    new_release_id,
    releases_contract,
)
from winnow.release.sail_store import SailStore

pytestmark = pytest.mark.one_engine

FIRST = date(2026, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def released(number: int, hours: int, lookahead: int, zone: str) -> Release:
    made = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(hours=number)
    config = {
        "calendar_zone": zone,
        "attribution": {"window_hours": hours},
        "exclusion": {"lookahead_days": lookahead},
    }
    return Release(
        release_id=new_release_id(f"run-{number:08}", made),
        seq=number + 1,
        ds=day(number),
        run_id=f"run-{number:08}",
        created_ts=made,
        config_hash=f"{hours}/{lookahead}",
        code_version="v",
        tables=(TablePin("training_samples", number, ContentHash(5, "7")),),
        documents=lambda: Documents(json.dumps(config), "{}", "{}"),
    )


Warehouses = Callable[..., Path]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouses:
    """Make one of ten dates, built with windows of so many hours, the early ones with others."""

    def made(
        hours: int = 24, lookahead: int = 0, early: int | None = None, zone: str = "UTC"
    ) -> Path:
        ensure_table(tmp_path / "releases", releases_contract(), 400)
        store = SailStore(None, tmp_path)  # type: ignore[arg-type]
        for number in range(10):
            own = early if early is not None and number < 3 else hours
            store.append_release(released(number, own, lookahead, zone), store.releases_snapshot())
        return tmp_path

    return made


class DescribeATimeSplit:
    def it_leaves_the_dates_out_that_train_looks_into(self, warehouse: Warehouses) -> None:
        split = winnow.open_time_split(warehouse(), day(7))
        assert split.train.dates == tuple(map(day, range(6)))
        assert split.gap_days == 1
        assert split.evaluation.dates == (day(7), day(8), day(9))

    @pytest.mark.parametrize(
        ("given", "gap"),
        [
            ({"hours": 25}, 2),
            ({"hours": 6}, 1),
            ({"hours": 24, "lookahead": 3}, 3),
            ({"hours": 6, "early": 72}, 3),
        ],
    )
    def it_knows_how_many_by_every_config(
        self, given: dict[str, int], gap: int, warehouse: Warehouses
    ) -> None:
        split = winnow.open_time_split(warehouse(**given), day(7))
        assert split.gap_days == gap
        assert split.train.dates[-1] == day(6 - gap)

    @pytest.mark.parametrize(("number", "gap"), [(5, 1), (6, 2), (7, 1)])
    def it_knows_that_a_date_may_have_23_hours(
        self, number: int, gap: int, warehouse: Warehouses, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The clock goes forward on the sixth date, by which a window of 24 hours reaches on."""
        monkeypatch.setattr(f"{__name__}.FIRST", date(2026, 3, 24))
        split = winnow.open_time_split(warehouse(zone="Europe/Oslo"), day(number))
        assert split.gap_days == gap

    def it_takes_a_longer_gap_and_ends_of_its_own(self, warehouse: Warehouses) -> None:
        split = winnow.open_time_split(warehouse(), day(7), gap_days=3, first=day(1), last=day(8))
        assert split.train.dates == (day(1), day(2), day(3))
        assert split.evaluation.dates == (day(7), day(8))

    def it_refuses_a_gap_that_is_too_short(self, warehouse: Warehouses) -> None:
        with pytest.raises(ConfigError) as caught:
            winnow.open_time_split(warehouse(), day(7), gap_days=0)
        (problem,) = caught.value.problems
        assert (problem.where, problem.found, problem.expected) == ("gap_days", "0", "1 at least")

    def it_refuses_what_leaves_nothing(self, warehouse: Warehouses) -> None:
        path = warehouse()
        with pytest.raises(ConfigError, match="leaves nothing to train on"):
            winnow.open_time_split(path, day(1))
        with pytest.raises(ConfigError, match="nothing to evaluate with"):
            winnow.open_time_split(path, day(10))
        with pytest.raises(ReleaseError, match="nothing is released before"):
            winnow.open_time_split(path, day(0))

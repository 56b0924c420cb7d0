from pathlib import Path

import pyarrow.compute as pc
import pytest
from winnow.simulation.clock import epoch_day
from winnow.simulation.requests import REQUEST_IDS_PER_DAY

from tests.simulation.simulated import FIRST_DAY, LOGS, SECOND_DAY, THIRD_DAY, Simulated, run

DIRTY = {"history_days": 1, "days": 2, "dirty_share": 0.02}
WORLD = ("logs/items", "truth/users.parquet", "truth/items.parquet")


class DescribeRepeatability:
    def it_writes_the_same_tables_again(self, dirty: Simulated, out: Path) -> None:
        again = run(out, **DIRTY)
        for log in LOGS:
            assert again.log(log).equals(dirty.log(log))
        for folder in WORLD:
            assert again.whole(folder).equals(dirty.whole(folder))
        assert again.summary.rows == dirty.summary.rows
        assert again.summary.dirty_rows == dirty.summary.dirty_rows

    def it_replaces_what_the_partition_held_before(self, out: Path) -> None:
        stale = out / "logs" / "impressions" / f"date={FIRST_DAY}" / "part-007.parquet"
        stale.parent.mkdir(parents=True)
        stale.write_bytes(b"not Parquet")
        assert run(out).log("impressions").num_rows == 5_000

    def it_changes_with_the_seed(self, dirty: Simulated, out: Path) -> None:
        other = run(out, seed=1, **DIRTY)
        for log in LOGS:
            assert not other.log(log).equals(dirty.log(log))

    @pytest.mark.parametrize(("history_days", "days"), [(0, 1), (0, 3), (2, 1)])
    def it_draws_each_date_on_its_own(
        self, dirty: Simulated, out: Path, history_days: int, days: int
    ) -> None:
        other = run(out, history_days=history_days, days=days, dirty_share=0.02)
        for log in ("impressions", "ranking_log"):
            assert other.log(log, FIRST_DAY).equals(dirty.log(log, FIRST_DAY))
        # The first partition lacks the late clicks on dates that were not simulated.
        lowest = epoch_day(FIRST_DAY) * REQUEST_IDS_PER_DAY
        ours, theirs = (
            rows.filter(pc.greater_equal(rows["request_id"], lowest))
            for rows in (other.log("clicks", FIRST_DAY), dirty.log("clicks", FIRST_DAY))
        )
        assert ours.equals(theirs)

    def it_keeps_users_and_items_whatever_the_days(self, dirty: Simulated, out: Path) -> None:
        other = run(out, days=1)
        for folder in WORLD:
            assert other.whole(folder).equals(dirty.whole(folder))

    def it_reports_each_date_once_with_its_rows(self, dirty: Simulated) -> None:
        rows = dirty.summary.rows
        assert len(dirty.progress) == 3
        assert dirty.progress[-1] == (
            f"2026-01-02: {rows['impressions'][SECOND_DAY]} impressions, "
            f"{rows['clicks'][SECOND_DAY]} clicks, "
            f"{rows['ranking_log'][SECOND_DAY]} ranking rows"
        )

    def it_counts_the_rows_of_each_partition(self, dirty: Simulated) -> None:
        for log in LOGS:
            for day, count in dirty.summary.rows[log].items():
                assert dirty.log(log, day).num_rows == count
            assert dirty.summary.total_rows(log) == dirty.log(log).num_rows

    def it_writes_an_empty_partition_after_the_last_date(self, out: Path) -> None:
        nothing = run(out, click_logit=-20.0)
        assert nothing.log("clicks", SECOND_DAY).num_rows == 0
        assert nothing.log("clicks", SECOND_DAY).schema.names[0] == "impression_id"
        assert nothing.summary.rows["clicks"] == {FIRST_DAY: 0, SECOND_DAY: 0}
        assert THIRD_DAY not in nothing.summary.rows["clicks"]

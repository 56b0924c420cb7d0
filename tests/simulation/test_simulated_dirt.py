from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from winnow.simulation.clock import DAY_US, epoch_day

from tests.simulation.simulated import FIRST_DAY, LOGS, Simulated, microseconds, pairs, run

TIMES = {"impressions": "impression_ts", "clicks": "click_ts", "ranking_log": "stage_ts"}
IDS = ("request_id", "user_id", "item_id")


def has_null_id(rows: pa.Table) -> int:
    return sum(int(rows[name].null_count) for name in IDS)


def out_of_range(rows: pa.Table, log: str) -> int:
    days = microseconds(rows[TIMES[log]]) // DAY_US
    return int((np.abs(days - epoch_day(FIRST_DAY)) > 3).sum())


def repeats(rows: pa.Table) -> int:
    distinct = rows.group_by(rows.column_names).aggregate([])
    return int(rows.num_rows - distinct.num_rows)


class DescribeDirt:
    @pytest.mark.parametrize("log", LOGS)
    def it_plants_as_many_rows_of_each_kind_as_it_says(self, dirty: Simulated, log: str) -> None:
        rows, said = dirty.log(log), dirty.summary.total_dirty_rows(log)
        found = Counter(
            duplicate=repeats(rows),
            null_id=has_null_id(rows),
            time_out_of_range=out_of_range(rows, log),
        )
        if log == "clicks":
            requests = pc.unique(dirty.log("impressions")["request_id"].drop_null())
            known = pc.is_in(rows["request_id"].drop_null(), requests)
            found["orphan_click"] = pc.sum(pc.invert(known)).as_py()
        if log == "ranking_log":
            stages = pa.array(["recall", "coarse", "fine"])
            found["unknown_stage"] = pc.sum(pc.invert(pc.is_in(rows["stage"], stages))).as_py()
        assert found == said
        assert min(said.values()) > 0, "the test must be able to fail"

    @pytest.mark.parametrize("log", LOGS)
    def it_plants_the_configured_share(self, dirty: Simulated, log: str) -> None:
        planted = sum(dirty.summary.total_dirty_rows(log).values())
        clean = dirty.summary.total_rows(log) - planted
        assert abs(planted - 0.02 * clean) < 3, "rounded once per date"

    @pytest.mark.parametrize("log", LOGS)
    def it_counts_each_date_apart(self, dirty: Simulated, log: str) -> None:
        for day, kinds in dirty.summary.dirty_rows[log].items():
            rows = dirty.log(log, day)
            assert has_null_id(rows) == kinds.get("null_id", 0)
            assert out_of_range(rows, log) == kinds.get("time_out_of_range", 0)

    @pytest.mark.parametrize("log", LOGS)
    def it_leaves_the_clean_rows_as_they_were(self, dirty: Simulated, out: Path, log: str) -> None:
        clean = run(out, history_days=1, days=2).log(log)
        names = clean.column_names
        assert pairs(clean, *names) <= pairs(dirty.log(log), *names)

    def it_gives_every_click_but_the_orphans_its_impression(self, dirty: Simulated) -> None:
        shown = pairs(dirty.log("impressions"), "impression_id")
        missing = pairs(dirty.log("clicks"), "impression_id") - shown
        assert len(missing) == dirty.summary.total_dirty_rows("clicks")["orphan_click"]

    def it_plants_nothing_when_the_share_is_zero(self, clean: Simulated) -> None:
        for log in LOGS:
            assert clean.summary.total_dirty_rows(log) == {}
            assert repeats(clean.log(log)) == has_null_id(clean.log(log)) == 0

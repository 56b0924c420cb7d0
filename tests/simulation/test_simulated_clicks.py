from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from winnow.simulation.clock import DAY_US, HOUR_US, epoch_day

from tests.simulation.simulated import (
    FIRST_DAY,
    SECOND_DAY,
    THIRD_DAY,
    Simulated,
    microseconds,
    pairs,
    run,
)

KEY = ("impression_id", "request_id", "user_id", "item_id")


def was_clicked(rows: pa.Table, clicks: pa.Table) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.is_in(rows["impression_id"], clicks["impression_id"]).to_numpy()
    return found


class DescribeClicks:
    def it_clicks_only_what_was_shown(self, clean: Simulated) -> None:
        clicked = pairs(clean.log("clicks"), *KEY)
        assert clicked
        assert clicked <= pairs(clean.log("impressions"), *KEY)

    def it_has_impression_ids_that_are_unique_over_dates(self, clean: Simulated) -> None:
        rows = clean.log("impressions")
        assert len(pairs(rows, "impression_id")) == rows.num_rows == 80_000

    def it_clicks_less_at_lower_positions(self, clean: Simulated) -> None:
        rows = clean.log("impressions")
        clicked = was_clicked(rows, clean.log("clicks"))
        position = rows["position"].to_numpy()
        rates = [clicked[position == p].mean() for p in (1, 3, 6, 10)]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > 2 * rates[-1]
        assert 0.02 < clicked.mean() < 0.2

    def it_clicks_more_on_relevant_items_at_the_same_position(self, clean: Simulated) -> None:
        rows = clean.log("impressions")
        clicked, relevance = was_clicked(rows, clean.log("clicks")), clean.relevance(rows)
        for position in (1, 2, 3):
            here = rows["position"].to_numpy() == position
            high = relevance > np.median(relevance[here])
            assert clicked[here & high].mean() > 1.2 * clicked[here & ~high].mean()

    def it_follows_some_clicks_by_one_stronger_action_later(self, clean: Simulated) -> None:
        rows = clean.log("clicks")
        is_click = pc.equal(rows["action_type"], "click")
        first, second = rows.filter(is_click), rows.filter(pc.invert(is_click))
        assert set(second["action_type"].to_pylist()) == {"favourite", "cart", "buy"}
        assert len(pairs(first, *KEY)) == first.num_rows
        assert len(pairs(second, *KEY)) == second.num_rows
        assert pairs(second, *KEY) <= pairs(first, *KEY)
        assert 0.05 < second.num_rows / first.num_rows < 0.3
        both = second.join(first, "impression_id", right_suffix="_before", join_type="inner")
        waits = microseconds(both["click_ts"]) - microseconds(both["click_ts_before"])
        assert (waits > 0).all()

    def it_lets_some_clicks_cross_midnight(self, clean: Simulated) -> None:
        for day in (SECOND_DAY, THIRD_DAY):
            late = pairs(clean.log("clicks", day), "impression_id")
            assert late & pairs(
                clean.log("impressions", FIRST_DAY if day == SECOND_DAY else SECOND_DAY),
                "impression_id",
            )
        assert not pairs(clean.log("clicks", THIRD_DAY), "impression_id") & pairs(
            clean.log("impressions", FIRST_DAY), "impression_id"
        )

    def it_puts_each_click_into_the_partition_of_its_own_date(self, clean: Simulated) -> None:
        for day in (FIRST_DAY, SECOND_DAY, THIRD_DAY):
            times = microseconds(clean.log("clicks", day)["click_ts"])
            assert (times // DAY_US == epoch_day(day)).all()
            assert (np.diff(times) >= 0).all()

    def it_delays_a_few_clicks_by_hours_but_not_beyond_the_limit(self, out: Path) -> None:
        rows = run(out, late_click_share=0.5, late_click_max_hours=4.0, action_share=0.0)
        both = rows.log("clicks").join(rows.log("impressions"), "impression_id", join_type="inner")
        delays = microseconds(both["click_ts"]) - microseconds(both["impression_ts"])
        assert delays.min() > 0
        assert HOUR_US < delays.max() <= 4 * HOUR_US + 1_000
        assert 0.3 < (delays > 300_000_000).mean() < 0.7

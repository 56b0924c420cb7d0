"""From opened logs to sample groups: what a build and a sample of frames have in common."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import DataFrame

from winnow.building.inputs import require_rows
from winnow.building.request import BuildRequest
from winnow.contracts.counts import RowCounts, census_of, count_rows
from winnow.contracts.log import Log
from winnow.contracts.rows import chosen_rows
from winnow.contracts.stage_rows import stages_of
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.events.click_users import Attributed
from winnow.events.orphans import all_rejected
from winnow.events.stage_orders import stage_orders
from winnow.sampler.catalogue import Candidates
from winnow.sampler.kernels.mix import REASONS
from winnow.sampler.steps import pairs_of, stage_groups, stage_pairs_and_catalogue
from winnow.spark.scratch import Scratch
from winnow.tables.all_tables import Made, shown_on, totals


@dataclass(frozen=True)
class Counted:
    """The rows of the logs of a date.

    Attributes:
        census: Where the rows of each log go. counts: The same, counted.
    """

    census: Mapping[str, DataFrame]
    counts: dict[str, RowCounts]


@dataclass(frozen=True)
class Sampled:
    """The logs of a date, counted, joined and sampled; no table is made yet.

    Attributes:
        logs: The logs as opened. day: The date.
        counted: Their rows.
        clicked: Clicks joined to impressions. pairs: Those of the date.
        items: The date's items.
        groups: The staged sample groups. totals: What they hold.
    """

    logs: Mapping[str, Log]
    day: CalendarDay
    counted: Counted
    clicked: Attributed
    pairs: DataFrame
    items: Candidates
    groups: DataFrame
    totals: Mapping[str, int]

    def made(self, rejected: TableContract, scratch: Scratch, *, mature: bool) -> Made:
        """Return what the tables are made of.

        Args:
            rejected: The contract of ``rejected``.
            scratch: Where to compute.
            mature: Whether the attribution window is complete.
        """
        return Made(
            logs=self.logs,
            shown=shown_on(
                self.logs["impressions"],
                self.day,
                self.counted.census["impressions"],
                self.counted.counts["impressions"],
                scratch.staged,
                scratch.limits,
            ),
            groups=self.groups,
            n_groups=self.totals["positives"],
            pairs=self.pairs,
            n_pairs=self.clicked.n_pairs,
            candidates=self.items,
            rejected=all_rejected(
                self.logs,
                self.counted.counts,
                self.clicked,
                rejected,
                self.day,
                spark=scratch.spark,
            ),
            mature=mature,
            limits=scratch.limits,
        )


def count_logs(
    request: BuildRequest, logs: Mapping[str, Log], scratch: Scratch, *, at_once: int = 1
) -> Counted:
    """Count the rows of the logs of a date.

    Args:
        request: The build. logs: Its logs. scratch: Where to compute.
        at_once: How many logs are counted side by side: where they are small, to wait together.

    Raises:
        InputError: No impression of the date was read, and that is not accepted.
        ConservationError: Rows of a log do not add up.
    """
    config, limits = request.config, scratch.limits
    day = CalendarDay(request.day, config.calendar_zone)

    def counted(name: str) -> tuple[DataFrame, RowCounts]:
        log, stages = logs[name], stages_of(name, config)
        census = census_of(log, day, scratch.staged, stages=stages, limits=limits)
        return census, count_rows(log, day, census, stages=stages, limits=limits)

    with request.progress.stage("count rows") as told:
        with ThreadPoolExecutor(at_once) as beside:
            found = dict(zip(logs, beside.map(counted, logs), strict=True))
        counts = {name: one for name, (_, one) in found.items()}
        require_rows(counts, request)
        told.rows = sum(count.read for count in counts.values())
    return Counted({name: one for name, (one, _) in found.items()}, counts)


def sample_logs(
    request: BuildRequest, logs: Mapping[str, Log], counted: Counted, scratch: Scratch
) -> Sampled:
    """Join clicks, weigh items, and sample.

    Args:
        request: The build. logs: Its logs. counted: Their rows. scratch: Where to compute.
    """
    config, stage, counts = request.config, request.progress.stage, counted.counts
    day = CalendarDay(request.day, config.calendar_zone)
    with stage("join clicks, weigh items") as told:
        n_clicks = counts["clicks"].read - counts["clicks"].filtered
        clicked, items = stage_pairs_and_catalogue(logs, config, day, scratch, n_clicks=n_clicks)
        all_pairs = chosen_rows(clicked.pairs, logs["impressions"])
        told.rows = n_pairs = clicked.n_pairs
    with stage("sample") as told:
        orders = stage_orders(logs, counts, config)
        groups = stage_groups(logs, all_pairs, items, config, day, scratch, orders, n_pairs=n_pairs)
        sums = totals(groups, REASONS)
        told.rows = sums["positives"]
    return Sampled(logs, day, counted, clicked, pairs_of(all_pairs, day), items, groups, sums)

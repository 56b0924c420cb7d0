"""Simulate day by day and write the logs as Parquet."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.simulation.candidates import candidates_table
from winnow.simulation.clicks import make_clicks
from winnow.simulation.clock import DAY_US, epoch_day
from winnow.simulation.config import Simulation
from winnow.simulation.dirt import KINDS, plant
from winnow.simulation.feedback import feedback_table
from winnow.simulation.funnel import run_funnel
from winnow.simulation.recall import shelf_of
from winnow.simulation.requests import make_requests
from winnow.simulation.schemas import LOGS, LogName
from winnow.simulation.streams import stream
from winnow.simulation.summary import SimulationSummary, Tally
from winnow.simulation.tables import clicks_table, impressions_table, ranking_table
from winnow.simulation.world import World, make_world
from winnow.simulation.writing import log_folder, open_partition, write_world

# A fixed number, since the random streams are per chunk: some 100 MB of arrays by default.
_REQUESTS_PER_CHUNK = 4_096
_SHOWN_AFTER_US = (150_000, 1_000_000)


def simulate(
    simulation: Simulation, progress: Callable[[str], None] | None = None
) -> SimulationSummary:
    """Simulate a recommender and write its logs and the truth behind them.

    Written below ``simulation.out``, as Parquet; times are UTC, stored in microseconds:

    - ``logs/impressions/date=D/``: one row per shown item of the requests of D.
    - ``logs/clicks/date=D/``: one row per click or stronger action with a time on D. Clicks after
      midnight belong to impressions of the day before, so there is one partition after the last
      date, and it may have no rows. The first partition has no such late clicks.
    - ``logs/ranking_log/date=D/``: one row per (request, stage, item) that was logged.
    - ``logs/candidates/date=D/``, with ``log_candidates``: one row per candidate of a request, with
      a flag and a rank for each of six stages. It has no broken rows.
    - ``logs/negative_feedback/date=D/``, with ``rejection_share``: one row per item that its user
      rejected. It has no broken rows.
    - ``logs/items/``: one row per item.
    - ``truth/users.parquet``, ``truth/items.parquet``: vectors and weights, of users their
      segment. The relevance of an item for a user is the dot product of their vectors.

    Partitions of the same dates are replaced, other dates in the folder stay. Equal settings give
    equal rows on equal machines and versions of NumPy; each date is drawn on its own.

    Args:
        simulation: What to simulate and where to write it.
        progress: Called with one line per date, such as
            "2026-01-01: 40080 impressions, 3500 clicks, 340680 ranking rows".

    Returns:
        Rows per log and date, planted broken rows by kind, and the paths.

    Raises:
        OSError: The folder cannot be written.
    """
    world = make_world(simulation)
    tally = Tally()
    truth_files = write_world(simulation, world)
    late_clicks: list[pa.Table] = []
    for day in simulation.dates():
        clicks, clicks_after = _simulate_day(simulation, world, day, tally)
        _write_clicks(simulation, day, [*late_clicks, clicks])
        late_clicks = [clicks_after]
        if progress is not None:
            progress(
                f"{day}: {tally.rows['impressions'][day]} impressions, "
                f"{tally.rows['clicks'][day]} clicks, "
                f"{tally.rows['ranking_log'][day]} ranking rows"
            )
    _write_clicks(simulation, _next(simulation.dates()[-1]), late_clicks)
    return SimulationSummary(
        rows={log: dict(days) for log, days in tally.rows.items()},
        dirty_rows={
            log: {day: dict(kinds) for day, kinds in days.items()}
            for log, days in tally.dirty_rows.items()
        },
        log_folders={log: log_folder(simulation, log) for log in (*LOGS, "items")},
        truth_files=truth_files,
    )


def _simulate_day(
    simulation: Simulation, world: World, day: date, tally: Tally
) -> tuple[pa.Table, pa.Table]:
    """Write the impressions and ranking rows of one date; return its clicks, of it and after it."""
    requests = make_requests(simulation, world.users, day)
    shelf = shelf_of(world.items, day, simulation.categories)
    clicks: list[pa.Table] = []
    with ExitStack() as opened:
        write_impressions = opened.enter_context(open_partition(simulation, "impressions", day))
        write_ranking_log = opened.enter_context(open_partition(simulation, "ranking_log", day))
        write_candidates = None
        if simulation.log_candidates:
            write_candidates = opened.enter_context(open_partition(simulation, "candidates", day))
        write_feedback = None
        if simulation.rejection_share:
            name: Literal["negative_feedback"] = "negative_feedback"
            write_feedback = opened.enter_context(open_partition(simulation, name, day))
        for chunk, start in enumerate(range(0, len(requests), _REQUESTS_PER_CHUNK)):
            some = requests.part(start, start + _REQUESTS_PER_CHUNK)
            keys = (epoch_day(day), chunk)
            rng = stream(simulation.seed, "funnel", *keys)
            funnel = run_funnel(simulation, world, shelf, some, rng)
            rng = stream(simulation.seed, "clicks", *keys)
            shown_us = some.times_us + rng.integers(*_SHOWN_AFTER_US, len(some))
            made = make_clicks(simulation, some, funnel, shown_us, rng)
            clicks.append(clicks_table(some, funnel, made))

            rows = impressions_table(some, funnel, world.users, shown_us)
            write_impressions(_with_dirt(simulation, "impressions", rows, day, chunk, tally))
            rows = ranking_table(some, funnel)
            write_ranking_log(_with_dirt(simulation, "ranking_log", rows, day, chunk, tally))
            if write_candidates is not None:
                write_candidates(candidates_table(some, funnel))
            if write_feedback is not None:
                rng = stream(simulation.seed, "negative feedback", *keys)
                write_feedback(feedback_table(simulation, some, funnel, shown_us, rng))
    return _dirty_clicks(simulation, pa.concat_tables(clicks), day, tally)


def _with_dirt(
    simulation: Simulation, log: LogName, clean: pa.Table, day: date, chunk: int, tally: Tally
) -> pa.Table:
    """Return the rows of one chunk with their planted ones at the end, all counted for ``day``."""
    rng = stream(simulation.seed, f"dirt of {log}", epoch_day(day), chunk)
    before = tally.planted(log, day)
    planted = plant(log, clean, simulation.dirty_share, epoch_day(day), before, rng)
    rows = pa.concat_tables([clean, planted.rows])
    _count(log, day, rows, planted.kinds, tally)
    return rows


def _dirty_clicks(
    simulation: Simulation, clean: pa.Table, day: date, tally: Tally
) -> tuple[pa.Table, pa.Table]:
    """Return the clicks on impressions of ``day``, planted ones included, by the date of the click.

    A planted row has the date of the row that it copies, so that a broken time cannot move it.
    """
    rng = stream(simulation.seed, "dirt of clicks", epoch_day(day))
    planted = plant("clicks", clean, simulation.dirty_share, epoch_day(day), 0, rng)
    times = clean.column("click_ts").cast(pa.int64()).to_numpy()
    clean_late = times >= (epoch_day(day) + 1) * DAY_US
    dirty_late = clean_late[planted.sources]
    halves = []
    for late, on in ((False, day), (True, _next(day))):
        dirty = dirty_late == late
        rows = pa.concat_tables(
            [clean.filter(pa.array(clean_late == late)), planted.rows.filter(pa.array(dirty))]
        )
        _count("clicks", on, rows, planted.kinds[dirty], tally)
        halves.append(rows)
    return halves[0], halves[1]


def _write_clicks(simulation: Simulation, day: date, parts: Sequence[pa.Table]) -> None:
    """Write the clicks of one date in the order of time."""
    rows = pa.concat_tables(parts)
    order = pc.sort_indices(
        rows, [(name, "ascending") for name in ("click_ts", "impression_id", "action_type")]
    )
    with open_partition(simulation, "clicks", day) as write:
        write(rows.take(order))


def _count(log: LogName, day: date, rows: pa.Table, kinds: NDArray[np.int64], tally: Tally) -> None:
    tally.add_rows(log, day, rows.num_rows)
    tally.add_dirty(log, day, Counter(KINDS[log][kind] for kind in kinds))


def _next(day: date) -> date:
    return day + timedelta(days=1)

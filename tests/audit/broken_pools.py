"""Mistakes in draws from pools that events of the logs make."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from winnow.events.exposures import impressions_of_items
from winnow.events.popular_items import popular_clicks
from winnow.events.segments import popularity_by_segment
from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.catalogue_items import segments_of
from winnow.sampler.kernels.draw_groups import Group, draw_groups
from winnow.sampler.weights import integer_weights

from tests.audit.simulated_logs import DAY
from tests.audit.workbench import Bench, Broken

EASY: list[dict[str, Any]] = [
    {"source": "popularity"},
    {"source": "exposed", "days": 2, "alpha": 0.5, "count": 3},
    {"source": "segment", "attribute": "segment", "alpha": 1.0, "count": 2},
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"easy": EASY}}
"""What is asked for in the build of these mutants."""


def _groups(made: Catalogue) -> list[Group]:
    """What is drawn from, group by group."""
    groups, found = made.draws.groups, []
    for g in range(len(groups.totals)):
        codes = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
        found.append((codes if len(codes) else None, groups.weights_of(g)))
    return found


def _drawn(bench: Bench, groups: list[Group]) -> Broken:
    """Draw from other groups, and say so: log_q is the one of these."""
    made = bench.items.catalogue
    draws = made.draws._replace(groups=draw_groups(groups))
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def _exposed(bench: Bench, days: int, of_day: int, alpha: float = 0.5) -> Broken:
    """Draw from what was shown on so many dates before another day than the date."""
    run = replace(bench.run, day=DAY.shifted(of_day))
    found = impressions_of_items(bench.logs["impressions"], (days,), run).toArrow()
    shown = dict(zip(*(column.to_pylist() for column in found.columns), strict=True))
    n = np.array([shown.get(item, 0) for item in bench.items.catalogue.ids.to_pylist()])
    codes = np.flatnonzero(n > 0).astype(np.int32)
    main, _, *others = _groups(bench.items.catalogue)
    return _drawn(bench, [main, (codes, integer_weights(n[codes], 0.0, alpha)), *others])


def exposed_ones_know_the_date(bench: Bench) -> Broken:
    return _exposed(bench, 3, 1)


def exposed_ones_are_of_one_date_less(bench: Bench) -> Broken:
    return _exposed(bench, 1, 0)


def exposed_ones_are_of_one_date_more(bench: Bench) -> Broken:
    return _exposed(bench, 3, 0)


def exposed_ones_are_drawn_evenly(bench: Bench) -> Broken:
    return _exposed(bench, 2, 0, alpha=0.0)


def exposed_ones_are_those_that_were_clicked(bench: Bench) -> Broken:
    made = bench.items.catalogue
    codes = np.flatnonzero(made.clicks > 0).astype(np.int32)
    main, _, *others = _groups(made)
    return _drawn(bench, [main, (codes, integer_weights(made.clicks[codes], 0.0, 0.5)), *others])


def exposed_ones_are_drawn_from_everything(bench: Bench) -> Broken:
    main, _, *others = _groups(bench.items.catalogue)
    return _drawn(bench, [main, main, *others])


def weights_are_of_another_segment(bench: Bench) -> Broken:
    main, shown, *segments = _groups(bench.items.catalogue)
    return _drawn(bench, [main, shown, *segments[1:], segments[0]])


def segments_are_weighed_as_everybody(bench: Bench) -> Broken:
    made = bench.items.catalogue
    main, shown, *segments = _groups(made)
    weights = integer_weights(made.clicks, 1.0, 1.0)
    return _drawn(bench, [main, shown, *([(None, weights)] * len(segments))])


def _counted_on(bench: Bench, day: int) -> Broken:
    """Count the clicks of segments as of another day than the date."""
    run = replace(bench.run, day=DAY.shifted(day))
    made = bench.items.catalogue
    values, counted = popularity_by_segment(
        popular_clicks(bench.logs, run), bench.logs, bench.users, len(made.ids), run
    )["segment"]
    found = segments_of(values, counted, pa.chunked_array([made.ids]))
    main, shown, *segments = _groups(made)
    for g in range(len(segments)):
        own, f = found.segment == g, np.zeros(len(made.ids), np.int64)
        f[found.item[own]] = found.popularity[own]
        segments[g] = (None, integer_weights(f, 1.0, 1.0))
    return _drawn(bench, [main, shown, *segments])


def segments_know_the_date(bench: Bench) -> Broken:
    return _counted_on(bench, 1)


def segments_know_one_date_less(bench: Bench) -> Broken:
    return _counted_on(bench, -1)


def users_of_no_segment_draw_by_the_first(bench: Bench) -> Broken:
    """As if NULL were a value: of the one user of whom nothing is known."""
    rows = bench.groups.to_pylist()
    unknown = [row["segment"] is None for row in rows]
    assert any(unknown), "there must be such a user"
    sources = [list(row["easy_source"]) for row in rows]
    for of_row, none in zip(sources, unknown, strict=True):
        if none:
            of_row[0] = 9
    at = bench.groups.column_names.index("easy_source")
    kind = bench.groups["easy_source"].type
    return Broken(bench.groups.set_column(at, "easy_source", pa.array(sources, kind)))

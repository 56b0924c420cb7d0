"""Mistakes in what makes items popular, where that is more than their clicks."""

import uuid
from dataclasses import replace
from typing import Any

from winnow.sampler.catalogue import stage_catalogue

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken

SETTINGS: dict[str, dict[str, object]] = {
    "popularity": {"of": "actions", "half_life_days": 1.5, "until": "05:00"}
}
"""What makes items popular in the build of these mutants."""


def _counted(bench: Bench, **popularity: Any) -> Broken:
    """Count by other settings; what item_stats is to say is that of the bench's own."""
    config = changed(bench.config, popularity=popularity)
    # A shipped file needs a name that is new in the session.
    name = uuid.uuid4().hex
    scratch = replace(bench.scratch, folder=bench.scratch.folder / name, tag=name)
    items = stage_catalogue(bench.logs, replace(bench.run, config=config, scratch=scratch))
    return Broken(bench.sampled(catalogue=items.catalogue), items)


def old_clicks_count_as_new_ones(bench: Bench) -> Broken:
    return _counted(bench, half_life_days=None)


def half_lives_are_days(bench: Bench) -> Broken:
    return _counted(bench, half_life_days=1.0)


def a_purchase_counts_as_a_click(bench: Bench) -> Broken:
    return _counted(bench, of="clicks")


def users_count_in_place_of_actions(bench: Bench) -> Broken:
    return _counted(bench, of="users")


def popularity_knows_one_hour_more(bench: Bench) -> Broken:
    return _counted(bench, until="06:00")


def positives_begin_at_midnight(bench: Bench) -> Broken:
    return Broken(bench.sampled(config=changed(bench.config, popularity={"until": "day_before"})))

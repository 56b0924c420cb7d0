"""Which dates went on from a state that was replaced since, by what their releases tell.

A table of state (frequency_state, history_state) of a date is made of that of a date before.
``inputs_json`` of a release tells under the table's name which release that was.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from winnow.release.release import Release
from winnow.release.releases import ReleasesSnapshot

MOST_DATES = 31
"""Dates back that are looked at for states that were replaced."""


def record_of_state(release: Release, table: str) -> dict[str, Any]:
    """Return what is told of the state that the release went on from.

    Args:
        release: A release whose state is looked for.
        table: The table of the state, which the release has.
    """
    pin = release.pin(table)
    assert pin is not None
    return {
        "ds": release.ds.isoformat(),
        "release_id": release.release_id,
        "version": pin.version,
        "rows": pin.content.rows,
        "content": pin.content.total,
    }


def told_of_state(release: Release, table: str) -> Mapping[str, Any]:
    """Return what a release tells of the state that it went on from; nothing where of none."""
    told: Mapping[str, Any] = json.loads(release.inputs_json).get(table, {})
    return told


def was_replaced(told: Mapping[str, Any], newest: Release | None, table: str) -> bool:
    """Return whether the state that a release went on from is another one now.

    Where its date is not released any more it is not: there is nothing better to go on from. Nor is
    that of a release from which users were erased, as they are in no later state either.

    Args:
        told: What is told of the state. newest: The newest release of its date.
        table: The table of the state.
    """
    if newest is None or newest.release_id == told["release_id"]:
        return False
    pin = newest.pin(table)
    return pin is None or (pin.content.rows, pin.content.total) != (told["rows"], told["content"])


def replaced_states(
    releases: ReleasesSnapshot, day: date, table: str, *, most: int = MOST_DATES
) -> list[date]:
    """Return the earlier dates whose state went on from one that was replaced since.

    They are looked at one after the other from the newest released date before ``day`` on, as far
    as each went on from another. The latest one comes first.

    Args:
        releases: What is released. day: The date that is built.
        table: The table of the state.
        most: Dates back that are looked at.
    """
    found = []
    before = [one for one in releases.dates if one < day]
    one, last = (before[-1] if before else None), day - timedelta(most)
    while one is not None and one >= last:
        release = releases.newest_if_whole(one)
        told = {} if release is None else told_of_state(release, table)
        if "ds" not in told:
            break
        went_on_from = date.fromisoformat(told["ds"])
        if was_replaced(told, releases.newest_if_whole(went_on_from), table):
            found.append(one)
        one = went_on_from
    return found

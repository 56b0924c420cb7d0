"""Mistakes in negatives that users rejected: the one source that may give what was shown."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from winnow.config.sources import NEGATIVE_FEEDBACK, source_named
from winnow.events.kinds import CLICKED, FORBIDDEN, REJECTED

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken, events_of

HARD: list[dict[str, Any]] = [
    {"source": "cut", "stage": "coarse", "count": 3},
    {"source": "low", "stage": "fine"},
    {"source": "negative_feedback", "count": 2, "days": 3, "types": ["hide"]},
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"hard": HARD}}
"""What is asked for in the build of these mutants."""

_CODE = source_named(NEGATIVE_FEEDBACK).code


def _with(bench: Bench, **columns: NDArray[Any]) -> Broken:
    """Sample of events with other columns."""
    events = bench.events
    for name, values in columns.items():
        at = events.column_names.index(name)
        kind = events.schema.field(name).type
        events = events.set_column(at, name, pa.array(values, kind))
    return Broken(bench.sampled(events=events))


def _column(bench: Bench, name: str) -> NDArray[Any]:
    return np.array(bench.events[name].to_numpy())


def _asked(bench: Bench, **feedback: Any) -> Broken:
    """Sample by another way to choose."""
    config = changed(bench.config, negatives={"hard": [*HARD[:2], HARD[2] | feedback]})
    return Broken(bench.sampled(config=config))


def _events_asked(bench: Bench, **feedback: Any) -> Broken:
    """Sample of other rejections than what is asked for."""
    config = changed(bench.config, negatives={"hard": [*HARD[:2], HARD[2] | feedback]})
    run = replace(bench.run, config=config)
    return Broken(bench.sampled(events=events_of(bench.logs, bench.places, run)))


def what_was_shown_counts_as_rejected(bench: Bench) -> Broken:
    """A missing click is taken for a rejection."""
    kind, owner, item = (_column(bench, name) for name in ("kind", "owner_key", "item_key"))
    shown = {user: key for user, key in zip(owner, item, strict=True)}
    for user, key in zip(owner[kind == FORBIDDEN], item[kind == FORBIDDEN], strict=True):
        shown[user] = key
    rejected = kind == REJECTED
    item[rejected] = [shown[user] for user in owner[rejected]]
    return _with(bench, item_key=item)


def rejections_are_of_another_user(bench: Bench) -> Broken:
    kind, owner = _column(bench, "kind"), _column(bench, "owner_key")
    users = np.unique(owner[kind == REJECTED])
    of_next = dict(zip(users, np.roll(users, 1), strict=True))
    rejected = kind == REJECTED
    owner[rejected] = [of_next[user] for user in owner[rejected]]
    return _with(bench, owner_key=owner)


def rejections_know_the_future(bench: Bench) -> Broken:
    return _with(bench, event_us=np.zeros(len(bench.events), np.int64))


def what_was_clicked_counts_as_rejected(bench: Bench) -> Broken:
    kind = _column(bench, "kind")
    return _with(bench, kind=np.where(kind == CLICKED, FORBIDDEN, kind))


def what_was_clicked_is_nothing_else_than_shown(bench: Bench) -> Broken:
    """Left out of what is forbidden, where it should be told apart."""
    kind = _column(bench, "kind")
    kept = pa.array(kind != CLICKED)
    return Broken(bench.sampled(events=bench.events.filter(kept)))


def rejections_look_back_one_date_more(bench: Bench) -> Broken:
    return _events_asked(bench, days=4)


def rejections_look_back_one_date_less(bench: Bench) -> Broken:
    return _events_asked(bench, days=2)


def rejections_are_of_any_type(bench: Bench) -> Broken:
    return _events_asked(bench, types=None)


def rejected_items_call_themselves_cut(bench: Bench) -> Broken:
    """What was shown is a negative of another source."""
    return _changed(bench, "hard_source", lambda source: 2 if source == _CODE else source)


def pools_of_rejections_are_twice_as_large(bench: Bench) -> Broken:
    rows = bench.groups["hard_incl_prob"].to_pylist()
    sources = bench.groups["hard_source"].to_pylist()
    halved = [
        [chance / 2 if source == _CODE else chance for chance, source in zip(*of, strict=True)]
        for of in zip(rows, sources, strict=True)
    ]
    return _replaced(bench, "hard_incl_prob", halved)


def the_latest_are_chosen_where_chance_should(bench: Bench) -> Broken:
    return _asked(bench, selection="recent")


def one_is_chosen_where_two_should(bench: Bench) -> Broken:
    low = HARD[1] | {"count": bench.config.negatives.numbers.pool + 1}
    hard = [HARD[0], low, HARD[2] | {"count": 1}]
    return Broken(bench.sampled(config=changed(bench.config, negatives={"hard": hard})))


def _changed(bench: Bench, column: str, of: Any) -> Broken:
    rows = bench.groups[column].to_pylist()
    return _replaced(bench, column, [[of(one) for one in row] for row in rows])


def _replaced(bench: Bench, column: str, rows: list[list[Any]]) -> Broken:
    at, kind = bench.groups.column_names.index(column), bench.groups[column].type
    return Broken(bench.groups.set_column(at, column, pa.array(rows, kind)))

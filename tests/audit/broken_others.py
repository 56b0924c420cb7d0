"""Mistakes in negatives of the user's other requests."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from winnow.config.sources import OTHER_REQUESTS, source_named
from winnow.events.kinds import FIRST_RANKED, REQUEST
from winnow.sampler.pair_files import PairFiles

from tests.audit.broken_draws import changed
from tests.audit.workbench import Bench, Broken

HARD: list[dict[str, Any]] = [
    {"source": "cut", "stage": "coarse", "count": 3},
    {"source": "low", "stage": "fine"},
    {"source": "other_requests", "count": 3, "hours": 8},
]
SETTINGS: dict[str, dict[str, object]] = {"negatives": {"hard": HARD}}
"""What is asked for in the build of these mutants."""

_CODE = source_named(OTHER_REQUESTS).code


def _asked(bench: Bench, **others: Any) -> Broken:
    """Sample by another rule for other requests."""
    config = changed(bench.config, negatives={"hard": [*HARD[:2], HARD[2] | others]})
    return Broken(bench.sampled(config=config))


def requests_are_of_another_user(bench: Bench) -> Broken:
    """Whose they are is mixed up on the way to the tasks."""
    events, kind = bench.events, bench.events["kind"]
    told = events.filter(pc.equal(kind, REQUEST))
    files = PairFiles(str(bench.scratch.folder / "pair-files"))
    requests = files.read(told["owner_key"].to_numpy(), told["item_key"].to_numpy())
    user = np.roll(requests["user_key"].to_numpy(), 1)
    at = requests.column_names.index("user_key")
    mixed = requests.set_column(at, "user_key", pa.array(user)).combine_chunks()
    number, rows = files.write(mixed.to_batches()[0]), np.arange(len(mixed))
    others = events.filter(pc.not_equal(kind, REQUEST))
    for name, values in (("owner_key", np.full(len(mixed), number)), ("item_key", rows)):
        told = told.set_column(told.column_names.index(name), name, pa.array(values))
    return Broken(bench.sampled(events=pa.concat_tables([others, told])))


def half_of_the_requests_are_lost(bench: Bench) -> Broken:
    events = bench.events
    lost = pc.and_(
        pc.equal(events["kind"], REQUEST), pc.equal(pc.bit_wise_and(events["item_key"], 1), 1)
    )
    return Broken(bench.sampled(events=events.filter(pc.invert(lost))))


def half_of_the_last_stage_is_lost(bench: Bench) -> Broken:
    events = bench.events
    last = pc.greater_equal(events["kind"], FIRST_RANKED + 2)
    lost = pc.and_(last, pc.equal(pc.bit_wise_and(events["item_key"], 1), 1))
    return Broken(bench.sampled(events=events.filter(pc.invert(lost))))


def requests_of_the_whole_date_count(bench: Bench) -> Broken:
    return _asked(bench, hours=24)


def requests_of_fewer_hours_count(bench: Bench) -> Broken:
    return _asked(bench, hours=2)


def later_requests_count(bench: Bench) -> Broken:
    return _asked(bench, side="either")


def the_nearest_are_chosen_where_chance_should(bench: Bench) -> Broken:
    return _asked(bench, selection="nearest")


def one_is_chosen_where_three_should(bench: Bench) -> Broken:
    low = HARD[1] | {"count": bench.config.negatives.numbers.pool + 2}
    hard = [HARD[0], low, HARD[2] | {"count": 1}]
    return Broken(bench.sampled(config=changed(bench.config, negatives={"hard": hard})))


def items_of_others_call_themselves_cut(bench: Bench) -> Broken:
    sources = bench.groups["hard_source"].to_pylist()
    told = [[2 if source == _CODE else source for source in row] for row in sources]
    return _replaced(bench, "hard_source", told)


def items_say_they_are_of_the_own_request(bench: Bench) -> Broken:
    own = bench.groups["request_id"].to_pylist()
    rows = zip(bench.groups["hard_request_id"].to_pylist(), own, strict=True)
    return _replaced(
        bench,
        "hard_request_id",
        [[None if one is None else mine for one in row] for row, mine in rows],
    )


def items_are_of_the_own_request(bench: Bench) -> Broken:
    """What the own request cut stands where another one's should."""
    rows = bench.groups["hard_item_ids"].to_pylist()
    sources = bench.groups["hard_source"].to_pylist()
    for items, of in zip(rows, sources, strict=True):
        own = [item for item, source in zip(items, of, strict=True) if source == 2]
        for place, source in enumerate(of):
            if source == _CODE and own:
                items[place] = own[0]
    return _replaced(bench, "hard_item_ids", rows)


def pools_of_others_are_twice_as_large(bench: Bench) -> Broken:
    rows = bench.groups["hard_incl_prob"].to_pylist()
    sources = bench.groups["hard_source"].to_pylist()
    halved = [
        [chance / 2 if source == _CODE else chance for chance, source in zip(*of, strict=True)]
        for of in zip(rows, sources, strict=True)
    ]
    return _replaced(bench, "hard_incl_prob", halved)


def _replaced(bench: Bench, column: str, rows: list[list[Any]]) -> Broken:
    at, kind = bench.groups.column_names.index(column), bench.groups[column].type
    return Broken(bench.groups.set_column(at, column, pa.array(rows, kind)))

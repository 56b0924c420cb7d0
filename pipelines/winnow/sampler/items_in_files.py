"""A catalogue of so many items that the driver holds their ids, and of few more than that.

Most of a hundred million items were never clicked. What is told of these is the same for all, so
they stay in the files that the engine wrote of them; a task adds what item_stats tells of each.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, LongType, StructField, StructType

from winnow.arrays.distinct import most_first
from winnow.arrays.sorting import sorted_numbers
from winnow.config.entries import HotEntry, PopularityEntry, UniformEntry
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date, valid_rows
from winnow.events.eligibility import eligible_items
from winnow.events.item_attributes import ATTRIBUTE
from winnow.events.periods import periods_on, standing_rows
from winnow.run import Run
from winnow.sampler.built_catalogue import FIRST_INDEX, by_id, with_draws
from winnow.sampler.catalogue_file import Catalogue, load_catalogue, save_catalogue
from winnow.sampler.sources.drawn import NO_BEGIN, CatalogueItems
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.weights import keep_probs, popularity_of
from winnow.spark.shipped import shipped

_STAGED = "items-in-files"


def may_stay_in_files(logs: Mapping[str, Log], run: Run) -> bool:
    """Return whether the catalogue is so large that its items had better stay in files.

    Ids must be numbers, each its own key; and sources may ask for popularity alone.
    """
    config, log = run.config, logs.get("items")
    if log is None or log.aliases is not None or config.ids.item != "bigint":
        return False
    of_popularity = (PopularityEntry, UniformEntry, HotEntry)
    known = all(isinstance(entry, of_popularity) for entry in config.distributions)
    return known and log.about_rows > run.limits.audited_items


def stage_from_files(popular: DataFrame, log: Log, run: Run) -> StagedCatalogue:
    """Build and ship the draw table; the driver takes the ids of the items, and what is popular.

    Args:
        popular: What ``popularity_of_items`` returned.
        log: The log of items.
        run: The date, the sources, and where to compute.
    """
    scratch, carried = run.scratch, tuple(log.carry)
    periods = periods_on(valid_rows(log).where(on_date(log, run.day)), run.day)
    rows = scratch.staged(eligible_items(periods, carried), _STAGED)
    ids = sorted_numbers(scratch.numbers_of(_STAGED, "item_id"))
    if (ids[1:] == ids[:-1]).any():
        # Some have several periods: of each the one that stands for it.
        rows = scratch.staged(eligible_items(standing_rows(log, "item_id", run), carried), _STAGED)
        ids = sorted_numbers(scratch.numbers_of(_STAGED, "item_id"))
    known = by_id(scratch.fetched(popular, "popular-items"))
    path = scratch.folder / f"catalogue-{scratch.tag}.arrow"
    codes = _save_draws(ids, known, run, path)
    del ids
    # Mapped, as tasks map it: all of them and the driver share its pages.
    catalogue = load_catalogue(str(path))
    told = _told_items(catalogue, known.filter(pa.array(codes >= 0)), codes[codes >= 0])
    table = scratch.folder / f"told-items-{scratch.tag}.arrow"
    _write(told, table)
    names = scratch.ship(path), scratch.ship(table)
    schema = _schema(rows.schema, measured="popularity" in told.column_names)
    lacking = np.setdiff1d(np.arange(min(told.num_rows + 1, len(catalogue.ids))), codes)[:1]
    weight = catalogue.draws.groups.weights_at(0, lacking).sum()
    task = partial(_rows_of_items, names=names, weight=int(weight), columns=schema.names)
    return StagedCatalogue(catalogue, rows.mapInArrow(task, schema), names[0])


def _save_draws(ids: NDArray[np.int64], known: pa.Table, run: Run, path: Path) -> NDArray[np.int64]:
    """Build the draw table and write it; return the codes of the known items, -1 where outside.

    What is as long as the catalogue is let go of with this function.

    Args:
        ids: Of the catalogue, ascending. known: Items that were clicked, by ``item_id``.
        run: The date, and the sources. path: Where to write.
    """
    config, known_ids = run.config, known["item_id"].to_numpy()
    codes: NDArray[np.int64] = np.searchsorted(ids, known_ids)
    codes[codes == len(ids)] = -1
    codes[codes >= 0] = np.where(
        ids[codes[codes >= 0]] == known_ids[codes >= 0], codes[codes >= 0], -1
    )
    inside, keys = codes >= 0, known_ids.view(np.uint64)
    of_known = popularity_of(known)
    keep = keep_probs(of_known, config.positives.downsampling)
    hot, outside = np.flatnonzero(keep < 1.0), np.flatnonzero(~inside)
    hot, outside = hot[np.argsort(keys[hot])], outside[np.argsort(keys[outside])]
    clicks = _spread(known["clicks"].to_numpy(), codes, len(ids))
    measured = "popularity" in known.column_names
    items = CatalogueItems(
        ids=pa.array(ids),
        clicks=clicks,
        smoothing=config.popularity.smoothing,
        popular_by=_spread(of_known, codes, len(ids)) if measured else clicks,
        since_us=np.broadcast_to(np.int64(NO_BEGIN), len(ids)),
        day=run.day,
    )
    others = keys[outside], known["clicks"].to_numpy()[outside]
    made = with_draws(items, ids.view(np.uint64), (keys[hot], keep[hot]), others, config)
    save_catalogue(made, path)
    return codes


def _spread(values: NDArray[Any], codes: NDArray[np.int64], n: int) -> NDArray[Any]:
    """Return the values at their codes, and 0 elsewhere, shape (n,)."""
    every = np.zeros(n, values.dtype)
    every[codes[codes >= 0]] = values[codes >= 0]
    return every


def _told_items(catalogue: Catalogue, known: pa.Table, codes: NDArray[np.int64]) -> pa.Table:
    """Return what item_stats tells of the items that were clicked, by ``code``, ascending.

    Args:
        catalogue: The draw table. known: Those of its items that were clicked, by ``item_id``.
        codes: Theirs.
    """
    clicks, clicked = known["clicks"].to_numpy(), known["clicks"].to_numpy() > 0
    # Most clicked first, ties by item id. Those without a click follow; so does, in the order of
    # all ids, what is not told here.
    index = codes - np.cumsum(clicked) + FIRST_INDEX + int(clicked.sum())
    by_clicks = np.flatnonzero(clicked)[most_first(clicks[clicked])]
    index[by_clicks] = np.arange(FIRST_INDEX, FIRST_INDEX + len(by_clicks))
    measured = "popularity" in known.column_names
    return pa.table(
        {
            "code": pa.array(codes),
            "item_idx": pa.array(index),
            "clicks": pa.array(clicks),
            **({"popularity": pa.array(popularity_of(known))} if measured else {}),
            "weight": pa.array(catalogue.draws.groups.weights_at(0, codes)),
        }
    )


def _write(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


@dataclass(frozen=True)
class _Told:
    """What ``_told_items`` returned, in a task.

    Attributes:
        code: int64, ascending, shape (k,). columns: The others, by name.
        clicked: int64: the codes of those with clicks, ascending.
    """

    code: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    clicked: NDArray[np.int64]


@lru_cache(maxsize=2)
def _load(path: str) -> _Told:
    table = pa.ipc.open_file(pa.memory_map(path)).read_all().combine_chunks()
    columns = {name: table[name].to_numpy() for name in table.column_names}
    code = columns.pop("code")
    return _Told(code, columns, code[columns["clicks"] > 0])


def _schema(rows: StructType, *, measured: bool) -> StructType:
    """Return the columns of ``catalogue_table``; ``rows`` are those of ``eligible_items``."""
    more = [("popularity", DoubleType())] if measured else []
    told = [("item_idx", LongType()), ("clicks", LongType()), *more, ("weight", LongType())]
    fields = [StructField(name, kind) for name, kind in [*told, ("q", DoubleType())]]
    first, *others = (
        StructField(field.name.removeprefix(ATTRIBUTE), field.dataType) for field in rows.fields
    )
    return StructType([first, *fields, *others])


def _rows_of_items(
    batches: Iterable[pa.RecordBatch], names: tuple[str, str], weight: int, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    """Give the rows of item_stats of some items, for ``mapInArrow``.

    Args:
        batches: Rows of ``eligible_items``.
        names: Of the files that were shipped: the catalogue, and what is told of few items.
        weight: Of an item that nothing is told of. columns: Of the rows, in order.
    """
    catalogue, told = load_catalogue(shipped(names[0])), _load(shipped(names[1]))
    ids, total = catalogue.ids.to_numpy(), max(catalogue.total_weight, 1)
    first = FIRST_INDEX + len(told.clicked)
    for batch in batches:
        code = _codes(batch["item_id"].to_numpy(), ids)
        index = code + (first - np.searchsorted(told.clicked, code))
        values: dict[str, NDArray[Any]] = {
            name: np.zeros(len(code), of.dtype) for name, of in told.columns.items()
        }
        values |= {"item_idx": index, "weight": np.full(len(code), weight)}
        at = np.searchsorted(told.code, code)
        here = np.flatnonzero(at < len(told.code))
        here = here[told.code[at[here]] == code[here]]
        for name, of in told.columns.items():
            values[name][here] = of[at[here]]
        values["q"] = values["weight"] / total
        every = {name.removeprefix(ATTRIBUTE): batch[name] for name in batch.schema.names}
        every |= {name: pa.array(of) for name, of in values.items()}
        yield pa.RecordBatch.from_pydict({name: every[name] for name in columns})


def _codes(wanted: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of some ids among all, which ascend, int64; all of them are there."""
    if len(wanted) == 0:
        return np.empty(0, np.int64)
    begin = int(np.searchsorted(ids, wanted[0]))
    # Mostly the log has its items in the order of their ids.
    if np.array_equal(ids[begin : begin + len(wanted)], wanted):
        return np.arange(begin, begin + len(wanted))
    order = np.argsort(wanted)
    code = np.empty(len(wanted), np.int64)
    code[order] = np.searchsorted(ids, wanted[order])
    return code

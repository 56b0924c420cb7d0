"""What the expected draws of a few items depend on: the groups that they can be drawn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.sampler.weights import expected_rows

if TYPE_CHECKING:
    from winnow.config.tree import Config
    from winnow.sampler.catalogue_file import Catalogue


@dataclass(frozen=True)
class Lane:
    """A group that one of the items can be drawn from.

    Attributes:
        distribution: Its place among ``Negatives.distributions``.
        group: Its number. total: The sum of its weights.
        by_item: Whether only positives of some items draw from it.
        segment: Where a column of the positive tells it, of its user or request, that column and
            its value as text.
    """

    distribution: int
    group: int
    total: int
    by_item: bool
    segment: tuple[str, str] | None = None

    @property
    def of_some(self) -> bool:
        """Whether only some positives draw from it."""
        return self.by_item or self.segment is not None


class ToldByUser(NamedTuple):
    """A column of positives: 1.0 where another one of them, as text, is one of ``texts``.

    Where ``inside`` is false it is 1.0 where it is none of them, or NULL; else 0.0.
    """

    attribute: str
    texts: tuple[str, ...]
    inside: bool


def lanes_of(catalogue: "Catalogue", config: "Config", codes: Sequence[int]) -> tuple[Lane, ...]:
    """Return every group that one of several items can be drawn from, each once.

    Args:
        catalogue: The date's catalogue. config: Its sources. codes: The items.
    """
    found = {
        (place, group): Lane(
            place,
            group,
            int(catalogue.draws.groups.totals[group]),
            bool(catalogue.by_item[place]),
            _segment(catalogue, config, place, group),
        )
        for place in _asked(config)
        for code in codes
        for group in _groups_with(catalogue, place, code)
    }
    return tuple(found.values())


def weights_in(catalogue: "Catalogue", lane: Lane) -> NDArray[np.int64]:
    """Return the weight that each item of the catalogue has in a lane, 0 outside, shape (n,)."""
    groups = catalogue.draws.groups
    weights = groups.weights_of(lane.group)
    begin, end = groups.code_begins[lane.group], groups.code_begins[lane.group + 1]
    if begin == end:
        return weights
    found = np.zeros(len(catalogue.ids), np.int64)
    found[groups.codes[begin:end]] = weights
    return found


def item_table(catalogue: "Catalogue", config: "Config", lanes: Sequence[Lane]) -> pa.Table:
    """Return what is asked of an item by its key, as a positive and as a forbidden item.

    Returns:
        One row per item of the catalogue, and per clicked one besides: ``item_key`` (bigint);
        ``keep`` (double), the keep_prob of its positives; ``repeats`` (double), how many rows are
        expected of one; ``weight_<i>`` (bigint) in lane i; ``uses_<i>`` (double), 1 where a
        positive of it draws from that lane; ``none_<d>`` (double), 1 where it draws from no group
        of distribution d.
    """
    draws, outside = catalogue.draws, len(catalogue.other_keys)
    keys = np.concatenate([draws.keys, catalogue.other_keys])
    clicks = np.concatenate([catalogue.clicks, catalogue.other_clicks])
    keep, repeats = draws.keep_prob_of(keys), np.ones(len(keys))
    if config.positives.upsampling is not None:
        repeats = expected_rows(clicks, config.positives.upsampling)
    columns: dict[str, NDArray[np.generic]] = {"item_key": keys.view(np.int64)}
    columns |= {"keep": keep, "repeats": repeats}
    codes = np.concatenate(
        [np.arange(len(catalogue.ids), dtype=np.int32), np.full(outside, -1, np.int32)]
    )
    for i, lane in enumerate(lanes):
        within = weights_in(catalogue, lane)
        columns[f"weight_{i}"] = np.concatenate([within, np.zeros(outside, np.int64)])
        if lane.by_item:
            own = catalogue.groups_of(codes, [lane.distribution])[0]
            columns[f"uses_{i}"] = (own == lane.group).astype(np.float64)
    for distribution in by_item(catalogue, config):
        own = catalogue.groups_of(codes, [distribution])[0]
        columns[f"none_{distribution}"] = (own < 0).astype(np.float64)
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def told_by_users(
    catalogue: "Catalogue", config: "Config", lanes: Sequence[Lane]
) -> dict[str, ToldByUser]:
    """Return how positives tell the columns ``uses_<i>`` and ``none_<d>`` that no item tells."""
    found = {
        f"uses_{i}": ToldByUser(lane.segment[0], (lane.segment[1],), inside=True)
        for i, lane in enumerate(lanes)
        if lane.segment is not None
    }
    for place, attribute in config.negatives.of_events.told_by_positives:
        if place in _asked(config) and catalogue.by_user(place):
            texts = tuple(text for _, text in _texts(catalogue, place))
            found[f"none_{place}"] = ToldByUser(attribute, texts, inside=False)
    return found


def _texts(catalogue: "Catalogue", place: int) -> Iterator[tuple[int, str]]:
    """Give the group and the text of each segment of a distribution."""
    a, b = catalogue.user_begins[place], catalogue.user_begins[place + 1]
    texts = catalogue.user_values.slice(a, b - a).to_pylist()
    yield from enumerate(texts, start=int(catalogue.first_groups[place]))


def _segment(
    catalogue: "Catalogue", config: "Config", place: int, group: int
) -> tuple[str, str] | None:
    attribute, text = (
        dict(config.negatives.of_events.told_by_positives).get(place),
        dict(_texts(catalogue, place)),
    )
    return (attribute, text[group]) if attribute is not None and group in text else None


def by_item(catalogue: "Catalogue", config: "Config") -> list[int]:
    """Return the distributions that are asked for and whose group depends on the positive."""
    return [place for place in _asked(config) if catalogue.by_item[place]]


def _asked(config: "Config") -> list[int]:
    return sorted({drawn.distribution for drawn in config.negatives.drawn if drawn.asked})


def _groups_with(catalogue: "Catalogue", place: int, code: int) -> Iterator[int]:
    """Give the groups of a distribution that hold an item."""
    groups, firsts = catalogue.draws.groups, catalogue.first_groups
    first = int(firsts[place])
    later = [int(one) for one in firsts[place + 1 :]]
    last = later[0] if later else len(groups.totals)
    if last == first:
        return
    if groups.code_begins[first] == groups.code_begins[first + 1]:
        yield from range(first, last)
        return
    begin, end = groups.code_begins[first], groups.code_begins[last]
    at = np.flatnonzero(groups.codes[begin:end] == code) + begin
    ends = groups.code_begins[first + 1 : last + 1]
    yield from (first + int(found) for found in np.searchsorted(ends, at, side="right"))

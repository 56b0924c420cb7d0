"""Lists of what is forbidden to the users of positives, the latest first, as columns of groups."""

import numpy as np
import pyarrow as pa

from winnow.arrays.grouping import starts_of_runs
from winnow.arrays.lists import lists_of
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.owners import Owners


def excluded_schema(item: pa.DataType) -> pa.Schema:
    """Return the columns that groups have where lists are asked for; ``item`` types the ids."""
    return pa.schema([("exclude_item_ids", pa.list_(item)), ("exclude_truncated", pa.bool_())])


def excluded_columns(
    ids: pa.ChunkedArray,
    events: Events,
    grouped: GroupedEvents,
    owners: Owners,
    at_most: int,
) -> dict[str, pa.Array]:
    """Return the columns of ``excluded_schema`` of the positives of one partition.

    An item that the user met several times is as late as the last time. Of items of one
    microsecond the least key is first.

    Args:
        ids: The id of each event's item. events: The events of the positives' users.
        grouped: The events, user by user. owners: The users.
        at_most: How many items a list has.
    """
    starts = grouped.starts[: len(owners.users) + 1]
    rows = grouped.rows[starts[0] : starts[-1]]
    user = np.repeat(np.arange(len(owners.users)), np.diff(starts))
    key, latest_first = events.item[rows].view(np.int64), -events.event_us[rows]
    order = np.lexsort((latest_first, key, user))
    last_times = order[starts_of_runs(user[order], key[order])]
    by_time = np.lexsort((key[last_times], latest_first[last_times], user[last_times]))
    listed = last_times[by_time]
    lengths = np.bincount(user[listed], minlength=len(owners.users))
    place = np.arange(len(listed)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    items = ids.combine_chunks().take(pa.array(rows[listed[place < at_most]]))
    of_users = lists_of(items, np.minimum(lengths, at_most))
    of_row = np.repeat(np.arange(len(owners.users)), np.diff(owners.positives_of_user))
    return {
        "exclude_item_ids": of_users.take(pa.array(of_row)),
        "exclude_truncated": pa.array((lengths > at_most)[of_row]),
    }

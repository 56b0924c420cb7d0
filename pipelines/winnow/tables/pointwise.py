"""training_samples_pointwise: the listwise rows made long, one row per positive or negative."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from winnow.arrays.text_codes import named
from winnow.tables.group_lists import begins_of, groups_of, lengths_of, positions_in

_OF_NEGATIVE = {
    "item_id": "neg_item_ids",
    "hardness": "neg_hardness",
    "log_q": "neg_log_q",
    "mixture_log_q": "neg_mixture_log_q",
    "log_q_conditional": "neg_log_q_conditional",
    "incl_prob": "neg_incl_prob",
}


def pointwise(
    groups: pa.Table,
    listwise: Mapping[str, pa.Array],
    columns: tuple[str, ...],
    sources: tuple[str, ...],
) -> pa.Table:
    """Return one row per positive and, behind it, one per negative.

    Args:
        groups: Sample groups.
        listwise: What ``listwise_columns`` returned for them.
        columns: The table's columns. ``draw_no`` counts from 0 through all draws, fills behind the
            others as in easy_negatives, and from 0 through all hard negatives.
        sources: The names of the sources by their codes.
    """
    names = (*sources, "positive")
    lengths = lengths_of(listwise["neg_item_ids"])
    n, group, position = len(lengths), groups_of(lengths), positions_in(lengths)
    codes = listwise["neg_source"].flatten()
    # Hard negatives lie between easy and fill in the list; both kinds count from their own start.
    n_easy, n_hard = (groups[name].to_numpy()[group] for name in ("n_easy", "n_hard"))
    behind_easy, behind_hard = position >= n_easy, position >= n_easy + n_hard
    before = np.where(behind_hard, n_hard, np.where(behind_easy, n_easy, 0))
    known = {name: lists for name, lists in _OF_NEGATIVE.items() if lists in listwise}
    of_negative = {
        **{name: listwise[lists].flatten() for name, lists in known.items()},
        "label": pa.array(np.zeros(len(group), np.int32)),
        "source": named(codes.cast(pa.int16()), names),
        "draw_no": pa.array((position - before).astype(np.int32)),
    }
    of_positive = {
        **{name: pa.nulls(n, of_negative[name].type) for name in known},
        "item_id": groups["item_id"].combine_chunks(),
        "label": pa.array(np.ones(n, np.int32)),
        "source": named(pa.array(np.full(n, names.index("positive"), np.int16)), names),
        "draw_no": pa.array(np.zeros(n, np.int32)),
    }
    # A positive goes before its first negative.
    of_positives = np.arange(n) + begins_of(lengths)
    order = np.empty(n + len(group), np.int64)
    order[of_positives] = np.arange(n)
    order[np.arange(len(group)) + group + 1] = n + np.arange(len(group))
    owner = groups_of(lengths + 1)
    shared = [name for name in columns if name not in of_negative and name != "pos_item_id"]
    repeated = groups.select([*shared, "item_id"]).take(pa.array(owner))
    made = {"pos_item_id": repeated["item_id"]} | {
        name: pa.concat_arrays([of_positive[name], values]).take(pa.array(order))
        for name, values in of_negative.items()
    }
    return pa.table({name: made[name] if name in made else repeated[name] for name in columns})

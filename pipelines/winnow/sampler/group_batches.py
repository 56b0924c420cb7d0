"""Sample groups as Arrow: what the kernels decided, with ids and the columns of pairs."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.group_columns import (
    COUNTS,
    NOT_IN_GROUPS,
    OF_POSITIVE,
    NegativeLists,
    chosen_lists_of,
    missing_column,
)
from winnow.sampler.kernels.draw_groups import unconditional_log_prob
from winnow.sampler.kernels.groups import Groups
from winnow.sampler.kernels.mix import REASONS
from winnow.sampler.kernels.positives import Kept, shuffle_keys


def group_batches(
    details: pa.Table,
    kept: Kept,
    groups: Groups,
    catalogue: Catalogue,
    asked: Mapping[str, pa.Array],
    lists: NegativeLists,
    request_ids: pa.Array | None = None,
) -> list[pa.RecordBatch]:
    """Return sample groups as rows: the columns of ``group_columns``, with those of their pairs.

    Args:
        details: The pairs of the partition.
        kept: The kept positives among them. groups: What they got.
        catalogue: The items.
        asked: Further columns of the positives.
        lists: What is told of draws.
        request_ids: The ids of users' requests, where negatives may be of others.
    """
    draws, ids, total = catalogue.draws, catalogue.ids, catalogue.total_weight
    first = draws.groups
    pos_log_q = unconditional_log_prob(
        first.log_weights[: first.class_begins[1]],
        first.class_of[: first.line_begins[1]],
        groups.positive_code,
        total,
    )
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: details[name].take(kept.pair)
        for name in details.column_names
        if name not in NOT_IN_GROUPS
    }
    of_positive = {
        "shuffle_key": pa.array(shuffle_keys(kept.hash)),
        "keep_prob": pa.array(kept.keep_prob),
        "item_clicks": pa.array(catalogue.clicks_of(kept.item, groups.positive_code)),
        "pos_log_q": pa.array(pos_log_q, mask=groups.positive_code < 0),
        **{name: pa.array(getattr(groups, name)) for name in COUNTS},
        **{
            missing_column(reason): pa.array(np.ascontiguousarray(groups.missing[:, code]))
            for code, reason in enumerate(REASONS)
        },
    }
    of_draws, of_choice = groups.drawn, groups.chosen
    drawn = {
        "item_ids": ids.take(pa.array(of_draws.code)),
        "source": pa.array(of_draws.source),
        "q": pa.array(of_draws.q),
        "log_q": pa.array(of_draws.log_q),
        "mixture_log_q": pa.array(of_draws.mixture),
        "attempts": pa.array(of_draws.attempts),
    }
    chosen = {
        "item_ids": ids.take(pa.array(of_choice.code)),
        "source": pa.array(of_choice.source),
        "stage": pa.array(of_choice.stage),
        "rank": pa.array(of_choice.rank, mask=of_choice.rank == 0),
        "size": pa.array(of_choice.size, mask=of_choice.size == 0),
        "score": pa.array(of_choice.score, mask=np.isnan(of_choice.score)),
        "incl_prob": pa.array(of_choice.incl_prob, mask=np.isnan(of_choice.incl_prob)),
    }
    columns |= {"action": pa.array(kept.action)}
    columns |= {name: of_positive[name] for name in OF_POSITIVE.names}
    columns |= lists.columns(drawn, groups.n_easy + groups.n_fill)
    of_kind = chosen_lists_of(None if request_ids is None else request_ids.type)
    if request_ids is not None:
        of_own = of_choice.request < 0
        chosen["request_id"] = request_ids.take(pa.array(of_choice.request, mask=of_own))
    columns |= of_kind.columns(chosen, groups.n_hard)
    columns |= asked
    batches: list[pa.RecordBatch] = pa.table(columns).combine_chunks().to_batches()
    return batches

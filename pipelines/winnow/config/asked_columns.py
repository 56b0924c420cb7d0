"""Columns that are there only where a config asks for what they tell."""

from collections.abc import Mapping

from winnow.config.in_batch import ExcludeItemIds, InBatch
from winnow.config.negatives import Negatives
from winnow.config.popularity import Popularity
from winnow.config.positives import Positives
from winnow.config.ranking import Ranking


def asked_columns(
    positives: Positives,
    negatives: Negatives,
    popularity: Popularity,
    ranking: Ranking,
    in_batch: InBatch | None,
    exclude_item_ids: ExcludeItemIds | None,
) -> Mapping[str, tuple[str, ...]]:
    """Return what ``Config.asked_for`` does, of the parts of a config that ask for columns."""
    named = {
        "positives.labels": tuple(positives.label_names.values()),
        "positives.values": tuple(positives.values),
        "mixture": negatives.mixture,
    }
    # Whether rows may be in no batch.
    left_out = in_batch is not None and in_batch.conflict_free
    some_in_batches = bool(positives.others) or left_out
    is_asked = {
        "positives.per_user_cap": positives.per_user_cap is not None,
        "positives.upsampling": positives.upsampling is not None,
        "positives.weak": positives.weak is not None,
        "negatives.negative_feedback": negatives.feedback is not None,
        "negatives.other_requests": negatives.other_requests is not None,
        "positives.others": bool(positives.others),
        "negatives.distinct": bool(negatives.distinct),
        "popularity.of": not popularity.is_clicks,
        "in_batch": in_batch is not None,
        "in_batch.some": some_in_batches,
        "exclude_item_ids": exclude_item_ids is not None,
        "in_batch.streaming": in_batch is not None and in_batch.streaming is not None,
        "in_batch.pool": in_batch is not None and in_batch.pool is not None,
    }
    return {
        **{what: names for what, names in named.items() if names},
        **{what: () for what, asked in is_asked.items() if asked},
        **ranking.asked_for,
    }

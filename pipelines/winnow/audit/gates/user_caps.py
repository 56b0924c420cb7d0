"""The positives that users keep under their cap, chosen a second time."""

from collections.abc import Iterator
from functools import partial, reduce

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import POSITIVES, Figure, Measurement, none_of
from winnow.audit.recompute.candidates import recomputed_candidates
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.other_strengths import Some, others_in_cap
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.staged_rows import KEY, first_rows, positives_of
from winnow.audit.recompute.user_caps import KEYS, key_columns, of_some_users, recomputed_caps
from winnow.config.tree import Config

USER_CAPS_DIFFER = none_of(
    "user_caps_differ",
    POSITIVES,
    "positives under the cap of their user that are not those of the smallest hashes, or whose "
    "cap_prob or rank is another",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the caps, where there is one and all positives are known."""
    positives = positives_of(evidence.staged)
    if evidence.config.positives.per_user_cap is None or positives is None:
        return
    if positives.complete:
        yield Measurement([USER_CAPS_DIFFER.promised()], lambda: _of_logs(evidence, positives.rows))


def _of_logs(evidence: Evidence, positives: DataFrame) -> Figure:
    config = evidence.config
    candidates = recomputed_candidates(date_pairs(evidence).rows, config, evidence.day)
    one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
    found = candidates.where(F.col("first_us").isNotNull())
    if config.positives.capped:
        some: Some = partial(of_some_users, one_in=one_in)
        of_clicks = found.select(*KEY, F.lit(True).alias("thins"))
        found = of_clicks.unionByName(others_in_cap(evidence, some))
    return cap_figure(found, positives, date_items(evidence), config, one_in)


def cap_figure(
    candidates: DataFrame, positives: DataFrame, items: Items, config: Config, one_in: int
) -> Figure:
    """Count the positives that stay on one side only, or not with the same rank and chance.

    Args:
        candidates: The ids of what may be a positive of the date, and counts for the cap;
            ``thins`` where some of it is not thinned.
        positives: The positives, staged.
        items: The keep_prob of the candidates.
        config: Seed, cap and id types.
        one_in: The positives of one in so many users are looked at.
    """
    keys, strengths = key_columns(config), ("strong", *config.positives.capped)
    positives = first_rows(positives)
    if config.positives.others:
        positives = positives.where(F.col("label_strength").isin(*strengths))
    thins = [F.col(name) for name in ("thins",) if name in candidates.columns]
    some = of_some_users(candidates, one_in).select(*keys, *thins).toArrow().combine_chunks()
    stated = {"user_rank_in_cap": "stated_rank", "cap_prob": "stated_chance"}
    known = {name: alias for name, alias in stated.items() if name in positives.columns}
    told = of_some_users(positives, one_in).select(
        *keys, *(F.col(name).alias(alias) for name, alias in known.items())
    )
    staged = told.toArrow().combine_chunks()
    wanted = recomputed_caps(some, items, config)
    both = wanted.join(staged, list(KEYS), join_type="inner")
    near = pc.less_equal(pc.abs(pc.subtract(both["chance"], both["stated_chance"])), 1e-9)
    same = [near]
    if "stated_rank" in both.column_names:
        same.append(pc.equal(both["rank"], both["stated_rank"]))
    right = pc.sum(reduce(pc.and_, same)).as_py() or 0
    wrong = max(wanted.num_rows, staged.num_rows) - right
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return USER_CAPS_DIFFER.figure(wrong, detail=detail)

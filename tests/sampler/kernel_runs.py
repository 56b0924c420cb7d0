"""Runs the kernels on a reference case and gives the result in the reference's form."""

from typing import Any

import numpy as np
from winnow.events.kinds import CLICKED, FIRST_RANKED, FORBIDDEN, PAIR, RECALLED, REJECTED, REQUEST
from winnow.sampler.kernels.draw_table import DrawTable, draw_table
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.feedback import CHOOSE_RANDOM, CHOOSE_RECENT, AskedFeedback
from winnow.sampler.kernels.groups import Recipe, positive_codes, sample_groups
from winnow.sampler.kernels.mix import CATALOGUE_EXHAUSTED, GROUP_EXHAUSTED, REASONS
from winnow.sampler.kernels.other_requests import (
    OTHERS_NEAREST,
    OTHERS_RANDOM,
    AskedOthers,
)
from winnow.sampler.kernels.owners import owners_of
from winnow.sampler.kernels.positives import Kept, Pairs, Strengths, keep_positives
from winnow.sampler.kernels.requests_of_users import OtherRequests, other_requests_of
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.selection import SELECT_RANDOM, SELECT_SCORE, SELECT_TAIL, SELECT_TOP
from winnow.sampler.kernels.stages import (
    BY_PERCENTILE,
    BY_RANK,
    BY_SCORE,
    MARGIN_ABSOLUTE,
    MARGIN_NONE,
    MARGIN_RELATIVE,
    TAKE_CUT,
    TAKE_LOW,
    TAKE_NONE,
)
from winnow.sampler.recipe import DrawnSettings, RecipeSettings

from tests.sampler.grouped import grouped_of
from tests.sampler.reference import Band, Case, Group, Hard, Item, bands_of, owner_of, pools_of

U64 = np.uint64


def table_of(items: list[Item], hot: dict[int, float]) -> DrawTable:
    keys = np.array([item.key for item in items], U64)
    weights = np.array([item.weight for item in items], np.int64)
    hot_keys = sorted(hot)
    hot_keep = np.array([hot[key] for key in hot_keys], np.float64)
    return draw_table(keys, weights, np.array(hot_keys, U64), hot_keep)


def _of_ranked(case: Case, column: str, missing: float, kind: type[np.generic]) -> Any:
    """A column that only ranking rows have; empty where none of them has it."""
    values = [getattr(r, column) for r in case.ranked]
    if all(value is None for value in values):
        return np.empty(0, kind)
    before = len(case.forbidden) + len(case.clicked) + len(case.rejected) + len(case.pairs)
    before += len(case.shown)
    others = [missing] * (before + len(case.recalled))
    return np.array(others + [missing if v is None else v for v in values], kind)


def recipe_of(case: Case) -> Recipe:
    """One source of draws, and the pools of the case."""
    takes = {"none": TAKE_NONE, "cut": TAKE_CUT, "low": TAKE_LOW}
    selections = {
        "random": SELECT_RANDOM,
        "top": SELECT_TOP,
        "tail": SELECT_TAIL,
        "score": SELECT_SCORE,
    }
    by = {"percentile": BY_PERCENTILE, "rank": BY_RANK, "score": BY_SCORE}
    given = case.not_recalled, case.distinct, 0 if case.distinct else -1
    settings = RecipeSettings(
        drawn=(
            DrawnSettings(case.n_easy, 0, 2, 0, case.not_recalled, case.distinct),
            *([DrawnSettings(0, 1, 3, 0, *given)] if case.fill else []),
        ),
        stages=tuple(
            (
                takes[take],
                scored,
                tuple(
                    (by[band.by], band.low, band.high, *_margin(band), band.pool, 2)
                    for band in bands_of(case)
                    if band.stage == stage
                ),
            )
            for stage, ((take, _, _), scored) in enumerate(
                zip(case.takes, case.by_score, strict=True)
            )
        ),
        pools=tuple(
            (one.n, selections[one.selection], one.stream, one.temperature)
            for one in pools_of(case)
        ),
        spec=SamplingSpec(
            case.fill,
            False,
            case.max_rejections,
            case.higher_is_better,
            case.cut_by_absence,
            case.by_last_stage,
            case.sampled,
            case.logged_share,
        ),
        feedback=_feedback(case),
        others=_asked_of_others(case),
    )
    return settings.recipe()


def _asked_of_others(case: Case) -> AskedOthers:
    asked = case.others
    if asked is None:
        return AskedOthers()
    selection = OTHERS_RANDOM if asked.selection == "random" else OTHERS_NEAREST
    ends = case.others_before, case.others_after
    return AskedOthers(asked.n, 11, *ends, selection, asked.stream)


def _others_of(case: Case, kept: Kept) -> OtherRequests | None:
    if case.others is None:
        return None
    return other_requests_of(
        owners_of(kept),
        np.array([one.user for one in case.shown], U64),
        np.array([owner_of(one.user, one.request) for one in case.shown], U64),
        np.array([one.us for one in case.shown], np.int64),
    )


def _feedback(case: Case) -> AskedFeedback:
    asked = case.feedback
    if asked is None:
        return AskedFeedback()
    selection = CHOOSE_RANDOM if asked.selection == "random" else CHOOSE_RECENT
    return AskedFeedback(asked.n, 10, len(case.takes), selection, asked.stream)


def _times(case: Case) -> Any:
    """When things were rejected; empty where that is not asked for."""
    if case.feedback is None:
        return np.empty(0, np.int64)
    before, after = len(case.forbidden) + len(case.clicked), len(case.pairs) + len(case.ranked)
    after += len(case.recalled) + len(case.shown)
    return np.array([0] * before + [one.us for one in case.rejected] + [0] * after, np.int64)


def _margin(band: Band) -> tuple[int, float]:
    if band.absolute is not None:
        return MARGIN_ABSOLUTE, band.absolute
    return (MARGIN_NONE, 0.0) if band.relative is None else (MARGIN_RELATIVE, band.relative)


def run_kernels(case: Case) -> list[Group]:
    table = table_of(case.items, case.hot)
    pairs = Pairs(
        np.array([p.user for p in case.pairs], U64),
        np.array([p.request for p in case.pairs], U64),
        np.array([p.item for p in case.pairs], U64),
        np.array([owner_of(p.user, p.request) for p in case.pairs], U64),
        np.array([p.impression_us for p in case.pairs], np.int64),
        np.array([p.click_us for p in case.pairs], np.int64),
        np.array([p.action for p in case.pairs], np.int8),
        np.array([p.tie for p in case.pairs], np.int64),
    )
    rows = [(u, i, FORBIDDEN) for u, i in case.forbidden]
    rows += [(u, i, CLICKED) for u, i in case.clicked]
    rows += [(one.user, one.item, REJECTED) for one in case.rejected]
    # Places of pairs, whose numbers may be keys of users and requests as well.
    rows += [(p.user, p.item, PAIR) for p in case.pairs]
    rows += [(owner_of(s.user, s.request), s.user, REQUEST) for s in case.shown]
    rows += [(owner_of(u, r), i, RECALLED) for u, r, i in case.recalled]
    rows += [
        (
            owner_of(r.user, r.request),
            r.item,
            FIRST_RANKED + 2 * r.stage + int(r.may_be_negative),
        )
        for r in case.ranked
    ]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    events = Events(
        np.array(columns[0], U64),
        np.array(columns[1], U64),
        np.array(columns[2], np.int8),
        _of_ranked(case, "score", np.nan, np.float64),
        _of_ranked(case, "rank", 0, np.int32),
        _of_ranked(case, "stage_size", 0, np.int32),
        _times(case),
    )
    seeds = U64(case.seed), U64(case.draw_seed)
    thinned = Strengths("weak" in case.thinned, "organic" in case.thinned)
    share = case.weak_share
    kept = keep_positives(pairs, table.hot_keys, table.hot_keep, *seeds, share, thinned)
    codes = positive_codes(kept, table)
    group_of = np.zeros((2 if case.fill else 1, len(codes)), np.int32)
    shown_us = pairs.impression_us[kept.pair]
    others = _others_of(case, kept)
    made = sample_groups(
        events,
        *grouped_of(events, kept, table, *([] if others is None else [others.further])),
        kept,
        shown_us,
        codes,
        table,
        group_of,
        recipe_of(case),
        others,
    )
    groups, easy_at, hard_at = [], 0, 0
    for p in range(len(kept.user)):
        easy = slice(easy_at, easy_at + made.n_easy[p] + made.n_fill[p])
        hard = slice(hard_at, hard_at + made.n_hard[p])
        easy_at, hard_at = easy.stop, hard.stop
        of_reason = made.missing[p].tolist()
        of_reason[CATALOGUE_EXHAUSTED : GROUP_EXHAUSTED + 1] = [0, 0, 0]
        chances = made.chosen.incl_prob[hard].tolist()
        of_requests = np.full(made.n_hard[p], -1)
        if others is not None:
            of_requests = made.chosen.request[hard]
        places = [] if others is None else others.row.tolist()
        from_requests = [case.shown[places[o]].request if o >= 0 else None for o in of_requests]
        groups.append(
            Group(
                int(kept.user[p]),
                int(kept.request[p]),
                int(kept.item[p]),
                int(pairs.impression_us[kept.pair[p]]),
                int(pairs.click_us[kept.pair[p]]),
                int(kept.action[p]),
                float(kept.keep_prob[p]),
                [
                    (case.items[code].key, float(log_q), int(attempts))
                    for code, log_q, attempts in zip(
                        made.drawn.code[easy],
                        made.drawn.log_q[easy],
                        made.drawn.attempts[easy],
                        strict=True,
                    )
                ],
                int(made.n_fill[p]),
                [
                    Hard(
                        case.items[code].key,
                        int(stage),
                        None,
                        int(rank) or None,
                        int(size) or None,
                        None if np.isnan(score) else float(score),
                        request,
                    )
                    for code, stage, rank, size, score, request in zip(
                        made.chosen.code[hard],
                        made.chosen.stage[hard],
                        made.chosen.rank[hard],
                        made.chosen.size[hard],
                        made.chosen.score[hard],
                        from_requests,
                        strict=True,
                    )
                ],
                [None if np.isnan(chance) else chance for chance in chances],
                {REASONS[code]: n for code, n in enumerate(of_reason) if n},
                int(made.shortfall[p]),
            )
        )
    return groups

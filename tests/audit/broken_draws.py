"""Mistakes in what the kernels are given: events, catalogue, settings."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F
from winnow.config.positives import Downsampling
from winnow.config.tree import Config
from winnow.contracts.rows import valid_rows
from winnow.events.item_attributes import ATTRIBUTE
from winnow.events.kinds import FIRST_RANKED, FORBIDDEN
from winnow.sampler.built_catalogue import build_catalogue, catalogue_table
from winnow.sampler.catalogue_file import Catalogue
from winnow.sampler.kernels.draw_groups import draw_groups
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.weights import keep_probs

from tests.audit.simulated_logs import DAY
from tests.audit.workbench import Bench, Broken, events_of, new_path


def changed(config: Config, **parts: dict[str, Any]) -> Config:
    """Return a config with some settings changed."""
    tree = config.model_dump(mode="json", by_alias=True)
    for part, settings in parts.items():
        tree[part] |= settings
    return Config.model_validate_json(json.dumps(tree))


def nothing_is_forbidden(bench: Bench) -> Broken:
    events = bench.events.filter(pc.not_equal(bench.events["kind"], FORBIDDEN))
    return Broken(bench.sampled(events=events))


def only_exposures_are_forbidden(bench: Bench) -> Broken:
    return Broken(bench.sampled(events=_events_without(bench, "clicks")))


def only_clicks_are_forbidden(bench: Bench) -> Broken:
    return Broken(bench.sampled(events=_events_without(bench, "impressions")))


def only_one_scene_is_forbidden(bench: Bench) -> Broken:
    """As if what other scenes showed, where positives do not come from, did not count."""
    log = bench.logs["impressions"]
    some = replace(log, frame=log.frame.where(F.col("scene") == "home"))
    return Broken(
        bench.sampled(
            events=events_of({**bench.logs, "impressions": some}, bench.places, bench.run)
        )
    )


def _events_without(bench: Bench, name: str) -> pa.Table:
    log = bench.logs[name]
    logs = {**bench.logs, name: replace(log, frame=log.frame.where(F.lit(False)))}
    return events_of(logs, bench.places, bench.run)


def _events_looking_back(bench: Bench, more: int) -> pa.Table:
    reach = bench.config.exclusion
    names = ("exposure_lookback_days", "click_lookback_days")
    config = changed(bench.config, exclusion={n: getattr(reach, n) + more for n in names})
    return events_of(bench.logs, bench.places, replace(bench.run, config=config))


def exclusion_looks_back_one_date_less(bench: Bench) -> Broken:
    return Broken(bench.sampled(events=_events_looking_back(bench, -1)))


def exclusion_looks_back_one_date_more(bench: Bench) -> Broken:
    return Broken(bench.sampled(events=_events_looking_back(bench, 1)))


def _items(bench: Bench) -> pa.Table:
    """The items that the catalogue was built from; ids are integers and so their own keys."""
    made = bench.items.catalogue
    other = made.other_keys.view(np.int64)
    ids = np.concatenate([made.ids.to_numpy(), other])
    return pa.table(
        {
            "item_id": ids,
            "item_key": ids,
            "clicks": np.concatenate([made.clicks, made.other_clicks]),
            "in_catalogue": np.arange(len(ids)) < len(made.ids),
            "eligible_from": pa.nulls(len(ids), pa.timestamp("us", "UTC")),
        }
    )


def _with_catalogue(bench: Bench, catalogue: Catalogue) -> Broken:
    """Draw from another catalogue, and say so in item_stats."""
    never = pa.nulls(len(catalogue.ids), pa.timestamp("us", "UTC"))
    known = bench.items.eligibility.toArrow().to_pylist()
    carried = {
        f"{ATTRIBUTE}{name}": {row["item_id"]: row[name] for row in known}
        for name in bench.config.carried("items")
    }
    ids = catalogue.ids.to_pylist()
    said = {name: [of.get(item) for item in ids] for name, of in carried.items()}
    times = {"item_id": catalogue.ids, "eligible_from": never, "eligible_to": never}
    dates = pa.table(times | said)
    name = new_path(bench.scratch.folder, "items").name
    frame = bench.scratch.stored(catalogue_table(catalogue, dates), name)
    return Broken(bench.sampled(catalogue=catalogue), StagedCatalogue(catalogue, frame, "unused"))


def alpha_is_1(bench: Bench) -> Broken:
    config = changed(bench.config, negatives={"easy": [{"source": "popularity", "alpha": 1.0}]})
    return _with_catalogue(bench, build_catalogue(_items(bench), config, DAY))


def weights_are_coarse(bench: Bench) -> Broken:
    """All weights are 1 or 2: right, but for the rounding."""
    made = bench.items.catalogue
    weights = np.maximum(1, made.draws.weights * 2 // int(made.draws.weights.max()))
    draws = made.draws._replace(groups=draw_groups([(None, weights)]))
    return _with_catalogue(bench, replace(made, draws=draws))


def _drawn(bench: Bench, **changed: Any) -> Broken:
    """Draw from another line than the weights make; what log_q tells stays that of popularity."""
    made = bench.items.catalogue
    draws = made.draws._replace(groups=made.draws.groups._replace(**changed))
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def draws_are_uniform(bench: Bench) -> Broken:
    """All items are as long on the line, and log_q has the logarithms of their weights."""
    groups = bench.items.catalogue.draws.groups
    n = len(bench.items.catalogue.ids)
    each = int(groups.totals[0]) // n
    return _drawn(
        bench,
        weights=np.full(len(groups.weights), each),
        before=groups.firsts * each,
        totals=np.array([n * each]),
    )


def draws_come_from_a_sorted_head(bench: Bench) -> Broken:
    """Of each weight only the first eighth of the items is drawn."""
    groups = bench.items.catalogue.draws.groups
    line = groups.line.copy()
    for first, end in pairwise([*groups.firsts.tolist(), len(line)]):
        line[first:end] = line[first + np.arange(end - first) % max(1, (end - first) // 8)]
    return _drawn(bench, line=line)


def _popular(bench: Bench, first: int, last: int) -> Broken:
    """Count the clicks of the dates from ``first`` to before ``last``, counted from the date."""
    at = F.col("event_us")
    inside = (at >= DAY.shifted(first).start_us) & (at < DAY.shifted(last).start_us)
    log = bench.logs["clicks"]
    clicks = valid_rows(log).where(inside).select("event_us", *log.contract.key).distinct()
    counted = clicks.groupBy("item_id").count().toArrow()
    items = _items(bench)
    of = dict(zip(*(counted[name].to_pylist() for name in ("item_id", "count")), strict=True))
    known = [of.get(item, 0) for item in items["item_id"].to_pylist()]
    return _with_catalogue(
        bench, build_catalogue(items.set_column(2, "clicks", pa.array(known)), bench.config, DAY)
    )


def popularity_knows_the_date(bench: Bench) -> Broken:
    return _popular(bench, -bench.config.popularity.window_days, 1)


def popularity_window_is_one_date_less(bench: Bench) -> Broken:
    return _popular(bench, 1 - bench.config.popularity.window_days, 0)


def popularity_window_is_one_date_more(bench: Bench) -> Broken:
    return _popular(bench, -1 - bench.config.popularity.window_days, 0)


def retired_items_are_drawn(bench: Bench) -> Broken:
    items = _items(bench)
    everywhere = items.set_column(3, "in_catalogue", pa.array([True] * len(items)))
    return _with_catalogue(bench, build_catalogue(everywhere, bench.config, DAY))


def _kept_with(bench: Bench, exponent: float | None) -> pa.Table:
    """Thin with keep_prob to a power (None: not at all), and declare keep_prob all the same."""
    made = bench.items.catalogue
    draws = made.draws
    keys, keep = draws.hot_keys, draws.hot_keep
    applied = (keys[:0], keep[:0]) if exponent is None else (keys, keep**exponent)
    thinned = draws._replace(hot_keys=applied[0], hot_keep=applied[1])
    groups = bench.sampled(catalogue=replace(made, draws=thinned))
    of = dict(zip(keys.view(np.int64).tolist(), keep.tolist(), strict=True))
    declared = [of.get(item, 1.0) for item in groups["item_id"].to_pylist()]
    place = groups.column_names.index("keep_prob")
    return groups.set_column(place, "keep_prob", pa.array(declared))


def keep_prob_is_not_applied(bench: Bench) -> Broken:
    return Broken(_kept_with(bench, None))


def keep_prob_is_applied_twice(bench: Bench) -> Broken:
    return Broken(_kept_with(bench, 2.0))


def hot_items_are_thinned_by_another_rule(bench: Bench) -> Broken:
    made = bench.items.catalogue
    every = np.concatenate([made.clicks, made.other_clicks])
    keys = np.concatenate([made.draws.keys, made.other_keys])
    by_key = np.argsort(keys)
    keep = keep_probs(every, Downsampling(rule="word2vec_code", threshold_share=0.001))[by_key]
    hot = keep < 1.0
    draws = made.draws._replace(hot_keys=keys[by_key][hot], hot_keep=keep[hot])
    return Broken(bench.sampled(catalogue=replace(made, draws=draws)))


def repeats_are_rounded_up(bench: Bench) -> Broken:
    """Every cold positive has as many rows as it may have, whatever it says of it."""
    rows, groups = [], bench.groups.to_pylist()
    twice = {_key(row) for row in groups if row["repeat_idx"] > 0}
    for row in groups:
        rows.append(row)
        if row["repeat_expect"] > 1.0 and _key(row) not in twice:
            rows.append(row | {"repeat_idx": 1, "shuffle_key": row["shuffle_key"] ^ 1})
    return Broken(pa.Table.from_pylist(rows, bench.groups.schema))


def repeats_count_from_1(bench: Bench) -> Broken:
    place = bench.groups.column_names.index("repeat_idx")
    number = pc.add(bench.groups["repeat_idx"], pa.scalar(1, pa.int32()))
    return Broken(bench.groups.set_column(place, "repeat_idx", number))


def _key(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in ("user_id", "request_id", "item_id"))


def the_cap_is_one_more(bench: Bench) -> Broken:
    return Broken(bench.sampled(config=changed(bench.config, positives={"per_user_cap": 16})))


def the_cap_takes_the_earliest(bench: Bench) -> Broken:
    """As many of each user, but the first ones of the date: no choice by chance."""
    uncapped = bench.sampled(config=changed(bench.config, positives={"per_user_cap": 10**6}))
    cap, rows = bench.config.positives.per_user_cap or 0, uncapped.to_pylist()
    by_user: dict[int, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: int(row["impression_us"])):
        by_user.setdefault(row["user_id"], []).append(row)
    kept = [
        row | {"user_rank_in_cap": rank, "cap_prob": min(1.0, cap / len(of_user))}
        for of_user in by_user.values()
        for rank, row in enumerate(of_user[:cap], start=1)
    ]
    return Broken(pa.Table.from_pylist(kept, bench.groups.schema))


def cap_prob_is_forgotten(bench: Bench) -> Broken:
    place = bench.groups.column_names.index("cap_prob")
    ones = pa.array(np.ones(len(bench.groups)))
    return Broken(bench.groups.set_column(place, "cap_prob", ones))


def hot_items_are_not_thinned(bench: Bench) -> Broken:
    made = bench.items.catalogue
    cold = made.draws._replace(hot_keys=made.draws.hot_keys[:0], hot_keep=made.draws.hot_keep[:0])
    return Broken(bench.sampled(catalogue=replace(made, draws=cold)))


def a_partition_of_events_is_lost(bench: Bench) -> Broken:
    users = bench.events["user_key"].to_numpy()
    return Broken(bench.sampled(events=bench.events.filter(pa.array(users % 8 != 3))))


def mix_is_60_to_40(bench: Bench) -> Broken:
    return Broken(
        bench.sampled(
            config=changed(
                bench.config, negatives={"easy": [{"source": "popularity", "share": 0.6}]}
            )
        )
    )


def low_is_the_better_half(bench: Bench) -> Broken:
    entries = [entry.model_dump() for entry in bench.config.negatives.hard]
    better = [e | {"band": [0.0, 0.5]} if e["source"] == "low" else e for e in entries]
    return Broken(bench.sampled(config=changed(bench.config, negatives={"hard": better})))


def scores_are_ranked_the_wrong_way(bench: Bench) -> Broken:
    upside_down = changed(bench.config, funnel={"higher_score_is_better": False})
    return Broken(bench.sampled(config=upside_down))


def stages_are_ordered_by_item(bench: Bench) -> Broken:
    """As where a log's scores are NULL and nobody looks at its ranks."""
    by_item = -bench.events["item_key"].to_numpy().astype(np.float64)
    place = bench.events.column_names.index("score")
    return Broken(bench.sampled(events=bench.events.set_column(place, "score", pa.array(by_item))))


def what_went_on_is_taken_as_cut(bench: Bench) -> Broken:
    """Every row of the first stage may be a negative, and no later row says otherwise."""
    kind = bench.events["kind"].to_numpy()
    events = bench.events.filter(pa.array(kind < FIRST_RANKED + 2))
    kind = events["kind"].to_numpy()
    cut = np.where(kind >= FIRST_RANKED, FIRST_RANKED + 1, kind).astype(np.int8)
    place = events.column_names.index("kind")
    return Broken(bench.sampled(events=events.set_column(place, "kind", pa.array(cut))))

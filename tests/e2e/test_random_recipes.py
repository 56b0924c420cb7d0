"""Random configs over all strategies, on random small logs: the truths hold on every one of them.

What is asserted is told from the rows of the logs by plain Python, not by Winnow's code.
"""

import json
import math
from collections import Counter
from datetime import datetime
from itertools import groupby, product
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.variants import build_variants
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.loading.samples import stream_of
from winnow.release.batch_mask import conflict_mask
from winnow.release.opening import open_release

from tests.events.handmade import DAY, Built, Logs, Row, at, build_day, config
from tests.frequency.by_the_book import Book
from tests.frequency.released_rows import all_is_right

ITEMS, USERS = 24, 12
ACTIONS = ("click", "favourite", "cart", "buy")
REJECTED = 10
"""The code of what users rejected."""
WAYS = ("membership", "last_stage")
IN_EVERY_RUN = 2
"""So many recipes are drawn by ``make test``, the others by ``make proofs``."""
MARKET: dict[str, Any] = {"source": "market", "of_request": "market", "of_items": "markets"}
DRAWN: tuple[dict[str, Any], ...] = (
    {"source": "popularity"},
    {"source": "popularity", "alpha": 0.0},
    {"source": "popularity", "alpha": 1.5},
    {"source": "uniform"},
    {"source": "hot", "top": 0.3},
    {"source": "cold", "most_clicks": 1},
    {"source": "cold", "new_days": 3},
    {"source": "segment", "attribute": "country"},
    MARKET,
    {**MARKET, "alpha": 0.0},
    {"source": "exposed"},
    {"source": "exposed", "days": 1, "alpha": 1.0},
    {"source": "same_attribute", "attributes": ["city"]},
    {"source": "same_attribute", "attributes": ["city", "brand"], "alpha": 0.0},
    {"source": "same_attribute", "attributes": ["levels"], "prefix": 1},
)


def random_logs(draw: Random) -> Logs:
    """Three dates of requests with a funnel of twelve items, of which some are shown."""
    made = Logs()
    for item in range(ITEMS):
        made.item(
            item,
            at("00:00", draw.choice([-9, -1, 0])) if draw.random() < 0.3 else None,
            at("12:00", draw.choice([-1, 0, 3])) if draw.random() < 0.15 else None,
            city=draw.choice(["bern", "oslo", None]),
            brand=draw.choice([1, 2]),
            levels=draw.choice([["a", "b"], ["a", "c"], ["b"], None]),
            # Of the number alone, so that all else is drawn as before.
            markets=[["SE"], ["SE", "NO"], ["NO"], None, ["NO", "SE", "SE"]][item % 5],
        )
    for user in range(1, USERS + 1):
        made.user(user, country=["NO", "SE", None][user % 3])
    for days in (-2, -1, 0):
        for request in range(30):
            number, user = request + 100 * (days + 3), draw.randrange(1, USERS + 1)
            recalled = draw.sample(range(ITEMS), 12)
            fine = recalled[: draw.choice([0, 5, 7])]
            when = at(f"{draw.randrange(1, 22):02}:{draw.randrange(60):02}", days)
            if draw.random() < 0.9:
                for stage, items in (("coarse", recalled), ("fine", fine)):
                    if items:
                        made.rank(number, stage, items, when)
            for place, item in enumerate(draw.sample(recalled, 3)):
                market = ("SE", "NO", "NO", None)[number % 4]
                made.show(user, number, item, when, position=place + 1, market=market)
                for action in ACTIONS[: draw.choice([0, 0, 1, 1, 2, 4])]:
                    later = when.replace(minute=59)
                    made.click(user, number, item, later, action)
    return made


def search(draw: Random, logs: Logs) -> None:
    """Add clicks without a request, of the date and the one before."""
    for days in (-1, 0):
        for _ in range(8):
            user, item = draw.randrange(1, USERS + 1), draw.randrange(ITEMS)
            logs.click(user, None, item, at("22:30", days), draw.choice(ACTIONS))


def reject(draw: Random, logs: Logs) -> None:
    """Add what users reject, some of it shown, clicked, or later than what is shown."""
    for days in (-2, -1, 0):
        for _ in range(40):
            user, item = draw.randrange(1, USERS + 1), draw.randrange(ITEMS)
            when = at(f"{draw.randrange(24):02}:{draw.randrange(60):02}", days)
            logs.reject(user, item, when, draw.choice(["hide", "dislike", None]))


def under_aliases(draw: Random, logs: Logs) -> Logs:
    """The same logs, in which a third of the rows name their item by another id of it."""
    made = Logs()
    for item in range(ITEMS):
        made.alias(item + 100, item)
        made.alias(item + 200, item + 100)
    for log, rows in logs.rows.items():
        for row in rows:
            if log == "users":
                made.rows[log].append(row)
                continue
            other = row["item_id"] + draw.choice([100, 200])
            named = other if log != "items" and draw.random() < 0.3 else row["item_id"]
            made.rows[log].append(row | {"item_id": named})
    return made


def random_config(draw: Random, base: Path) -> Config:
    easy = [dict(entry) for entry in draw.sample(DRAWN, draw.randrange(1, 5))]
    if draw.random() < 0.3:
        easy.append(dict(MARKET))
    for entry in easy[1:]:
        entry["count"] = draw.randrange(1, 4)
    for entry in easy:
        entry["not_recalled"] = draw.random() < 0.25
        entry["distinct"] = draw.random() < 0.2
    hard: list[dict[str, Any]] = []
    if draw.random() < 0.8:
        selection = draw.choice(["random", "random", "top", "tail", "score"])
        hard = [
            {"source": "cut", "stage": "coarse", "selection": selection},
            {"source": "low", "stage": "fine", "selection": selection},
        ]
        # Scores of two stages do not compare: no pool of both.
        if selection == "score" or draw.random() < 0.5:
            hard[0] |= draw.choice([{"count": 2}, {"share": 0.2, "ranks": [2, 9]}])
        if draw.random() < 0.5:
            hard[1] |= draw.choice([{"band": [0.2, 0.8]}, {"scores": [0.0, 0.98]}])
        if draw.random() < 0.5:
            hard[1] |= draw.choice([{"absolute_margin": 0.02}, {"relative_margin": 0.05}])
    positives: dict[str, Any] = {
        "downsampling": {"rule": draw.choice(["none", "sqrt", "cap"]), "threshold_clicks": 2},
        "weights": {"buy": 3.0},
    }
    if draw.random() < 0.4:
        positives["labels"] = ["cart", "buy"]
    if draw.random() < 0.4:
        positives["per_user_cap"] = draw.randrange(1, 4)
    if draw.random() < 0.4:
        positives["upsampling"] = {"threshold_clicks": 4.0, "power": 0.5, "most": 3.0}
    popularity: dict[str, Any] = {"window_days": 2, "smoothing": draw.choice([0.5, 1.0, 20.0])}
    popularity["of"] = draw.choice(["clicks", "clicks", "impressions", "users", "actions"])
    if draw.random() < 0.3:
        popularity["half_life_days"] = 1.0
    made = config(
        base,
        logs=("impressions", "clicks", "ranking_log", "items", "users"),
        # A part of a list tells no rank: the log has scores only.
        funnel={"cut_known_by": "membership" if "ranks" in str(hard) else draw.choice(WAYS)},
        negatives={"hard": []},
        exclusion={
            "exposure_lookback_days": draw.randrange(3),
            "click_lookback_days": draw.randrange(3),
        },
        positives=positives,
        popularity=popularity,
        carry=["market"],
        seed=draw.randrange(1000),
        epoch=draw.randrange(3),
        # So few users and dates are odd in themselves.
        gates={name: {"fail": None} for name in ("top_user_share", "logged_request_share")},
    )
    tree = made.model_dump(mode="json", by_alias=True)
    if "ranks" not in str(hard) and draw.random() < 0.3:
        # As if half of the rows had been logged: a sample tells no places, and no cut by absence.
        tree["logs"]["ranking_log"]["log_sample_rate"] = 0.5
        tree["funnel"]["cut_known_by"] = "last_stage"
        for entry in easy:
            # Nothing is known of what was not logged.
            del entry["not_recalled"]
        for entry in hard[1:]:
            entry |= {} if "scores" in entry else {"band": [0.0, 1.0]}
    tree["logs"]["items"]["carry"] = ["city", "brand", "levels", "markets"]
    tree["logs"]["users"]["carry"] = ["country"]
    tree["tables"] = [*tree["tables"], "training_samples_pointwise", "request_samples"]
    # Of another draw, so that all else is drawn as before.
    length = Random(made.seed).choice([0, 1, 3, 100])
    reach = made.exclusion.click_lookback_days
    tree["requests"] = {"history_length": length, "history_days": made.epoch % (reach + 1)}
    tree["negatives"] = {
        "per_positive": draw.randrange(14, 20),
        "easy": easy,
        "hard": hard,
        "on_shortfall": draw.choice(["leave", {"fill": "popularity"}, {"fill": "uniform"}]),
        "max_rejections": draw.choice([0, 1, 16]),
    }
    return Config.model_validate_json(json.dumps(tree))


def with_alias_log(settings: Config, base: Path) -> Config:
    tree = settings.model_dump(mode="json", by_alias=True)
    tree["logs"]["item_aliases"] = {"path": str(base / "item_aliases")}
    return Config.model_validate_json(json.dumps(tree))


def with_rejections(draw: Random, settings: Config, base: Path) -> Config:
    tree = settings.model_dump(mode="json", by_alias=True)
    tree["logs"]["negative_feedback"] = {
        "path": str(base / "negative_feedback"),
        "partition": {"column": "date"},
    }
    asked = {
        "source": "negative_feedback",
        "count": draw.randrange(1, 4),
        "days": draw.choice([0, 1, 30]),
    }
    asked |= {"selection": draw.choice(["random", "recent"])}
    asked |= {"types": ["hide"]} if draw.random() < 0.3 else {}
    tree["negatives"]["hard"].insert(draw.randrange(len(tree["negatives"]["hard"]) + 1), asked)
    if draw.random() < 0.5:
        # In part of the recipes without any other hard ones.
        tree["negatives"]["hard"] = [asked]
    return Config.model_validate_json(json.dumps(tree))


def with_other_requests(draw: Random, settings: Config) -> Config:
    """Ask for what other requests gave, where stages give some and the log has every row."""
    tree = settings.model_dump(mode="json", by_alias=True)
    log, asked = settings.logs.ranking_log, settings.negatives
    if asked.n_of_stages == 0 or log is None or log.in_part or draw.random() < 0.3:
        return settings
    source = {"source": "other_requests", "count": draw.randrange(1, 4)}
    source |= {"hours": draw.choice([2, 24]), "side": draw.choice(["before", "either"])}
    source |= {"selection": draw.choice(["random", "nearest"])}
    tree["negatives"]["hard"].append(source)
    tree["negatives"]["per_positive"] += source["count"]
    return Config.model_validate_json(json.dumps(tree))


def with_other_positives(settings: Config) -> Config:
    tree = settings.model_dump(mode="json", by_alias=True)
    tree["positives"]["weak"] = {"share": 0.3, "weight": 0.2}
    tree["positives"]["organic"] = {"actions": ["favourite", "buy"]}
    # By the seed, so that all else is drawn as before.
    asked = Random(settings.seed)
    for strength in ("weak", "organic"):
        tree["positives"][strength]["thinned"] = asked.random() < 0.5
        tree["positives"][strength]["capped"] = asked.random() < 0.5
    if any(tree["positives"][strength]["capped"] for strength in ("weak", "organic")):
        tree["positives"]["per_user_cap"] = settings.positives.per_user_cap or 4
    tree["tables"].remove("training_samples_pointwise")
    return Config.model_validate_json(json.dumps(tree))


def with_in_batch(draw: Random, settings: Config) -> Config:
    tree = settings.model_dump(mode="json", by_alias=True)
    if draw.random() < 0.6:
        tree["in_batch"] = {"batch_size": draw.choice([2, 7, 64])}
    if draw.random() < 0.6:
        tree["exclude_item_ids"] = {"at_most": draw.choice([1, 5, 200])}
    return Config.model_validate_json(json.dumps(tree))


POOLS: tuple[dict[str, Any], ...] = (
    {"source": "uniform"},
    {"source": "popularity", "alpha": 0.5},
    {"source": "hot", "top": 0.3},
    {"source": "cold", "most_clicks": 1},
    {"source": "exposed", "days": 1},
)


def with_pool(draw: Random, settings: Config) -> Config:
    """Where there are batches, mostly with draws that they share."""
    tree = settings.model_dump(mode="json", by_alias=True)
    if tree["in_batch"] is not None and draw.random() < 0.8:
        sources = [{**draw.choice(POOLS), "count": draw.randrange(1, 9)} for _ in range(3)]
        tree["in_batch"]["pool"] = {"sources": sources, "batches": draw.choice([1, 2, 5])}
    return Config.model_validate_json(json.dumps(tree))


def with_running_estimate(draw: Random, settings: Config) -> Config:
    tree = settings.model_dump(mode="json", by_alias=True)
    asked = {"rate": draw.choice([0.01, 0.3]), "arrays": draw.randrange(1, 4), "start_gap": 4.0}
    streaming = {**asked, "buckets": draw.choice([7, 40, 5000])}
    # What another may have asked for of batches stays.
    batches = {"batch_size": draw.choice([3, 8, 500]), **(tree["in_batch"] or {})}
    tree["in_batch"] = {**batches, "streaming": streaming}
    return Config.model_validate_json(json.dumps(tree))


def of_window(logs: Logs, log: str, time: str, back: int) -> set[tuple[int, int]]:
    """User and item of what happened from so many dates before the date to its end."""

    def inside(when: datetime) -> bool:
        return -back <= (when.date() - DAY).days <= 0

    return {(r["user_id"], r["item_id"]) for r in logs.rows[log] if inside(r[time])}


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=[pytest.mark.proof] if n >= IN_EVERY_RUN else []) for n in range(10)],
)
class DescribeARandomRecipe:
    def it_keeps_the_truths(self, spark: SparkSession, tmp_path: Path, number: int) -> None:
        draw = Random(number)
        logs = random_logs(draw)
        settings = random_config(draw, tmp_path)
        if draw.random() < 0.4:
            search(draw, logs)
            settings = with_other_positives(settings)
        if number % 2:
            reject(draw, logs)
            settings = with_rejections(draw, settings, tmp_path)
        # Drawn apart, so that all else is drawn as before.
        settings = with_other_requests(Random(number + 1000), settings)
        settings = with_in_batch(Random(number), settings)
        if draw.random() < 0.3:
            under_aliases(draw, logs).write(tmp_path)
            settings = with_alias_log(settings, tmp_path)
        else:
            logs.write(tmp_path)
        if number % 3 == 0:
            # Of a draw of its own, so that all else is drawn as before.
            settings = with_running_estimate(Random(number), settings)
        settings = with_pool(Random(number + 2000), settings)
        built = build_day(settings, spark, immature=True)
        record = AuditRecord.model_validate_json(built.release.quality_json)
        assert [g.name for g in record.gates if g.status in ("fail", "error")] == []
        assert len(built.tables["training_samples"]) >= 5
        never_shown_or_clicked(logs, settings, built)
        never_recalled(logs, settings, built)
        was_rejected_before(logs, settings, built)
        was_ranked_by_another_request(logs, settings, built)
        adds_up(settings, built)
        says_how_likely_it_was(settings, built)
        shown_and_clicked(logs, settings, built)
        sold_in_the_market_of_the_request(logs, built)
        masks_what_is_forbidden(logs, settings, built)
        masks_what_is_forbidden_in_pools(logs, settings, built)
        is_loaded_whole(settings, built)
        tells_of_requests(logs, settings, built)
        if settings.in_batch is not None and settings.estimates_frequency:
            all_is_right(built, Book(settings.in_batch.frequency))
        if number % 5 == 0:
            is_the_same_as_a_variant(settings, built, spark)


def never_shown_or_clicked(logs: Logs, settings: Config, built: Built) -> None:
    reach = settings.exclusion
    clicked = of_window(logs, "clicks", "click_ts", reach.click_lookback_days)
    shown = of_window(logs, "impressions", "impression_ts", reach.exposure_lookback_days)
    for table in ("easy_negatives", "hard_negatives"):
        for row in built.tables[table]:
            item = (row["user_id"], row["neg_item_id"])
            assert item not in clicked
            assert item not in shown or row["source"] == "negative_feedback"
    for row in built.tables["training_samples"]:
        for item, source in zip(row["neg_item_ids"], row["neg_source"], strict=True):
            assert (row["user_id"], item) not in clicked
            assert (row["user_id"], item) not in shown or source == REJECTED


def masks_what_is_forbidden(logs: Logs, settings: Config, built: Built) -> None:
    reach = settings.exclusion
    forbidden = of_window(logs, "clicks", "click_ts", reach.click_lookback_days)
    forbidden |= of_window(logs, "impressions", "impression_ts", reach.exposure_lookback_days)
    rows = built.tables["training_samples"]
    if settings.exclude_item_ids is not None:
        for row in rows:
            items, listed = (
                {i for u, i in forbidden if u == row["user_id"]},
                row["exclude_item_ids"],
            )
            assert set(listed) <= items
            assert row["exclude_truncated"] is (len(items) > settings.exclude_item_ids.at_most)
            assert len(listed) == min(len(items), settings.exclude_item_ids.at_most)
    if settings.in_batch is None:
        return
    inside = [row for row in rows if row["batch_id"] is not None]
    assert {row["label_strength"] for row in inside} == {"strong"}
    inside.sort(key=lambda row: (row["batch_id"], row["slot"]))
    for _, of_batch in groupby(inside, key=lambda row: row["batch_id"]):
        batch = list(of_batch)
        mask = [[(r["user_id"], other["item_id"]) in forbidden for other in batch] for r in batch]
        assert conflict_mask(pa.Table.from_pylist(batch)).tolist() == mask


def masks_what_is_forbidden_in_pools(logs: Logs, settings: Config, built: Built) -> None:
    if settings.pool is None:
        return
    reach, items = settings.exclusion, dict[tuple[int, int], int]()
    forbidden = of_window(logs, "clicks", "click_ts", reach.click_lookback_days)
    forbidden |= of_window(logs, "impressions", "impression_ts", reach.exposure_lookback_days)
    for draw in built.tables["batch_draws"]:
        items[draw["pool_id"], draw["slot"]] = draw["item_id"]
        assert items[draw["pool_id"], draw["item_slot"]] == draw["item_id"]
    for row in built.tables["training_samples"]:
        assert (row["pool_id"] is None) == (row["batch_id"] is None)
        if row["pool_id"] is None:
            assert row["in_batch_mixture_log_q"] is None
            assert row["pool_conflict_item_slots"] is None
            continue
        own = {item for (pool, _), item in items.items() if pool == row["pool_id"]}
        masked = [items[row["pool_id"], slot] for slot in row["pool_conflict_item_slots"]]
        assert len(set(masked)) == len(masked)
        assert set(masked) == {item for item in own if (row["user_id"], item) in forbidden}


def is_loaded_whole(settings: Config, built: Built) -> None:
    """A trainer's batches, of all splits and of two ranks, have the rows of the table."""
    release, loaded = open_release(Path(settings.warehouse), ds=DAY), []
    for split, rank in product(("train", "valid", "test"), range(2)):
        columns = ["user_id", "request_id", "item_id", "neg_item_ids"]
        stream = stream_of(release, 3, rank=rank, world_size=2, columns=columns, split=split)
        for batch in stream.run():
            ids = zip(*(batch[name].tolist() for name in columns[:3]), strict=True)
            lists = zip(batch["neg_item_ids"], batch["mask"], strict=True)
            loaded += [
                (*of, there[mask].tolist()) for of, (there, mask) in zip(ids, lists, strict=True)
            ]
    rows = [
        (row["user_id"], row["request_id"], row["item_id"], row["neg_item_ids"])
        for row in built.tables["training_samples"]
    ]
    assert sorted(loaded) == sorted(rows)


def was_rejected_before(logs: Logs, settings: Config, built: Built) -> None:
    asked = settings.negatives.feedback
    rows = built.rows("hard_negatives", source="negative_feedback")
    if asked is None:
        assert rows == []
        return
    assert rows, "there must be some"
    for row in rows:
        assert row["neg_item_id"] != row["item_id"]
        times = [
            one["feedback_ts"]
            for one in logs.rows["negative_feedback"]
            if (one["user_id"], one["item_id"]) == (row["user_id"], row["neg_item_id"])
            and (asked.entry.types is None or one["feedback_type"] in asked.entry.types)
            and (DAY - one["feedback_ts"].date()).days <= asked.entry.days
        ]
        assert min(times) < row["impression_ts"]


def was_ranked_by_another_request(logs: Logs, settings: Config, built: Built) -> None:
    """What is of another request was ranked there, not by the own one, and went no further."""
    rows, others = (
        built.rows("hard_negatives", source="other_requests"),
        settings.negatives.other_requests,
    )
    if others is None:
        assert rows == []
        return
    shown: dict[tuple[int, int], datetime] = {}
    for one in logs.rows["impressions"]:
        key = one["user_id"], one["request_id"]
        shown[key] = min(one["impression_ts"], shown.get(key, one["impression_ts"]))
    ranked: dict[int, dict[int, set[str]]] = {}
    for one in logs.rows["ranking_log"]:
        of_request = ranked.setdefault(one["request_id"], {})
        of_request.setdefault(one["item_id"] % 100, set()).add(one["stage"])
    for row in rows:
        user, other = row["user_id"], row["from_request_id"]
        apart = (shown[user, other] - row["impression_ts"]).total_seconds() / 3600
        assert other != row["request_id"] and -others.entry.hours <= apart <= others.entry.hours
        assert apart < 0 or others.entry.side == "either"
        assert row["neg_item_id"] not in ranked.get(row["request_id"], {})
        stages = ranked[other][row["neg_item_id"]]
        assert row["stage"] in stages and (row["stage"] == "fine" or "fine" not in stages)


def never_recalled(logs: Logs, settings: Config, built: Built) -> None:
    """Where a source is asked for what was not recalled, it gives nothing that any stage had."""
    recalled: dict[int, set[int]] = {}
    for row in logs.rows["ranking_log"]:
        if row["stage_ts"].date() == DAY:
            # An alias of an item is its number and a multiple of 100.
            recalled.setdefault(row["request_id"], set()).add(row["item_id"] % 100)
    apart = {drawn.name for drawn in settings.negatives.drawn if drawn.not_recalled}
    for row in built.tables["easy_negatives"]:
        if row["source"] in apart:
            of_request = recalled.get(row["request_id"])
            assert of_request is not None or row["source"] == "easy_fill"
            assert row["neg_item_id"] not in (of_request or ())


def adds_up(settings: Config, built: Built) -> None:
    negatives = settings.negatives
    asked = {source.code: source.asked for source in negatives.drawn if source.asked}
    distinct = {source.code for source in negatives.drawn if source.distinct}
    for row in built.tables["training_samples"]:
        parts = [row[f"n_{kind}"] for kind in ("easy", "hard", "fill")]
        assert row["n_requested"] == negatives.per_positive == sum(parts) + row["shortfall"]
        assert len(row["neg_item_ids"]) == sum(parts)
        assert sum(row["shortfall_counts"]) == row["n_fill"] + row["shortfall"]
        drawn = Counter(row["neg_source"][: row["n_easy"]])
        assert all(drawn[code] in (0, n) for code, n in asked.items() if code not in distinct)
        assert all(drawn[code] <= n for code, n in asked.items())
        pairs = list(zip(row["neg_source"], row["neg_item_ids"], strict=True))
        of_distinct = [pair for pair in pairs if pair[0] in distinct]
        assert len(of_distinct) == len(set(of_distinct))
        assert set(drawn) <= set(asked)


def says_how_likely_it_was(settings: Config, built: Built) -> None:
    for row in built.tables["easy_negatives"]:
        assert 0 < row["q"] <= math.exp(row["log_q"]) * (1 + 1e-8) <= 1 + 1e-8
    ways = {(drawn.distribution, drawn.not_recalled) for drawn in settings.negatives.drawn}
    several = len(settings.negatives.distributions) > 1 or len(ways) > 1
    distinct = {drawn.code for drawn in settings.negatives.drawn if drawn.distinct}
    several &= not distinct
    log = settings.logs.ranking_log
    most = 1.0 if log is None else log.kept_share
    for row in built.tables["training_samples"]:
        n_easy, n_hard = row["n_easy"], row["n_hard"]
        chosen = range(n_easy, n_easy + n_hard)
        for place, log_q in enumerate(row["neg_log_q"]):
            assert (log_q is None) == (place in chosen)
        assert ("neg_mixture_log_q" in row) == several
        assert ("neg_log_q_conditional" in row) == bool(distinct)
        if distinct:
            told = [None if p in chosen else c in distinct for p, c in enumerate(row["neg_source"])]
            assert row["neg_log_q_conditional"] == told
        if several:
            told = [q is None for q in row["neg_mixture_log_q"]]
            assert told == [place in chosen for place in range(len(told))]
        for place, chance in enumerate(row["neg_incl_prob"]):
            assert place in chosen or chance is None
            assert chance is None or 0 < chance <= most
        weight = row["keep_prob"] * row.get("cap_prob", 1.0) * row.get("repeat_expect", 1.0)
        assert row["undo_weight"] == pytest.approx(1.0 / weight, rel=1e-9)


def shown_and_clicked(logs: Logs, settings: Config, built: Built) -> None:
    of_log = {
        log: {(r["user_id"], r["request_id"], r["item_id"]) for r in logs.rows[log]}
        for log in ("impressions", "clicks")
    }
    strengths = {
        (r["user_id"], r["request_id"], r["item_id"], r.get("repeat_idx", 0)): r["label_strength"]
        for r in built.tables["positives"]
    }
    assert len(strengths) == len(built.tables["positives"])
    searched = {
        (row["user_id"], row["item_id"])
        for row in logs.rows["clicks"]
        if row["request_id"] is None
        and row["click_ts"] >= at("00:00")
        and row["action_type"] in ("favourite", "buy")
    }
    organic = {(k[0], k[2]) for k, strength in strengths.items() if strength == "organic"}
    asked = settings.positives
    assert organic <= (searched if "organic" in asked.others else set())
    if "organic" in asked.others and "organic" not in (*asked.thinned, *asked.capped):
        assert organic == searched
    for key, strength in strengths.items():
        if strength == "organic":
            continue
        assert key[:3] in of_log["impressions"]
        assert (key[:3] in of_log["clicks"]) == (strength == "strong")


def sold_in_the_market_of_the_request(logs: Logs, built: Built) -> None:
    sold = {row["item_id"]: row["markets"] or [] for row in logs.rows["items"]}
    market = {row["request_id"]: row["market"] for row in logs.rows["impressions"]}
    for row in built.tables["easy_negatives"]:
        if row["source"].startswith("market"):
            assert market[row["request_id"]] in sold[row["neg_item_id"]]


def tells_of_requests(logs: Logs, settings: Config, built: Built) -> None:
    """Every request with a positive has a row, with what its user had done before, and its page."""
    samples: dict[tuple[int, int], list[Row]] = {}
    for row in built.tables["training_samples"]:
        samples.setdefault((row["user_id"], row["request_id"]), []).append(row)
    rows = built.tables["request_samples"]
    assert sorted((r["user_id"], r["request_id"]) for r in rows) == sorted(samples)
    days, length = settings.requests.history_days, settings.requests.history_length
    assert days is not None
    for row in rows:
        user, of_row = row["user_id"], samples[row["user_id"], row["request_id"]]
        shown = [
            one
            for one in logs.rows["impressions"]
            if (one["user_id"], one["request_id"]) == (user, row["request_id"])
            and one["impression_ts"].date() == DAY
        ]
        first = min(one["impression_ts"] for one in shown or of_row)
        assert row["request_ts"] == first
        before = {
            (one["click_ts"], one["item_id"] % 100, ACTIONS.index(one["action_type"]))
            for one in logs.rows["clicks"]
            if one["user_id"] == user
            and one["click_ts"] < first
            and (DAY - one["click_ts"].date()).days <= days
        }
        kept = sorted(before)[-length:] if length else []
        assert row["hist_item_ids"] == [item for _, item, _ in kept]
        assert row["hist_actions"] == [ACTIONS[code] for *_, code in kept]
        assert row["hist_us"] == [int(when.timestamp()) * 1_000_000 for when, *_ in kept]
        assert row["hist_left_out"] == len(before) - len(kept)
        page = sorted((one["position"], one["item_id"] % 100) for one in shown)
        assert list(zip(row["page_positions"], row["page_item_ids"], strict=True)) == page
        ordered = sorted(of_row, key=lambda one: (one["item_id"], one.get("repeat_idx", 0)))
        assert row["pos_item_ids"] == [one["item_id"] for one in ordered]
        assert row["pos_undo_weight"] == [one["undo_weight"] for one in ordered]
        assert row["neg_item_ids"] == [item for one in ordered for item in one["neg_item_ids"]]
        assert row["neg_log_q"] == [value for one in ordered for value in one["neg_log_q"]]


def is_the_same_as_a_variant(settings: Config, built: Built, spark: SparkSession) -> None:
    """Of two recipes that read the logs together, this one makes what it made alone."""
    other = {"seed": settings.seed + 1, "negatives": {"easy": [{"source": "uniform"}]}}
    tree = settings.model_dump(mode="json", by_alias=True) | {"variants": {"b": other, "a": {}}}
    request = BuildRequest(
        Config.model_validate_json(json.dumps(tree)),
        DAY,
        engine_of(spark),
        progress=Progress(quiet=True),
        immature=True,
    )
    made = build_variants(request)
    assert made.failed.keys() <= {"b"}, "a gate may find other draws of few users odd"
    found = open_release(Path(settings.warehouse, "a"), ds=DAY).releases[0]
    pins = [(pin.table, pin.content) for pin in found.tables]
    assert pins == [(pin.table, pin.content) for pin in built.release.tables]

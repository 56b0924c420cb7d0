"""Sample groups as dicts, and what the tables must say of them: slow and obvious."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

Row = dict[str, Any]

REASONS = (
    "request_not_logged",
    "pool_too_small",
    "all_forbidden",
    "catalogue_exhausted",
    "group_unknown",
    "group_exhausted",
    "positive_not_scored",
    "recall_unknown",
    "nothing_rejected",
    "no_other_request",
)
STAGES: Sequence[tuple[str | None, str | None, int | None]] = (
    ("coarse", "cut", 1),
    ("middle", None, None),
    ("fine", "low", 2),
    (None, "negative_feedback", 3),
)
"""Name, source and hardness of each stage; the one in the middle gives no negatives, and behind
the last one stands what users rejected, which no stage gave."""

CODES = {"popularity": 0, "easy_fill": 1, "cut": 2, "low": 3, "uniform": 4, "negative_feedback": 10}
NAMES = {code: name for name, code in CODES.items()}


def random_groups(n: int, seed: int, make_id: Any = int) -> list[Row]:
    """Groups with lists of any length, none among them, in no order."""
    order = random.Random(seed)
    groups = []
    for number in range(n):
        n_easy, n_fill, n_hard = (order.choice([0, 0, 1, 3]) for _ in range(3))
        wanted_hard = n_hard + order.choice([0, n_fill])
        drawn, chosen = n_easy + n_fill, n_hard
        size = [order.choice([1, 2, 7]) for _ in range(chosen)]
        stages = [order.choice([0, 2, 3]) for _ in range(chosen)]
        n_pool = n_hard + order.randrange(1, 4)
        groups.append(
            {
                "ds": date(2026, 1, 2),
                "sample_id": number,
                "user_id": make_id(order.randrange(5)),
                "request_id": f"r{number}",
                "item_id": make_id(order.randrange(9)),
                "scene": order.choice(["home", None]),
                "shuffle_key": order.randrange(-(2**63), 2**63),
                "keep_prob": order.random(),
                "n_easy": n_easy,
                "n_fill": n_fill,
                "n_hard": n_hard,
                "shortfall": order.choice([0, 2]) + wanted_hard - n_hard,
                **{f"missing_{reason}": order.choice([0, 0, 1, 3]) for reason in REASONS},
                "easy_item_ids": [make_id(order.randrange(9)) for _ in range(drawn)],
                "easy_source": [order.choice([0, 4]) for _ in range(n_easy)] + [1] * n_fill,
                "easy_q": [order.random() for _ in range(drawn)],
                "easy_log_q": [-order.random() for _ in range(drawn)],
                "easy_attempts": [order.randrange(1, 9) for _ in range(drawn)],
                "hard_item_ids": [make_id(order.randrange(9)) for _ in range(chosen)],
                "hard_source": [{0: 2, 2: 3, 3: 10}[stage] for stage in stages],
                "hard_stage": stages,
                "hard_incl_prob": [order.choice([None, n_hard / n_pool])] * chosen,
                "hard_rank": [order.choice([None, order.randint(1, most)]) for most in size],
                "hard_size": [order.choice([None, most, most]) for most in size],
                "hard_score": [order.choice([None, order.random()]) for _ in range(chosen)],
            }
        )
    return groups


def arrow_of(groups: Sequence[Row], item: pa.DataType) -> pa.Table:
    """The groups with the types that the sampler gives them, in several chunks."""
    missing = [f"missing_{reason}" for reason in REASONS]
    counts = ("n_easy", "n_fill", "n_hard", "shortfall", *missing)
    types = {
        "ds": pa.date32(),
        "sample_id": pa.int64(),
        "user_id": item,
        "request_id": pa.string(),
        "item_id": item,
        "scene": pa.string(),
        "shuffle_key": pa.int64(),
        "keep_prob": pa.float64(),
        **dict.fromkeys(counts, pa.int32()),
        **dict.fromkeys(("easy_item_ids", "hard_item_ids"), pa.list_(item)),
        **dict.fromkeys(
            ("easy_q", "easy_log_q", "hard_score", "hard_incl_prob"), pa.list_(pa.float64())
        ),
        **dict.fromkeys(("easy_attempts", "hard_rank", "hard_size"), pa.list_(pa.int32())),
        **dict.fromkeys(("hard_stage", "hard_source", "easy_source"), pa.list_(pa.int8())),
    }
    half = len(groups) // 2
    parts = [groups[:half], groups[half:]]
    return pa.concat_tables([pa.Table.from_pylist(list(p), pa.schema(types)) for p in parts])


def shared(group: Row, names: Sequence[str]) -> Row:
    return {name: group[name] for name in names}


def draws(group: Row) -> Iterator[Row]:
    """What each draw from the catalogue adds to its positive."""
    for place, item in enumerate(group["easy_item_ids"]):
        yield {
            "neg_item_id": item,
            "source": NAMES[group["easy_source"][place]],
            "draw_no": place,
            "q": group["easy_q"][place],
            "log_q": group["easy_log_q"][place],
            "attempts": group["easy_attempts"][place],
        }


def percentile(rank: int | None, size: int | None) -> float | None:
    if rank is None or size is None:
        return None
    return (rank - 1) / (size - 1) if size > 1 else 0.0


def chosen(group: Row) -> Iterator[Row]:
    """What each hard negative adds to its positive."""
    for place, item in enumerate(group["hard_item_ids"]):
        stage, source, hardness = STAGES[group["hard_stage"][place]]
        rank, size = group["hard_rank"][place], group["hard_size"][place]
        yield {
            "neg_item_id": item,
            "source": source,
            "stage": stage,
            "stage_rank": rank,
            "stage_size": size,
            "stage_score": group["hard_score"][place],
            "rank_pct": percentile(rank, size),
            "hardness": hardness,
            "incl_prob": group["hard_incl_prob"][place],
        }


def listwise(group: Row, n_requested: int) -> Row:
    """What training_samples adds to a positive."""
    easy = [{**d, "hardness": 0, "incl_prob": None} for d in draws(group)]
    hard = [{**c, "log_q": None} for c in chosen(group)]
    mixed = [*easy[: group["n_easy"]], *hard, *easy[group["n_easy"] :]]
    why: Mapping[str, int] = {reason: group[f"missing_{reason}"] for reason in REASONS}
    return {
        "neg_item_ids": [row["neg_item_id"] for row in mixed],
        "neg_source": [CODES[row["source"]] for row in mixed],
        "neg_hardness": [row["hardness"] for row in mixed],
        "neg_log_q": [row["log_q"] for row in mixed],
        "neg_incl_prob": [row["incl_prob"] for row in mixed],
        "n_requested": n_requested,
        "shortfall_reasons": [reason for reason, n in why.items() if n],
        "shortfall_counts": [n for n in why.values() if n],
    }


def long_rows(group: Row) -> Iterator[Row]:
    """The rows of training_samples_pointwise: the positive, then easy, hard, fill."""
    yield {
        "pos_item_id": group["item_id"],
        "item_id": group["item_id"],
        "label": 1,
        "source": "positive",
        "draw_no": 0,
        **dict.fromkeys(("hardness", "log_q", "incl_prob")),
    }
    easy = [{**d, "hardness": 0, "incl_prob": None} for d in draws(group)]
    picked = chosen(group)
    hard = [{**c, "log_q": None, "draw_no": place} for place, c in enumerate(picked)]
    for row in (*easy[: group["n_easy"]], *hard, *easy[group["n_easy"] :]):
        names = ("source", "draw_no", "hardness", "log_q", "incl_prob")
        yield {
            "pos_item_id": group["item_id"],
            "item_id": row["neg_item_id"],
            "label": 0,
            **{name: row[name] for name in names},
        }

"""A test of your own config, for pytest: whom does it make a positive, what a negative?"""

from datetime import UTC, datetime

import pyarrow as pa
import winnow

TEN = datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_what_a_user_was_shown_is_no_negative() -> None:
    seen = [("a", 7, 7), ("a", 7, 17), ("b", 8, 8), ("b", 8, 18)]
    shown = [
        {"request": request, "uid": user, "sku": item, "slot": 1, "shown_at": TEN}
        for request, user, item in seen
    ]
    click = {"request": "a", "uid": 7, "sku": 7, "what": "buy", "at": TEN}
    tables = winnow.sample(
        pa.Table.from_pylist(shown), pa.Table.from_pylist([click]),
        config="examples/own_logs/winnow.yaml", ds="2026-01-01",
    )  # fmt: skip
    (row,) = tables["training_samples"].to_pylist()
    assert (row["user_id"], row["item_id"], row["sample_weight"]) == (7, 7, 3.0)
    assert set(row["neg_item_ids"]) == {8, 18}

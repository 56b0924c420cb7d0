"""Samples of two small frames, in a notebook: no files, no warehouse."""

from datetime import UTC, datetime

import polars as pl
import winnow

ten = datetime(2026, 1, 1, 10, tzinfo=UTC)
seen = {"request": ["q1", "q1", "q2"], "uid": [7, 7, 8], "sku": [1, 2, 3], "slot": [1, 2, 1]}
shown = pl.DataFrame({**seen, "shown_at": ten})
clicks = pl.DataFrame({"request": ["q1"], "uid": [7], "sku": [2], "what": "click", "at": ten})
config = "examples/own_logs/winnow.yaml"
tables = winnow.sample(shown, clicks, config=config, ds="2026-01-01")
print(tables["training_samples"].select("user_id", "item_id", "neg_item_ids"))

"""Read a release in Polars: pip install 'winnow[polars]', no engine."""

import polars as pl
import winnow

release = winnow.open_release("examples/own_logs/warehouse")
samples = release.polars("training_samples")
hard = pl.col("neg_hardness").list.eval(pl.element() > 0).list.sum()
print(samples.select("user_id", "item_id", hard.alias("hard")).sort("user_id", "item_id").collect())

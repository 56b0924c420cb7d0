"""The pools of batches, in words."""

from collections.abc import Iterator

from winnow.config.tree import Config


def words_of_pools(config: Config) -> Iterator[str]:
    """Give what is drawn, for whom, and how it is corrected; nothing where no pool is asked for."""
    asked = config.in_batch
    if asked is None or asked.pool is None:
        return
    sources = config.pool_sources
    drawn = ", ".join(f"{one.asked:,} of {one.name}" for one in sources)
    size, n = sum(one.asked for one in sources), asked.pool.batches
    shared = "Every batch has a pool" if n == 1 else f"Every {n:,} batches of a split share a pool"
    yield (
        f"{shared} of {size:,} draws from the catalogue, with replacement: {drawn}. The last batch "
        "of a split, where it has fewer rows, has one of its own."
    )
    yield (
        f"Of {asked.batch_size:,} rows and {size:,} draws an item has in the mean "
        f"{asked.batch_size:,} q + sum of n p: in_batch_mixture_log_q and mixture_log_q of "
        "batch_draws are ln of that, divided by the number of both."
    )
    yield (
        "pool_conflict_item_slots names what of the pool the user was shown or clicked; the draws "
        "are the table batch_draws."
    )

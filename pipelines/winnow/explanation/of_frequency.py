"""The running estimate of how likely items are in batches, in words."""

from collections.abc import Iterator

from winnow.config.tree import Config


def words_of_frequency(config: Config) -> Iterator[str]:
    """Give what is estimated, and what it goes on from; nothing where it is not asked for."""
    asked = config.in_batch
    if asked is None or asked.streaming is None:
        return
    one = asked.streaming
    yield (
        "How likely items are in batches is estimated from the steps between batches of train that "
        f"have them, in {one.arrays} x {one.buckets:,} buckets: B becomes (1 - {one.rate:g}) B + "
        f"{one.rate:g} times the gap, from {one.start_gap:g} on; p = 1 / the largest B of the item."
    )
    yield "streaming_log_q = ln(1 - (1 - p)^(1 / batch_size)), after the row's own batch."
    if one.stale:
        yield "Steps since an item was last seen count as its gap where they are more (stale)."
    missing = (
        "the build fails"
        if one.on_missing_state == "fail"
        else "the estimate begins anew, and says so"
    )
    yield (
        "frequency_state keeps it after the date; the build of D goes on from the release of D-1, "
        f"and where that has none although earlier dates are released, {missing}."
    )

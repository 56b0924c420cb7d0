"""How much is held in memory, copied to every task, or written to a file at a time.

No row of a release depends on any of it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShuffleLimit:
    """How many rows of one kind are brought together at a time.

    Attributes:
        rows_per_partition: What one task takes.
        rows_per_gib: What an engine that holds its shuffles in memory takes in one pass, for each
            GiB that there is.
    """

    rows_per_partition: int
    rows_per_gib: int


@dataclass(frozen=True)
class Limits:
    """How much of what is computed at a time; small enough to travel with a task.

    Attributes:
        broadcast_rows: A side of a join with more rows is not copied to every task: it would fill
            the memory of every executor.
        sampled: Rows of the logs that carry events. A worker then stays below 1 GB; of more and
            smaller partitions each engine gets less done. Measured per GiB: they need 5.0 of 24
            GiB; when events were wider 7.2, and 3.7 of 8.
        compared_keys: Rows whose keys are compared, eight bytes each.
        audited: Rows of a log, positives with their lists, or hard negatives: a task needs about
            0.5 GB where a positive has 20 negatives.
        compared_positives: Rows of at most so many positives are compared one by one, of more those
            of some requests: a mistake in one request of a thousand is found some twenty-five times
            or more.
        audited_items: Items of a catalogue that the audit looks at one by one. Of a larger one
            those that no log of the date and no table tells of are counted by what they weigh, and
            item_stats is written in the order of the catalogue. Nor does the driver take more of
            these items than their ids, where ids are numbers and sources ask for popularity alone.
        forbidden_pairs: Users of batches with items of batches that are forbidden to them, where
            batches are to be free of conflicts: the driver holds some 50 bytes for each.
        evaluated_items: Items of a catalogue that evaluation_samples draws from: the driver needs
            some 60 bytes for each while it writes them for tasks, a task 36.
        audited_draws: Draws of pools that the audit looks at at a time.
        hashed_keys: Of more keys the hashes are sorted in place of counting different ones: Sail,
            merging sets of ten million, takes one second or, with the same rows, nine.
        rows_per_file, bytes_per_file: What a task holds of a table, or of the pairs, in Arrow
            memory before it sorts and writes it.
        bytes_at_a_time: Of how many bytes of sample groups, in Arrow memory, a task makes the rows
            of the tables at a time. Those of one table, twice as many bytes, may be there beside
            what waits to be written.
        segment_weights: Weights of items within segments of users: each needs 8 bytes in the file
            of the catalogue, and three times as many while it is built.
        market_weights: Weights of items in the markets that they are sold in: as those of segments,
            and four bytes more.
        memory_gib: What an engine may fill with its shuffles. None is as the engine needs it: no
            limit where it spills, else what the machine has, or the container.
    """

    broadcast_rows: int = 4_000_000
    sampled: ShuffleLimit = ShuffleLimit(1_000_000, 8_000_000)
    compared_keys: ShuffleLimit = ShuffleLimit(2_000_000, 4_300_000)
    audited: ShuffleLimit = ShuffleLimit(2_000_000, 1_750_000)
    compared_positives: int = 50_000
    audited_items: int = 4_000_000
    forbidden_pairs: int = 50_000_000
    evaluated_items: int = 20_000_000
    audited_draws: int = 2_000_000
    hashed_keys: int = 1_000_000
    rows_per_file: int = 1_000_000
    bytes_per_file: int = 128 * 2**20
    bytes_at_a_time: int = 64 * 2**20
    segment_weights: int = 20_000_000
    market_weights: int = 20_000_000
    memory_gib: float | None = None


DEFAULT_LIMITS = Limits()
"""What fits a machine or an executor with 2 GB for each core."""

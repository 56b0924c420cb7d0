"""Which columns of a table its keyed hashes are made of, and how many rows may share one."""

from dataclasses import dataclass

from winnow.config.tree import Config

_LONGEST_LIST = 10_000
"""A request hardly has more rows in cascade_samples."""

_REQUEST = ("user_id", "request_id")


@dataclass(frozen=True)
class HashedKey:
    """What the rows of a table are hashed by.

    Attributes:
        columns: The columns, in the order in which they are hashed.
        in_engine: Whether ``shuffle_key`` is the engine's keyed hash of them; otherwise kernels
            make it, of the positive.
        is_unique: Whether no two rows share a hash; otherwise those of a positive do.
    """

    columns: tuple[str, ...] = (*_REQUEST, "item_id")
    in_engine: bool = False
    is_unique: bool = False


_OF_A_POSITIVE = HashedKey()

_OF_TABLES = {
    "positives": HashedKey(is_unique=True),
    "training_samples": HashedKey(is_unique=True),
    "training_samples_pointwise": HashedKey((*_REQUEST, "pos_item_id")),
    "ranking_samples": HashedKey(
        ("impression_id", *_REQUEST, "item_id"), in_engine=True, is_unique=True
    ),
    "cascade_samples": HashedKey(_REQUEST, in_engine=True),
    "request_samples": HashedKey(_REQUEST, in_engine=True, is_unique=True),
    "user_sequences": HashedKey(("user_id",), in_engine=True, is_unique=True),
    "history_state": HashedKey(("user_id",), in_engine=True, is_unique=True),
    "evaluation_samples": HashedKey(_REQUEST, in_engine=True, is_unique=True),
}


def hashed_key(table: str) -> HashedKey:
    """Return what the rows of a table are hashed by: of any other table, the positive's key."""
    return _OF_TABLES.get(table, _OF_A_POSITIVE)


def rows_per_hash(table: str, config: Config) -> int:
    """Return how many rows of a table may share a ``shuffle_key``, at most."""
    if table == "cascade_samples":
        return _LONGEST_LIST
    return 1 if hashed_key(table).is_unique else 1 + config.negatives.per_positive

"""What a release says of the running estimate, told from its rows by the loop of the paper."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.events.handmade import Built, Row
from tests.frequency.by_the_book import Book


def train_batches(built: Built) -> Iterator[list[Row]]:
    rows = [r for r in built.rows("training_samples", split="train") if r["batch_id"] is not None]
    for number in range(max((row["batch_id"] for row in rows), default=-1) + 1):
        yield [row for row in rows if row["batch_id"] == number]


def log_q(book: Book, item: int) -> Any:
    presence = book.presence(item)
    if presence is None:
        return None
    absence = 1 - min(presence, 1 - book.settings.rate)
    return pytest.approx(math.log(1 - absence ** (1 / book.settings.batch_size)), abs=1e-8)


def all_is_right(built: Built, book: Book) -> None:
    """Have the book go on over a date, and look at every row of it."""
    for batch in train_batches(built):
        book.update(row["item_id"] for row in batch)
        for row in batch:
            assert row["streaming_log_q"] == log_q(book, row["item_id"])
    for split in ("valid", "test"):
        for row in built.rows("training_samples", split=split):
            if row["batch_id"] is not None:
                assert row["streaming_log_q"] == log_q(book, row["item_id"])
    found = {(r["array_no"], r["bucket"]): r for r in built.tables["frequency_state"]}
    assert {place: (row["last_step"], row["gap"]) for place, row in found.items()} == {
        place: (book.a[place], book.b[place]) for place in book.a
    }
    assert {row["steps"] for row in found.values()} == ({book.t} if found else set())
    assert {row["ds"] for row in found.values()} <= {built.release.ds}

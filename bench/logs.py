"""Made-up logs of any size, the same ones each time, in Parquet.

Size 1 is one million requests of one date: 10 M impressions, 0.8 M clicks and 25 M ranking rows of
200,000 users over 200,000 items, popular ones and rare ones; 0.8 M clicks of the date before, in
which popularity is counted; and the list of items. Whole sizes above 1 add users and requests over
the same items. A size below 1 has less of everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.work import DAY, dates_back

Ints = NDArray[np.int64]

REQUESTS, USERS, ITEMS = 1_000_000, 200_000, 200_000
SHOWN, RANKED = 10, 25
CLICKED, CUT_BY_COARSE = 0.08, 0.6
ITEM_SKEW, USER_SKEW = 0.9, 0.5
FIRST_ITEM = 1_000_000
HEAVY_USER_SHARE, HOT_ITEM_SHARE = 0.05, 0.5


@dataclass(frozen=True)
class Shape:
    """What logs to make.

    Attributes:
        size: 1 is the size that all figures are told of; 0.01 is a hundredth of it.
        skew: One user has 5 % of all requests, and half of all requests show one item.
        lookback: Dates before the date that have impressions too.
        items: How many items there are, whatever the size; None is as many as the size has.
    """

    size: float = 1.0
    skew: bool = False
    lookback: int = 0
    items: int | None = None

    def __post_init__(self) -> None:
        """Refuse a size above 1 that is not whole."""
        if self.size <= 0 or (self.size > 1 and self.size != int(self.size)):
            raise ValueError(f"size must be below 1 or a whole number, found {self.size}")

    @property
    def name(self) -> str:
        """A name for the folder of these logs."""
        skew, back = "-skew" if self.skew else "", f"-back{self.lookback}" if self.lookback else ""
        items = "" if self.items is None else f"-items{self.items}"
        return f"size{self.size:g}{skew}{back}{items}"

    @property
    def n_items(self) -> int:
        """How many items there are."""
        return self.part(ITEMS) if self.items is None else self.items

    @property
    def chunks(self) -> int:
        """In how many parts the logs are made; one is in memory at a time."""
        return max(1, int(self.size))

    def part(self, of: int) -> int:
        """Return how many there are in a chunk, of so many at size 1."""
        return max(100, round(of * min(self.size, 1.0)))


class Chunk:
    """The requests of one chunk on one date, and everything that happened in them."""

    def __init__(self, shape: Shape, number: int, back: int) -> None:
        """Draw the requests.

        Args:
            shape: What to make.
            number: The chunk.
            back: How many dates before the date this one is.
        """
        self.shape, self._rng = shape, np.random.default_rng([number, back])
        self._items = shape.n_items
        # Which items are popular is the same for all chunks and dates.
        self._item_of_rank = np.random.default_rng(0).permutation(self._items)
        n, users = shape.part(REQUESTS), shape.part(USERS)
        self.users = self._zipf(n, users, USER_SKEW) + number * users + 1
        if shape.skew:
            self.users[self._rng.random(n) < HEAVY_USER_SHARE] = shape.chunks * users + 1
        self.requests = np.arange(n, dtype=np.int64) + (back * shape.chunks + number) * n
        midnight = datetime.combine(DAY, datetime.min.time(), UTC).timestamp()
        self.seconds = int(midnight) - 86_400 * back + self._rng.integers(0, 86_400, n)

    def _zipf(self, n: int, many: int, exponent: float) -> Ints:
        upper = np.cumsum(1.0 / np.arange(1, many + 1) ** exponent)
        drawn: Ints = np.searchsorted(upper, self._rng.random(n) * upper[-1])
        return np.minimum(drawn, many - 1)

    def _draw_items(self, n: int) -> Ints:
        return self._item_of_rank[self._zipf(n, self._items, ITEM_SKEW)] + FIRST_ITEM

    def _requests(self, rows_each: int) -> dict[str, Ints]:
        return {
            "request_id": np.repeat(self.requests, rows_each),
            "user_id": np.repeat(self.users, rows_each),
        }

    def impressions(self) -> pa.Table:
        """Return what was shown: 10 items per request."""
        n = len(self.requests)
        items = self._draw_items(n * SHOWN).reshape(n, SHOWN)
        if self.shape.skew:
            items[self._rng.random(n) < HOT_ITEM_SHARE, 0] = FIRST_ITEM
        rest = {
            "item_id": items.ravel(),
            "ts": np.repeat(self.seconds, SHOWN),
            "position": np.tile(np.arange(SHOWN, dtype=np.int32), n),
        }
        return pa.table(self._requests(SHOWN) | rest)

    def clicks(self, impressions: pa.Table) -> pa.Table:
        """Return clicks on 8 % of the impressions."""
        hit = pa.array(self._rng.random(impressions.num_rows) < CLICKED)
        return impressions.select(["request_id", "user_id", "item_id", "ts"]).filter(hit)

    def ranking_log(self) -> pa.Table:
        """Return the candidates: 25 per request, most of them cut by coarse ranking."""
        n = len(self.requests) * RANKED
        coarse = self._rng.random(n) < CUT_BY_COARSE
        rest = {
            "item_id": self._draw_items(n),
            "stage": np.where(coarse, "coarse", "fine"),
            "score": self._rng.random(n).astype(np.float32),
            "rank": np.tile(np.arange(RANKED, dtype=np.int32), len(self.requests)),
        }
        return pa.table(self._requests(RANKED) | rest)

    def clicks_before(self) -> pa.Table:
        """Return as many clicks as the chunk has, of the date before and without impressions."""
        n = round(len(self.requests) * SHOWN * CLICKED)
        columns = {
            "request_id": -1 - np.arange(n, dtype=np.int64) - self.requests[0] * SHOWN,
            "user_id": self._rng.choice(self.users, n),
            "item_id": self._draw_items(n),
            "ts": int(self.seconds.min()) // 86_400 * 86_400 - self._rng.integers(1, 86_401, n),
        }
        return pa.table(columns)


def make_logs(folder: Path, shape: Shape) -> Iterator[tuple[str, int]]:
    """Write the logs as ``NAME/date=YYYY-MM-DD/part-NNN.parquet``; give each file's name and rows.

    What is there already from a run that ended is kept.
    """
    done = folder / "complete"
    if done.exists():
        return
    days = dates_back(max(1, shape.lookback))
    for number in range(shape.chunks):
        chunk = Chunk(shape, number, 0)
        shown = chunk.impressions()
        tables = {
            f"impressions/date={days[0]}": shown,
            f"clicks/date={days[0]}": chunk.clicks(shown),
            f"clicks/date={days[1]}": chunk.clicks_before(),
            f"ranking_log/date={days[0]}": chunk.ranking_log(),
        }
        for back in range(1, shape.lookback + 1):
            tables[f"impressions/date={days[back]}"] = Chunk(shape, number, back).impressions()
        for name, table in tables.items():
            yield _write(table, folder / name / f"part-{number:03d}.parquet")
    items = np.arange(shape.n_items, dtype=np.int64) + FIRST_ITEM
    yield _write(pa.table({"item_id": items}), folder / "items" / "part-000.parquet")
    done.touch()


def _write(table: pa.Table, path: Path) -> tuple[str, int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=1_000_000)
    return f"{path.parent.parent.name}/{path.parent.name}/{path.name}", table.num_rows


def rows_of(folder: Path, day: date = DAY) -> dict[str, int]:
    """Return the rows of the date per log, from the files' footers."""
    return {
        name: sum(
            pq.read_metadata(file).num_rows
            for file in (folder / name / f"date={day}").glob("*.parquet")
        )
        for name in ("impressions", "clicks", "ranking_log")
    }

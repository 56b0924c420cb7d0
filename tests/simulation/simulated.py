"""Reads what a simulation wrote; small settings for all tests."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from winnow.simulation import Simulation, SimulationSummary, simulate

FIRST_DAY = date(2026, 1, 1)
SECOND_DAY = date(2026, 1, 2)
THIRD_DAY = date(2026, 1, 3)
LOGS = ("impressions", "clicks", "ranking_log")


@dataclass(frozen=True)
class Simulated:
    """One finished simulation; a log is read without its partition column."""

    simulation: Simulation
    summary: SimulationSummary
    progress: tuple[str, ...]

    def log(self, name: str, day: date | None = None) -> pa.Table:
        pattern = "*" if day is None else f"date={day}"
        files = sorted((self.simulation.out / "logs" / name).glob(f"{pattern}/*.parquet"))
        return pa.concat_tables(pq.ParquetFile(file).read() for file in files)

    def whole(self, folder: str) -> pa.Table:
        return pq.read_table(self.simulation.out / folder)

    def stage(self, name: str) -> pa.Table:
        rows = self.log("ranking_log")
        return rows.filter(pc.equal(rows["stage"], name))

    def relevance(self, rows: pa.Table) -> NDArray[np.float64]:
        users = self.whole("truth/users.parquet")["vector"].combine_chunks()
        items = self.whole("truth/items.parquet")["vector"].combine_chunks()
        size = self.simulation.vector_size
        of_user = users.values.to_numpy().reshape(-1, size)[rows["user_id"].to_numpy() - 1]
        of_item = items.values.to_numpy().reshape(-1, size)[rows["item_id"].to_numpy() - 1]
        products: NDArray[np.float64] = np.einsum("nd,nd->n", of_user, of_item)
        return products


def run(out: Path, **settings: object) -> Simulated:
    """Simulate a small recommender; without dirt, unless the settings say otherwise."""
    small: dict[str, object] = {
        "out": out,
        "first_day": FIRST_DAY,
        "days": 1,
        "history_days": 0,
        "users": 300,
        "items": 600,
        "requests_per_day": 500,
        "recall_size": 80,
        "coarse_size": 40,
        "fine_size": 20,
        "exposed_size": 10,
        "dirty_share": 0.0,
    }
    simulation = Simulation.model_validate(small | settings)
    lines: list[str] = []
    summary = simulate(simulation, progress=lines.append)
    return Simulated(simulation, summary, tuple(lines))


def pairs(rows: pa.Table, *columns: str) -> set[tuple[object, ...]]:
    """Return the distinct values of some columns."""
    return set(zip(*(rows[name].to_pylist() for name in columns), strict=True))


def microseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return times as microseconds since 1970."""
    times: NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return times

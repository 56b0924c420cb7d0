"""A table of some releases as a data set of MLflow: its digest is the content hash."""

import json
from functools import cached_property
from typing import Any

import pyarrow as pa

from winnow.extras import extras_named
from winnow.mlflow.release_source import ReleaseSource
from winnow.release.reader import ReleaseReader

with extras_named():
    from mlflow.data.dataset import Dataset
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

_TYPES = (
    (pa.types.is_boolean, DataType.boolean),
    (pa.types.is_int64, DataType.long),
    (pa.types.is_integer, DataType.integer),
    (pa.types.is_float32, DataType.float),
    (pa.types.is_floating, DataType.double),
    (pa.types.is_temporal, DataType.datetime),
    (pa.types.is_string, DataType.string),
)
"""Of what Arrow has the first that fits; whole numbers of fewer bits are integers."""


class ReleaseDataset(Dataset):  # type: ignore[misc]
    """What a run was trained on.

        with mlflow.start_run():
            mlflow.log_input(ReleaseDataset(release), context="training")

    The digest is the sum of the hashes of all rows, as ``releases`` has it of each date: other rows
    have another one, wherever they lie, and the same rows, built anew, the same.
    """

    def __init__(
        self, release: ReleaseReader, table: str = "training_samples", name: str | None = None
    ) -> None:
        """Describe a table; no row is read.

        Args:
            release: What ``open_release`` or ``open_dates`` returned.
            table: The table. name: How MLflow shows it; by default the table's name.

        Raises:
            ReleaseError: A date has no such table, or has expired.
        """
        self.release, self.table = release, table
        super().__init__(ReleaseSource.of(release, table), name or table)

    def _compute_digest(self) -> str:
        return str(sum(int(pin.content.total) for _, pin in self.release.pins(self.table)))

    @cached_property
    def schema(self) -> Schema:
        """The columns: those that may be NULL are not required."""
        fields = self.release.arrow(self.table).schema
        return Schema([ColSpec(_type(f.type), f.name, not f.nullable) for f in fields])

    @property
    def profile(self) -> dict[str, Any]:
        """How many rows there are, in all and of each date."""
        rows = {one.ds.isoformat(): pin.content.rows for one, pin in self.release.pins(self.table)}
        return {"num_rows": sum(rows.values()), "rows_by_date": rows}

    def to_dict(self) -> dict[str, str]:
        """Return what MLflow keeps: name, digest, source, schema and profile, as texts."""
        schema = json.dumps({"mlflow_colspec": self.schema.to_dict()})
        return {**super().to_dict(), "schema": schema, "profile": json.dumps(self.profile)}


def _type(kind: pa.DataType) -> DataType | Array:
    if pa.types.is_list(kind):
        return Array(_type(kind.value_type))
    return next(known for fits, known in _TYPES if fits(kind))

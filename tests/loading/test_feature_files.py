"""Stored features are read as they are, whatever kind of file, and the date from its folder."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from winnow.errors import ReleaseError
from winnow.loading.feature_files import read_features
from winnow.loading.feature_table import FeatureTable

ROWS = pa.table(
    {
        "item_id": pa.array([1, 2, 1], pa.int64()),
        "price": [1.5, 2.5, 3.5],
        "ds": [date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 2)],
    }
)


def sorted_rows(table: pa.Table) -> Any:
    names = ["item_id", "price", "ds"]
    return table.select(names).sort_by([("ds", "ascending"), ("item_id", "ascending")]).to_pylist()


def stored(folder: Path, kind: str) -> Path:
    path = folder / kind
    if kind == "delta":
        write_deltalake(str(path), ROWS, partition_by=["ds"])
    elif kind == "folders":
        for day in ("2026-01-01", "2026-01-02"):
            (path / f"ds={day}").mkdir(parents=True)
            of_day = ROWS.filter(pa.compute.equal(ROWS["ds"], date.fromisoformat(day)))
            pq.write_table(of_day.drop_columns("ds"), path / f"ds={day}" / "a.parquet")
    elif kind == "file.arrow":
        feather.write_feather(ROWS, path)
    else:
        pq.write_table(ROWS, path)
    return path


class DescribeReadingFeatures:
    @pytest.mark.parametrize("kind", ["delta", "folders", "file.parquet", "file.arrow"])
    def it_gives_the_same_rows_of_each_kind(self, tmp_path: Path, kind: str) -> None:
        rows = read_features(stored(tmp_path, kind))
        assert rows.schema.field("ds").type == pa.date32()
        assert sorted_rows(rows) == ROWS.to_pylist()
        assert len(FeatureTable(rows, "item_id", valid_from="ds")) == 3

    def it_gives_the_columns_that_are_asked_for(self, tmp_path: Path) -> None:
        path = stored(tmp_path, "delta")
        assert read_features(path, ["ds", "item_id"]).schema.names == ["ds", "item_id"]
        with pytest.raises(ReleaseError, match="colour: is no column of the features"):
            read_features(path, ["colour"])

    def it_reads_a_version_of_a_delta_table(self, tmp_path: Path) -> None:
        path = stored(tmp_path, "delta")
        write_deltalake(str(path), ROWS.slice(0, 1), mode="append")
        DeltaTable(str(path)).delete("item_id = 2")
        assert read_features(path).num_rows == 3
        assert read_features(path, version=0).num_rows == 3
        assert sorted_rows(read_features(path, version=0)) == ROWS.to_pylist()
        assert [row["item_id"] for row in sorted_rows(read_features(path))] == [1, 1, 1]

    def it_names_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ReleaseError, match="there is no such file or folder"):
            read_features(tmp_path / "none")
        with pytest.raises(ReleaseError, match="only Delta tables have versions"):
            read_features(stored(tmp_path, "file.parquet"), version=1)
        (tmp_path / "no.parquet").write_bytes(b"no")
        with pytest.raises(ReleaseError, match="cannot be read"):
            read_features(tmp_path / "no.parquet")

"""Columns as arrays: nothing is lost, what is not there has a mask."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from winnow.errors import ReleaseError
from winnow.loading.arrays_of_rows import ArraysOfRows

NEG = pa.list_(pa.int64())


def arrays(
    columns: dict[str, tuple[pa.DataType, list[Any]]],
    rows: list[int],
    *,
    chunk: int | None = None,
    nullable: bool = False,
    padding_id: int | str = 0,
) -> dict[str, Any]:
    schema = pa.schema([pa.field(n, t, nullable=nullable) for n, (t, _) in columns.items()])
    table = pa.table({n: pa.array(v, t) for n, (t, v) in columns.items()})
    if chunk:
        table = pa.Table.from_batches(table.to_batches(max_chunksize=chunk))
    return ArraysOfRows(table, schema, padding_id).at(np.array(rows, np.int64))


class DescribeScalars:
    @pytest.mark.parametrize(
        "kind", [pa.int64(), pa.int32(), pa.int8(), pa.float32(), pa.float64()]
    )
    def it_keeps_their_type(self, kind: pa.DataType) -> None:
        found = arrays({"a": (kind, [1, 2, 3])}, [2, 0])["a"]
        assert found.tolist() == [3, 1]
        assert found.dtype == kind.to_pandas_dtype()

    def it_keeps_an_id_that_no_fraction_holds(self) -> None:
        assert arrays({"a": (pa.int64(), [2**63 - 1])}, [0])["a"].tolist() == [2**63 - 1]

    @pytest.mark.parametrize("values", [[7, None], [7, 8]])
    def it_has_one_type_where_a_number_may_be_null(self, values: list[int | None]) -> None:
        found = arrays({"a": (pa.int32(), values)}, [0, 1], nullable=True)["a"]
        assert found.dtype == np.float64
        assert [None if np.isnan(x) else x for x in found] == values

    def it_refuses_an_id_that_a_float_would_change(self) -> None:
        most = {"a": (pa.int64(), [2**53, None])}
        assert arrays(most, [0], nullable=True)["a"].tolist() == [2.0**53]
        with pytest.raises(ReleaseError, match="a: has NULL, and whole numbers that a float64"):
            arrays({"a": (pa.int64(), [2**53 + 1, None])}, [0], nullable=True)

    def it_has_nan_for_a_fraction_that_is_null(self) -> None:
        found = arrays({"a": (pa.float64(), [None, 0.5])}, [0, 1], nullable=True)["a"]
        assert (np.isnan(found[0]), found[1]) == (True, 0.5)

    def it_counts_times_in_microseconds_and_dates_in_days(self) -> None:
        time, day = datetime(1970, 1, 2, tzinfo=UTC), date(1970, 1, 3)
        found = arrays({"t": (pa.timestamp("us", "UTC"), [time]), "d": (pa.date32(), [day])}, [0])
        assert (found["t"].tolist(), found["d"].tolist()) == ([86_400 * 10**6], [2])

    def it_keeps_text(self) -> None:
        assert arrays({"a": (pa.string(), ["x", "y"])}, [1])["a"].tolist() == ["y"]


class DescribeLists:
    LISTS: tuple[list[Any], list[Any]] = (
        [[1, 2], [], [3], [4, 5]],
        [[0.5, None], [], [1.5], [2.5, 3.5]],
    )

    @pytest.mark.parametrize("chunk", [None, 1, 3])
    def it_pads_them_to_the_longest_of_the_batch(self, chunk: int | None) -> None:
        ids, log_q = self.LISTS
        columns = {"neg_item_ids": (NEG, ids), "neg_log_q": (pa.list_(pa.float64()), log_q)}
        found = arrays(columns, [3, 1, 0], chunk=chunk, padding_id=-9)
        assert found["neg_item_ids"].tolist() == [[4, 5], [-9, -9], [1, 2]]
        assert found["mask"].tolist() == [[True, True], [False, False], [True, True]]
        assert found["easy"].tolist() == [[True, True], [False, False], [True, False]]
        there = found["neg_log_q"][found["easy"]]
        assert there.tolist() == [2.5, 3.5, 0.5]
        assert arrays(columns, [2, 1], chunk=chunk)["neg_item_ids"].tolist() == [[3], [0]]
        assert arrays(columns, [1], chunk=chunk)["mask"].shape == (1, 0)

    @pytest.mark.parametrize("chunk", [None, 2])
    def it_is_the_same_where_all_are_as_long(self, chunk: int | None) -> None:
        found = arrays({"neg_item_ids": (NEG, [[1, 2], [3, 4], [5, 6]])}, [2, 0], chunk=chunk)
        assert found["neg_item_ids"].tolist() == [[5, 6], [1, 2]]
        assert found["mask"].all()

    def it_is_the_same_where_one_is_far_longer(self) -> None:
        lists = [[*range(100)], *([[7]] * 300), []]
        found = arrays({"neg_item_ids": (NEG, lists)}, [300, 0, 301])
        assert found["neg_item_ids"].tolist() == [[7] + [0] * 99, [*range(100)], [0] * 100]
        assert found["mask"].sum(axis=1).tolist() == [1, 100, 0]

    @pytest.mark.parametrize("lists", [[[1, None], [2]], [[1, None], [2, 3]]])
    def it_masks_a_whole_number_that_is_null(self, lists: list[list[int | None]]) -> None:
        found = arrays({"stage_ranks": (pa.list_(pa.int32()), lists)}, [0, 1])
        assert found["stage_ranks"].dtype == np.int32
        assert found["stage_ranks_mask"].tolist() == [[True, False], [True, len(lists[1]) == 2]]
        assert found["stage_ranks"][found["stage_ranks_mask"]].tolist() == [1, *lists[1]]

    def it_pads_text_with_text(self) -> None:
        columns = {"neg_item_ids": (pa.list_(pa.string()), [["a", "b"], ["c"]])}
        found = arrays(columns, [0, 1], padding_id="none")
        assert found["neg_item_ids"].tolist() == [["a", "b"], ["c", "none"]]
        assert arrays(columns, [0, 1])["neg_item_ids"].tolist() == [["a", "b"], ["c", ""]]

    def it_may_be_of_no_rows(self) -> None:
        found = arrays({"neg_item_ids": (NEG, []), "a": (pa.int64(), [])}, [])
        assert (found["neg_item_ids"].shape, found["a"].shape) == ((0, 0), (0,))


class DescribeWhatMayBeWritten:
    def it_is_every_array_and_nothing_shared(self) -> None:
        columns = {
            "a": (pa.int64(), [1, 2]),
            "neg_item_ids": (NEG, [[1, 2], [3, 4]]),
            "stage_ranks": (pa.list_(pa.int32()), [[1], [2]]),
        }
        schema = pa.schema([pa.field(n, t, nullable=False) for n, (t, _) in columns.items()])
        rows = ArraysOfRows(pa.table({n: pa.array(v, t) for n, (t, v) in columns.items()}), schema)
        first = rows.at(np.array([0, 1]))
        for values in first.values():
            values[:] = 0
        again = rows.at(np.array([0, 1]))
        assert again["a"].tolist() == [1, 2]
        assert again["neg_item_ids"].tolist() == [[1, 2], [3, 4]]
        assert again["mask"].all()
        assert again["stage_ranks_mask"].all()


class DescribeListsOfTrueAndFalse:
    def it_pads_them_with_false(self) -> None:
        values = pa.array([[True, None], [True]], pa.list_(pa.bool_()))
        kind = pa.schema([pa.field("neg_log_q_conditional", values.type, nullable=False)])
        batch = ArraysOfRows(pa.table({"neg_log_q_conditional": values}), kind).at(np.arange(2))
        assert batch["neg_log_q_conditional"].tolist() == [[True, False], [True, False]]
        assert batch["mask"].tolist() == [[True, True], [True, False]]


class DescribeWhatWasDrawn:
    def it_is_told_by_the_chance_in_the_mixture_where_that_alone_is_asked_for(self) -> None:
        values = pa.array([[-1.0, None], [-2.0]], pa.list_(pa.float64()))
        kind = pa.schema([pa.field("neg_mixture_log_q", values.type, nullable=False)])
        batch = ArraysOfRows(pa.table({"neg_mixture_log_q": values}), kind).at(np.arange(2))
        assert batch["easy"].tolist() == [[True, False], [True, False]]
        assert batch["mask"].tolist() == [[True, True], [True, False]]

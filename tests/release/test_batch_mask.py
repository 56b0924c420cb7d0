"""The mask of a batch: items forbidden to a row's user, spread over all rows that have them."""

import numpy as np
import pyarrow as pa
import pytest
from winnow.errors import ReleaseError
from winnow.release.batch_mask import conflict_mask

BATCH = pa.table(
    {
        "slot": pa.array([0, 1, 2, 3], pa.int32()),
        "batch_item_slot": pa.array([0, 1, 0, 3], pa.int32()),
        "batch_conflict_item_slots": pa.array([[0], [0, 1], [0, 3], [3]], pa.list_(pa.int32())),
    }
)


class DescribeTheMaskOfABatch:
    def it_masks_every_row_of_a_forbidden_item(self) -> None:
        mask = conflict_mask(BATCH)
        assert mask.dtype == np.bool_
        assert mask.astype(int).tolist() == [[1, 0, 1, 0], [1, 1, 1, 0], [1, 0, 1, 1], [0, 0, 0, 1]]

    def it_takes_columns_in_several_pieces(self) -> None:
        pieces = pa.concat_tables([BATCH.slice(0, 1), BATCH.slice(1, 2), BATCH.slice(3)])
        assert np.array_equal(conflict_mask(pieces), conflict_mask(BATCH))

    def it_is_empty_for_no_rows(self) -> None:
        assert conflict_mask(BATCH.slice(0, 0)).shape == (0, 0)

    @pytest.mark.parametrize(
        "rows", [BATCH.slice(1), BATCH.take([1, 0, 2, 3]), pa.concat_tables([BATCH, BATCH])]
    )
    def it_refuses_what_is_not_one_whole_batch_in_order(self, rows: pa.Table) -> None:
        with pytest.raises(ReleaseError, match="all rows of one batch, in their order"):
            conflict_mask(rows)

    def it_refuses_rows_that_are_in_no_batch(self) -> None:
        outside = BATCH.set_column(0, "slot", pa.nulls(4, pa.int32()))
        with pytest.raises(ReleaseError, match="all rows of one batch"):
            conflict_mask(outside)

    def it_names_the_columns_that_are_missing(self) -> None:
        with pytest.raises(ReleaseError, match=r"^batch_conflict_item_slots: "):
            conflict_mask(BATCH.drop_columns(["batch_conflict_item_slots"]))

"""What a batch is made of: which columns, as ids or numbers, padded how, with which features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.loading.arrays_of_rows import ArraysOfRows, Batch
from winnow.loading.joined_features import JoinedFeatures
from winnow.loading.vocabulary import Vocabulary, numbered, numbered_schema


@dataclass(frozen=True)
class BatchForm:
    """How rows of a table become the arrays of a batch; travels to the processes of workers.

    Attributes:
        columns: Those of the table that a batch has.
        padding_id: What stands in ``neg_item_ids`` where there is no negative.
        vocabularies: By column, numbers that stand in place of ids.
        features: What is joined to the ids of a row; None for nothing.
    """

    columns: tuple[str, ...]
    padding_id: int | str = 0
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)
    features: JoinedFeatures | None = None

    @property
    def read(self) -> tuple[str, ...]:
        """The columns to read: those of a batch, and those that features are found by."""
        more = () if self.features is None else self.features.needed
        return tuple(dict.fromkeys([*self.columns, *more]))

    def arrays(self, rows: pa.Table, schema: pa.Schema) -> Callable[[NDArray[np.int64]], Batch]:
        """Return what gives some of the rows as a batch, by their places.

        Args:
            rows: With the columns ``read``. schema: Of the table.
        """
        paddings: dict[str, int] = {}
        # By the ids of the logs, before numbers stand in their place.
        if self.features is not None:
            rows = self.features.located(rows, self.columns)
            paddings = self.features.paddings
            schema = pa.unify_schemas([schema, rows.select([*paddings]).schema])
        else:
            rows = rows.select(list(self.columns))
        rows = numbered(rows, self.vocabularies)
        schema = numbered_schema(schema, self.vocabularies)
        of_rows = ArraysOfRows(rows, schema, self.padding_id, paddings)
        if self.features is None:
            return of_rows.at
        filled = self.features.filled
        return lambda places: filled(of_rows.at(places))

"""The catalogue of a date as a build hands it on: the draw table, and the rows of item_stats."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from winnow.sampler.catalogue_file import Catalogue


@dataclass(frozen=True)
class StagedCatalogue:
    """The items of a date.

    Attributes:
        catalogue: The draw table with the ids.
        eligibility: One row per item of the catalogue: the columns of ``catalogue_table``.
        shipped: The name that tasks find the catalogue file by.
    """

    catalogue: Catalogue
    eligibility: DataFrame
    shipped: str

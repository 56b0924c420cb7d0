"""The schema of a contract's table, for an engine; contracts themselves are read without one."""

from typing import TYPE_CHECKING

from pyspark.sql.types import StructField, StructType

from winnow.spark.column_types import spark_type

if TYPE_CHECKING:  # a contract is read by YAML and Pydantic, which executors do not have
    from winnow.contracts.tables import TableContract


def spark_schema(contract: "TableContract") -> StructType:
    """Return the exact Spark schema of a resolved contract."""
    return StructType(
        [StructField(c.name, spark_type(c.type), c.nullable) for c in contract.columns]
    )

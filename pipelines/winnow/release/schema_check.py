"""The exact schema, compared before every write: Delta fills a missing column with NULL."""

from pyspark.sql.types import ArrayType, DataType, StructType

from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.errors import GateError, Problem


def schema_problems(where: str, found: StructType, expected: StructType) -> list[Problem]:
    """Return every difference in names, order and types; nullability is another matter.

    A frame's nullability is what the engine could prove, and engines prove different things;
    whether a column really holds NULL is counted when it is staged.
    """
    problems = []
    there = {field.name: field.dataType for field in found.fields}
    for field in expected.fields:
        if field.name not in there:
            problems.append(Problem(where, f"the column {field.name} is missing"))
        elif _bare(there[field.name]) != _bare(field.dataType):
            problems.append(
                Problem(
                    where,
                    f"the column {field.name} has another type",
                    found=there[field.name].simpleString(),
                    expected=field.dataType.simpleString(),
                )
            )
    for name in there:
        if name not in expected.names:
            problems.append(Problem(where, f"the column {name} is not in the contract"))
    if len(set(found.names)) < len(found.names):
        problems.append(Problem(where, "a column stands there twice", found=str(found.names)))
    if not problems and found.names != expected.names:
        problems.append(
            Problem(
                where,
                "the columns stand in another order",
                found=", ".join(found.names),
                expected=", ".join(expected.names),
            )
        )
    return problems


def check_schema(found: StructType, contract: TableContract) -> None:
    """Check a frame's schema against its contract: the same names, order and types.

    Raises:
        GateError: It differs; one problem per column.
    """
    GateError.raise_if_any(schema_problems(contract.table, found, spark_schema(contract)))


def _bare(kind: DataType) -> DataType:
    """The type without the nullability inside it."""
    return ArrayType(_bare(kind.elementType)) if isinstance(kind, ArrayType) else kind

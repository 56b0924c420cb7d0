"""The Arrow schemas of the logs and of the truth, with integer and with string ids."""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

LogName = Literal["impressions", "clicks", "ranking_log"]

TIME = pa.timestamp("us", tz="UTC")

IMPRESSIONS = pa.schema(
    [
        ("impression_id", pa.int64()),
        ("request_id", pa.int64()),
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("position", pa.int32()),
        ("impression_ts", TIME),
        ("scene", pa.string()),
        ("experiment", pa.string()),
    ]
)
CLICKS = pa.schema(
    [
        ("impression_id", pa.int64()),
        ("request_id", pa.int64()),
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("click_ts", TIME),
        ("action_type", pa.string()),
    ]
)
RANKING_LOG = pa.schema(
    [
        ("request_id", pa.int64()),
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("stage", pa.string()),
        ("rank", pa.int32()),
        ("score", pa.float64()),
        ("passed", pa.bool_()),
        ("stage_ts", TIME),
    ]
)
FEEDBACK = pa.schema(
    [
        ("request_id", pa.int64()),
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("feedback_ts", TIME),
        ("feedback_type", pa.string()),
    ]
)
LADDER = ("retrieval", "prerank", "coarse", "rank", "rerank", "edge")
"""The stages of the log of candidates, in the order in which an item passes them."""

LOGS: dict[LogName, pa.Schema] = {
    "impressions": IMPRESSIONS,
    "clicks": CLICKS,
    "ranking_log": RANKING_LOG,
}

# The letter and the number of digits of a string id; more digits are kept where needed.
_ID_SHAPES = {
    "user_id": ("u", 6),
    "item_id": ("i", 6),
    "request_id": ("r", 13),
    "impression_id": ("m", 16),
}


def candidates_schema() -> pa.Schema:
    """Return the schema of the log of candidates: a flag and a rank for each stage."""
    fields = [("request_id", pa.int64()), ("user_id", pa.int64()), ("item_id", pa.int64())]
    fields += [("request_ts", TIME)]
    for stage in LADDER:
        fields += [(f"in_{stage}", pa.bool_()), (f"{stage}_rank", pa.int32())]
    return pa.schema(fields)


def with_string_ids(table: pa.Table) -> pa.Table:
    """Return the table with its ids as strings, such as u000123; a NULL id stays NULL."""
    for name, (letter, digits) in _ID_SHAPES.items():
        index = table.schema.get_field_index(name)
        if index < 0:
            continue
        padded = pc.utf8_lpad(table.column(index).cast(pa.string()), digits, "0")
        table = table.set_column(
            index, name, pc.binary_join_element_wise(pa.scalar(letter), padded, pa.scalar(""))
        )
    return table


def labels(codes: object, names: tuple[str, ...]) -> pa.Array:
    """Return the name of each code as a string column; ``codes`` index ``names``."""
    return pa.array(names, pa.string()).take(pa.array(codes, pa.int64()))

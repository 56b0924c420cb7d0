"""Text with a dictionary says what it said before."""

import pyarrow as pa
from winnow.arrays.text_codes import named, with_dictionaries

ROWS = pa.table(
    {
        "split": pa.chunked_array([["train", None, "test"], ["test"]], pa.string()),
        "place": pa.array([1, 2, 3, 4], pa.int64()),
        "scene": pa.array(["a", "b", "c", None], pa.string()),
    }
)


class DescribeWithDictionaries:
    def it_gives_the_named_text_a_dictionary_and_leaves_the_rest(self) -> None:
        found = with_dictionaries(ROWS, ("split", "place", "not there"))
        assert found.to_pydict() == ROWS.to_pydict()
        assert found.schema.field("split").type == pa.dictionary(pa.int32(), pa.string())
        assert found.schema.remove(0) == ROWS.schema.remove(0)

    def it_leaves_what_has_one_already(self) -> None:
        once = with_dictionaries(ROWS, ("split",))
        assert with_dictionaries(once, ("split",)).equals(once)

    def it_takes_tables_without_rows(self) -> None:
        none = with_dictionaries(ROWS.slice(0, 0), ("split",))
        assert none.to_pydict() == {"split": [], "place": [], "scene": []}


class DescribeNamed:
    def it_names_codes_and_keeps_null(self) -> None:
        found = named(pa.array([1, None, 0, 1], pa.int8()), ("cut", "low"))
        assert found.to_pylist() == ["low", None, "cut", "low"]

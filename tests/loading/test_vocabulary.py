"""Numbers of ids: dense, the most clicked first, and the same in every later release."""

import pickle
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest
from winnow.errors import ReleaseError
from winnow.loading.samples import stream_of
from winnow.loading.vocabulary import FIRST, NULL, PADDING, UNKNOWN, Vocabulary
from winnow.sampler.built_catalogue import FIRST_INDEX

from tests.loading.samples import numbers_of, table_of


class Releases:
    """What a vocabulary asks of releases, without a warehouse."""

    def __init__(self, path: Path, rows: list[tuple[date, int, Any]]) -> None:
        self._path = path
        columns: list[Any] = list(zip(*rows, strict=True))
        table = pa.table(dict(zip(("ds", "item_idx", "item_id"), map(list, columns), strict=True)))
        pq.write_table(table, path)

    def arrow(self, table: str) -> pds.Dataset:
        assert table == "item_stats"
        return pds.dataset(self._path)


ONE, TWO = date(2026, 1, 1), date(2026, 1, 2)


class DescribeAVocabulary:
    def it_begins_where_item_stats_does(self) -> None:
        assert (FIRST, PADDING, NULL, UNKNOWN) == (FIRST_INDEX, 0, 1, 2)

    @pytest.mark.parametrize("ids", [[70, -5, 2**62], ["b", "", "ä"]])
    def it_numbers_ids_in_their_order(self, ids: list[Any]) -> None:
        found = Vocabulary([*ids, ids[0], None])
        assert len(found) == 6
        assert found.numbers([ids[2], None, ids[0], ids[1]]).tolist() == [5, NULL, 3, 4]

    @pytest.mark.parametrize(("ids", "other"), [([7, 9], 8), (["a", "c"], "b")])
    def it_knows_what_it_does_not_know(self, ids: list[Any], other: Any) -> None:
        found = Vocabulary(ids).numbers([other, ids[1]])
        assert found.dtype == np.int64
        assert found.tolist() == [UNKNOWN, 4]

    @pytest.mark.parametrize("ids", [[1], ["a"]])
    def it_knows_none_where_it_is_empty(self, ids: list[Any]) -> None:
        assert Vocabulary([]).numbers(ids).tolist() == [UNKNOWN]
        assert len(Vocabulary([])) == FIRST
        assert Vocabulary([]).extended(ids).numbers(ids).tolist() == [FIRST]

    def it_leaves_numbers_as_they_are_where_ids_come(self) -> None:
        before = Vocabulary(["x", "y"])
        after = before.extended(["z", "x", "w"])
        assert after.ids.to_pylist() == ["x", "y", "z", "w"]
        assert len(before) == 5

    def it_takes_items_by_their_place_in_item_stats(self, tmp_path: Path) -> None:
        first = Releases(tmp_path / "1", [(ONE, 5, 30), (ONE, 3, 10), (ONE, 4, 20)])
        both = Releases(tmp_path / "2", [(TWO, 3, 40), (TWO, 4, 30), (ONE, 3, 20)])
        known = Vocabulary.of_items(first)  # type: ignore[arg-type]
        assert known.ids.to_pylist() == [10, 20, 30]
        later = Vocabulary.of_items(both, known)  # type: ignore[arg-type]
        assert later.ids.to_pylist() == [10, 20, 30, 40]
        assert Vocabulary.of_items(both).ids.to_pylist() == [20, 40, 30]  # type: ignore[arg-type]

    @pytest.mark.parametrize("ids", [[3, 1, 2], ["c", "a"]])
    def it_is_the_same_after_a_file_and_in_another_process(
        self, tmp_path: Path, ids: list[Any]
    ) -> None:
        found = Vocabulary(ids)
        found.save(tmp_path / "items.parquet")
        for other in (
            Vocabulary.load(tmp_path / "items.parquet"),
            pickle.loads(pickle.dumps(found)),
        ):
            assert other.numbers(ids).tolist() == found.numbers(ids).tolist()

    @pytest.mark.parametrize("ids", [[1.5], [True], [date(2026, 1, 1)]])
    def it_refuses_what_are_no_ids(self, ids: list[Any]) -> None:
        with pytest.raises(ReleaseError, match="neither whole numbers nor texts"):
            Vocabulary(ids)

    def it_refuses_ids_of_another_type(self) -> None:
        with pytest.raises(ReleaseError, match="of another type"):
            Vocabulary([1]).numbers(["1"])
        with pytest.raises(ReleaseError, match="of another type"):
            Vocabulary([1]).extended(["1"])


class DescribeBatchesOfNumbers:
    def it_gives_numbers_in_place_of_ids(self, tmp_path: Path) -> None:
        files = table_of(tmp_path, [[("train", 30), ("valid", 4)], [("train", 25)]])
        known = Vocabulary(np.arange(40)[::-1])
        columns = ["item_id", "neg_item_ids", "neg_log_q"]
        options: dict[str, Any] = {"columns": columns, "shuffle_seed": 3}
        numbers = {"item_id": known, "neg_item_ids": known}
        plain = list(stream_of(files, 8, **options, padding_id=-1).run())
        coded = list(stream_of(files, 8, **options, vocabularies=numbers).run())
        assert len(plain) == len(coded) == 7
        for ids, given in zip(plain, coded, strict=True):
            for name in numbers:
                there = ids["mask"] if name == "neg_item_ids" else np.ones(len(ids[name]), bool)
                wanted = np.where(ids[name] < 40, FIRST + 39 - ids[name], UNKNOWN)
                assert given[name].dtype == np.int64
                assert (given[name] == np.where(there, wanted, PADDING)).all()
            assert (ids["mask"] == given["mask"]).all()
        assert sum(len(batch["item_id"]) for batch in coded) == len(numbers_of(files, "train"))

    def it_names_a_column_that_is_not_there(self, tmp_path: Path) -> None:
        files = table_of(tmp_path, [[("train", 3)]])
        with pytest.raises(ReleaseError, match="items"):
            stream_of(files, 2, columns=["item_id"], vocabularies={"items": Vocabulary([1])})

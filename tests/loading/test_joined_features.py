"""Features in batches: each negative has its own, as of its row, padded as the ids are."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.errors import ReleaseError
from winnow.loading.feature_table import FeatureTable
from winnow.loading.joined_features import JoinedFeatures
from winnow.loading.samples import stream_of
from winnow.loading.vocabulary import Vocabulary
from winnow.release.table_files import TableFiles

from tests.loading.samples import table_of

TIME = pa.timestamp("us", "UTC")
DAY = date(2026, 1, 2)
N = 60


def item_name(number: int, text: bool) -> Any:
    return f"i{number}" if text else number


def samples(folder: Path, text: bool = False) -> TableFiles:
    """Rows of user n, item n and the negatives n + 1, n + 2 (every third: n + 1), shown at n."""
    item = pa.string() if text else pa.int64()
    types = {
        "user_id": pa.int64(), "item_id": item, "impression_ts": TIME,
        "neg_item_ids": pa.list_(item), "seen_ids": pa.list_(pa.int64()), "split": pa.string(),
    }  # fmt: skip
    schema = pa.schema([pa.field(n, t, nullable=False) for n, t in types.items()])
    rows = [
        {
            "user_id": n,
            "item_id": item_name(n, text),
            "impression_ts": n,
            "neg_item_ids": [item_name(n + k, text) for k in ((1,) if n % 3 == 0 else (1, 2))],
            "seen_ids": [*range(n % 4)],
            "split": "train",
        }
        for n in range(N)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "a.parquet")
    whole = schema.append(pa.field("ds", pa.date32(), nullable=False))
    return TableFiles(whole, ((str(folder / "a.parquet"), DAY),))


def prices(text: bool = False) -> FeatureTable:
    """Item n costs 10 n since ever, and -1 from time n on, when its row is shown: a leak."""
    rows: list[tuple[Any, int | None, int]]
    rows = [(item_name(n, text), None, 10 * n) for n in range(N)]
    rows += [(item_name(n, text), n, -1) for n in range(N)]
    ids, times, values = zip(*rows, strict=True)
    since = pa.array(times, pa.int64()).cast(TIME)
    table = pa.table({"id": list(ids), "since": since, "price": list(values)})
    return FeatureTable(table, "id", valid_from="since", defaults={"price": -7})


def of_rows(files: TableFiles, **options: Any) -> dict[int, dict[str, Any]]:
    """What each row has, by its number, lists as far as they go."""
    found = {}
    for batch in stream_of(files, 7, **options).run():
        for k, number in enumerate(batch["user_id"].tolist()):
            found[number] = {name: values[k] for name, values in batch.items()}
    assert sorted(found) == list(range(N))
    return found


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("coded", [False, True])
class DescribeFeaturesOfItems:
    def it_gives_each_negative_its_own_as_of_its_row(
        self, tmp_path: Path, text: bool, coded: bool
    ) -> None:
        options: dict[str, Any] = {"columns": ["user_id", "item_id", "neg_item_ids"]}
        known = Vocabulary([item_name(n, text) for n in range(N + 2)])
        if coded:
            options["vocabularies"] = {"item_id": known, "neg_item_ids": known}
        items = {"item_id": prices(text), "neg_item_ids": prices(text)}
        rows = of_rows(samples(tmp_path, text), features=items, **options)
        for n, row in rows.items():
            # At its own time the item's price has not changed yet; its negatives' change later.
            assert row["item_price"] == 10 * n
            negatives = [n + 1] if n % 3 == 0 else [n + 1, n + 2]
            there = row["mask"]
            assert there.sum() == len(negatives)
            wanted = [10 * i if i < N else -7 for i in negatives]
            assert row["neg_item_price"][there].tolist() == wanted
            assert row["neg_item_known"][there].tolist() == [i < N for i in negatives]
            assert row["neg_item_price"][~there].tolist() == [-7] * int((~there).sum())
            assert not row["neg_item_known"][~there].any()
            ids = known.ids.to_pylist()[n] if not coded else n + 3
            assert row["item_id"] == ids

    def it_joins_columns_that_a_batch_does_not_have(
        self, tmp_path: Path, text: bool, coded: bool
    ) -> None:
        files = samples(tmp_path, text)
        rows = of_rows(files, columns=["user_id"], features={"neg_item_ids": prices(text)})
        assert {*rows[4]} == {"user_id", "neg_item_price", "neg_item_known", "mask"}
        assert rows[4]["neg_item_price"][rows[4]["mask"]].tolist() == [50, 60]


class DescribeFeaturesOfUsersAndOthers:
    def it_gives_vectors_one_for_each_id(self, tmp_path: Path) -> None:
        vectors = pa.array([[n, n + 0.5] for n in range(N)], pa.list_(pa.float32(), 2))
        table = FeatureTable(pa.table({"id": range(N), "vector": vectors}), "id")
        features = {"user_id": table, "neg_item_ids": table, "seen_ids": table}
        for batch in stream_of(
            samples(tmp_path), 16, columns=["user_id", "item_id"], features=features
        ).run():
            n = len(batch["user_id"])
            assert batch["user_vector"].tolist() == [[x, x + 0.5] for x in batch["user_id"]]
            assert batch["neg_item_vector"].shape == (n, 2, 2)
            assert batch["seen_vector"].shape == (n, 3, 2)
            assert batch["seen_ids_mask"].sum(1).tolist() == (batch["user_id"] % 4).tolist()
            assert batch["seen_vector"].dtype == np.float32
            assert batch["seen_vector"].flags.writeable
            first = batch["neg_item_vector"][:, 0, 0]
            assert [x for x in first if x == x] == [x + 1 for x in batch["user_id"] if x < N - 1]

    def it_takes_dates_as_the_rows_say(self, tmp_path: Path) -> None:
        table = pa.table({"id": [3, 3, 4], "ds": [date(2026, 1, 1), DAY, DAY], "x": [1, 2, 3]})
        known = FeatureTable(table, "id", valid_from="ds")
        rows = of_rows(samples(tmp_path), columns=["user_id"], features={"item_id": known})
        assert (rows[3]["item_x"], rows[3]["item_known"]) == (1, True)
        assert (rows[4]["item_x"], rows[4]["item_known"]) == (0, False)

    def it_counts_the_ids_that_it_knows_nothing_of(self, tmp_path: Path) -> None:
        files, table = samples(tmp_path), prices()
        joined = JoinedFeatures({"item_id": table, "neg_item_ids": table}, files.schema)
        stream = stream_of(
            files, 7, columns=["user_id"], features={"item_id": table, "neg_item_ids": table}
        )
        counts = [joined.unknown(batch) for batch in stream.run()]
        # Of row 58 the item 60, of row 59 the items 60 and 61.
        assert sum(one["neg_item_ids"] for one in counts) == 3
        assert sum(one["item_id"] for one in counts) == 0


class DescribeWhatCannotBeJoined:
    def it_is_named(self, tmp_path: Path) -> None:
        files = samples(tmp_path)
        with pytest.raises(ReleaseError, match="ids of the features are of another type"):
            stream_of(files, 7, columns=["user_id"], features={"item_id": prices(text=True)})
        with pytest.raises(ReleaseError, match="x_id: is no column"):
            stream_of(files, 7, columns=["user_id"], features={"x_id": prices()})
        plain = FeatureTable(pa.table({"id": [1], "id2": [1]}), "id", columns=["id2"])
        named = FeatureTable(pa.table({"id": [1], "known": [1]}), "id")
        with pytest.raises(ReleaseError, match="item_known: two columns"):
            stream_of(files, 7, columns=["user_id"], features={"item_id": named})
        assert stream_of(files, 7, columns=["user_id"], features={"item_id": plain}) is not None

    def it_is_a_time_that_the_table_lacks(self, tmp_path: Path) -> None:
        files = table_of(tmp_path, [[("train", 3)]])
        with pytest.raises(ReleaseError, match="impression_ts: is no column"):
            stream_of(files, 2, columns=["item_id"], features={"item_id": prices()})

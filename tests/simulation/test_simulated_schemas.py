from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError
from winnow.simulation import Simulation
from winnow.simulation.schemas import LOGS as SCHEMAS

from tests.simulation.simulated import LOGS, Simulated, run

LETTERS = {"user_id": "u", "item_id": "i", "request_id": "r", "impression_id": "m"}


def numbers(rows: pa.Table) -> pa.Table:
    for name, letter in LETTERS.items():
        if name in rows.column_names:
            texts = rows[name].to_pylist()
            assert all(text is None or text[0] == letter for text in texts)
            values = [None if text is None else int(text[1:]) for text in texts]
            index = rows.schema.get_field_index(name)
            rows = rows.set_column(index, name, pa.chunked_array([values], pa.int64()))
    return rows


class DescribeSchemas:
    def it_writes_the_declared_schemas(self, clean: Simulated) -> None:
        for log, schema in SCHEMAS.items():
            assert clean.log(log).schema.equals(schema)

    def it_writes_items_with_validity_and_users_with_their_segment(self, clean: Simulated) -> None:
        items, users = clean.whole("logs/items"), clean.whole("truth/users.parquet")
        time = pa.timestamp("us", tz="UTC")
        assert items.schema.names == ["item_id", "valid_from", "valid_to", "category", "city"]
        assert items.schema.field("valid_from").type == items.schema.field("valid_to").type == time
        assert 0 < items["valid_to"].null_count < items.num_rows == 600
        assert len(set(items["city"].to_pylist())) == 12
        assert set(users["segment"].to_pylist()) == {"heavy", "medium", "light"}

    def it_writes_the_truth_with_vectors_of_fixed_size(self, clean: Simulated) -> None:
        for file, weight in zip(
            clean.summary.truth_files, ("activity_weight", "popularity_weight"), strict=True
        ):
            rows = clean.whole(str(file.relative_to(clean.simulation.out)))
            assert rows.schema.field("vector").type == pa.list_(pa.float32(), 16)
            assert max(rows[weight].to_pylist()) == 1.0

    def it_writes_the_same_rows_with_string_ids(self, dirty: Simulated, out: Path) -> None:
        texts = run(out, history_days=1, days=2, dirty_share=0.02, string_ids=True)
        for log in LOGS:
            assert texts.log(log).schema.field("item_id").type == pa.string()
            assert numbers(texts.log(log)).equals(dirty.log(log))
        for folder in ("logs/items", "truth/users.parquet", "truth/items.parquet"):
            assert numbers(texts.whole(folder)).equals(dirty.whole(folder))
        assert texts.whole("truth/users.parquet")["user_id"][122].as_py() == "u000123"


class DescribeSettings:
    def it_refuses_a_funnel_that_widens(self) -> None:
        with pytest.raises(ValidationError, match=r"found 3000, 150, 60, 25, 26$|found 3000"):
            Simulation(out=Path("out"), exposed_size=26)

    def it_refuses_a_coarse_log_without_all_that_passed(self) -> None:
        with pytest.raises(ValidationError, match="from fine_size 25 to coarse_size 60, found 24"):
            Simulation(out=Path("out"), coarse_rows_logged=24)

    def it_refuses_recall_shares_above_one(self) -> None:
        with pytest.raises(ValidationError, match=r"<= 1, found 0\.6 \+ 0\.45"):
            Simulation(out=Path("out"), popular_recall_share=0.6)

    def it_refuses_unknown_settings(self) -> None:
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            Simulation.model_validate({"out": "out", "user": 3})

    def it_stays_as_it_was_made(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            Simulation(out=Path("out")).days = 4

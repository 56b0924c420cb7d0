"""The benchmark on a hundredth of its logs: it runs, compares and tells."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="the benchmark's peer; install the extra named bench")

import pyarrow.parquet as pq
from typer.testing import CliRunner

from bench.__main__ import app
from bench.check import Expected, Found, Outputs, complaints
from bench.logs import Shape, make_logs, rows_of

SIZE = 0.01


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs, and one run of both DuckDB scripts and of Winnow on sail."""
    folder = tmp_path_factory.mktemp("bench")
    options = ["--size", str(SIZE), "--out", str(folder)]
    made = CliRunner().invoke(app, ["generate", *options])
    assert made.exit_code == 0, made.output
    ran = CliRunner().invoke(
        app, ["run", *options, "--runs", "1", "--peers", "winnow-sail,duckdb,duckdb-whole"]
    )
    assert ran.exit_code == 0, ran.output
    assert "winnow-sail" in ran.output
    return folder


@pytest.fixture(scope="module")
def case(folder: Path) -> dict[str, Any]:
    """The case that bench.json tells of."""
    record = json.loads((folder / "bench.json").read_text())
    assert record["machine"]["packages"].keys() >= {"duckdb", "pysail"}
    case: dict[str, Any] = record["cases"][0]
    return case


class DescribeTheRecord:
    def it_tells_what_each_peer_cost(self, case: dict[str, Any]) -> None:
        assert case["rows"]["impressions"] == 100_000
        for peer in ("winnow-sail", "duckdb"):
            told = case["peers"][peer]
            assert told["runs"][0]["failed"] is None
            for figure in ("wall", "work", "cpu", "peak_gib"):
                assert 0 < told["lowest"][figure] <= told["median"][figure]
            assert told["median"]["work"] < told["median"]["wall"]
        assert case["peers"]["duckdb"]["ratios"]["duckdb"]["work"] == 1.0
        stages = {"join clicks, weigh items", "sample"}
        assert case["peers"]["winnow-sail"]["stages"].keys() >= stages

    def it_finds_that_all_did_the_same_work(self, case: dict[str, Any]) -> None:
        for peer in ("winnow-sail", "duckdb", "duckdb-whole"):
            assert case["peers"][peer]["check"]["complaints"] == []


class DescribeTheCheck:
    def it_sees_who_did_less(self, folder: Path, tmp_path: Path) -> None:
        logs = folder / "logs" / Shape(SIZE).name
        outputs = Outputs(logs, 0)
        expected = outputs.expected()
        for table in ("positives", "easy_negatives", "hard_negatives"):
            (tmp_path / table).mkdir()
            whole = pq.read_table(folder / "made" / "duckdb" / table)
            kept = whole.slice(0, whole.num_rows // 2) if table == "easy_negatives" else whole
            pq.write_table(kept, tmp_path / table / "part.parquet")
        told = complaints(outputs.found(tmp_path), expected, crowded=False)
        assert len(told) >= 1
        assert "easy negatives per positive" in told[0]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"positives": 900}, "positives, expected"),
            ({"cold": 699}, "699 positives of items with few clicks"),
            ({"hard": 5.0}, "hard negatives per positive"),
            ({"most": 11}, "11 negatives"),
            ({"shown": 3}, "3 rows are shown"),
            ({"repeated": 3}, "3 rows are repeated"),
            ({"strangers": 3}, "3 rows are strangers"),
            ({"top_share": 0.1}, "top_share"),
            ({"coarse_share": 0.9}, "coarse_share"),
        ],
    )
    def it_names_what_is_wrong(self, change: dict[str, Any], words: str) -> None:
        good = Found(1000, 10.0, 9.9, 10, 0, 0, 0, 0.3, 0.6, 700)
        due = Expected(1000.0, 5.0, 9.9, 0.3, 0.6, 700)
        assert complaints(good, due, crowded=False) == []
        told = complaints(Found(**{**vars(good), **change}), due, crowded=False)
        assert len(told) == 1
        assert words in told[0]


class DescribeTheLogs:
    def it_makes_the_same_logs_again(self, folder: Path, tmp_path: Path) -> None:
        shape = Shape(SIZE)
        list(make_logs(tmp_path, shape))
        for path in sorted(tmp_path.rglob("*.parquet")):
            first = folder / "logs" / shape.name / path.relative_to(tmp_path)
            assert pq.read_table(path).equals(pq.read_table(first))

    def it_can_make_one_heavy_user_and_one_hot_item(self, tmp_path: Path) -> None:
        list(make_logs(tmp_path, Shape(SIZE, skew=True)))
        shown = pq.read_table(tmp_path / "impressions").to_pandas()
        assert shown["user_id"].value_counts(normalize=True).iloc[0] == pytest.approx(
            0.05, abs=0.01
        )
        with_hot = shown.groupby("request_id")["item_id"].agg(lambda ids: (ids == 1_000_000).any())
        assert with_hot.mean() > 0.5

    def it_can_make_a_catalogue_of_any_size(self, tmp_path: Path) -> None:
        shape = Shape(0.001, items=7_000)
        assert shape.name == "size0.001-items7000"
        list(make_logs(tmp_path, shape))
        items = pq.read_table(tmp_path / "items")["item_id"].to_pylist()
        assert items == list(range(1_000_000, 1_007_000))
        shown = pq.read_table(tmp_path / "impressions")["item_id"].to_numpy()
        assert shown.max() > 1_003_500

    def it_can_make_impressions_of_the_dates_before(self, tmp_path: Path) -> None:
        list(make_logs(tmp_path, Shape(0.001, lookback=2)))
        days = sorted(path.name for path in (tmp_path / "impressions").iterdir())
        assert days == ["date=2025-10-08", "date=2025-10-09", "date=2025-10-10"]
        assert rows_of(tmp_path)["impressions"] == 10_000


class DescribeTheCommand:
    def it_refuses_unknown_peers(self, tmp_path: Path) -> None:
        told = CliRunner().invoke(app, ["run", "--peers", "nobody", "--out", str(tmp_path)])
        assert told.exit_code == 2

    def it_tells_why_a_peer_failed(self, folder: Path) -> None:
        words = ["run", "--size", str(SIZE), "--out", str(folder), "--runs", "1"]
        told = CliRunner().invoke(app, [*words, "--peers", "duckdb", "--minutes", "0.001"])
        assert told.exit_code == 0
        assert "took more than" in told.output

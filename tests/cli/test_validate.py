"""``winnow validate``: what it finds of files, columns and rows, and how it ends."""

from pathlib import Path

import pytest
from winnow.cli.main import main

from tests.cli.conftest import Told

Captured = pytest.CaptureFixture[str]


@pytest.mark.usefixtures("no_engine")
class DescribeFilesAlone:
    def it_says_which_column_is_which(self, shop: Path, told: Told) -> None:
        found = told("validate", "-c", str(shop), "--ds", "2026-01-01", "--no-rows")
        shown = found["files"]["impressions"]
        assert (shown["kind"], shown["files"], shown["bytes"]) == ("csv", 1, 912)
        assert shown["columns"]["user_id"] == ["uid"]
        assert shown["without"] == ["impression_id", "viewed"]
        assert found["rows"] is None
        assert found["missing"] == []

    def it_needs_no_date(self, shop: Path, capsys: Captured) -> None:
        assert main(["validate", "-c", str(shop)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert (
            "  columns: request_id = request, item_id = sku, stage, score, passed = went_on"
            in lines
        )
        assert lines[-1] == "No date was given: rows were not looked at. Add --ds."

    def it_writes_nothing(self, shop: Path) -> None:
        before = sorted(shop.parent.rglob("*"))
        assert main(["validate", "-c", str(shop), "--ds", "2026-01-01", "--no-rows"]) == 0
        assert sorted(shop.parent.rglob("*")) == before

    def it_ends_with_3_and_every_problem_of_the_logs(self, shop: Path, capsys: Captured) -> None:
        text = shop.read_text(encoding="utf-8")
        shop.write_text(text.replace("item_id: sku, action", "item_id: sk, action"))
        (shop.parent / "logs" / "items.csv").unlink()
        assert main(["validate", "-c", str(shop), "--no-rows"]) == 3
        first, second = capsys.readouterr().err.splitlines()[-2:]
        assert first.startswith("logs.clicks.columns.item_id: column sk is missing, found sku")
        assert second.startswith("logs.items.path: ")

    def it_ends_with_2_where_the_config_is_wrong(self, shop: Path, capsys: Captured) -> None:
        shop.write_text(
            shop.read_text(encoding="utf-8").replace("warehouse: warehouse", "warehouse: logs")
        )
        assert main(["validate", "-c", str(shop), "--no-rows"]) == 2
        assert "lies within the warehouse" in capsys.readouterr().err

    def it_names_later_dates_that_a_build_would_wait_for(self, shop: Path, told: Told) -> None:
        logs = shop.parent / "logs"
        (logs / "clicks" / "date=2026-01-01").mkdir(parents=True)
        (logs / "actions.jsonl").rename(logs / "clicks" / "date=2026-01-01" / "a.jsonl")
        text = shop.read_text(encoding="utf-8")
        shop.write_text(
            text.replace(
                "path: logs/actions.jsonl", "path: logs/clicks\n    partition: {column: date}"
            )
        )
        found = told("validate", "-c", str(shop), "--ds", "2026-01-01", "--no-rows")
        assert found["missing"] == ["logs.clicks: no folder for 2026-01-02"]
        assert found["files"]["clicks"]["dates"] == 1


@pytest.mark.usefixtures("shared_engine")
class DescribeRowsOfADate:
    def it_counts_them_as_a_build_does_and_shows_rejected_ones(
        self, shop: Path, told: Told
    ) -> None:
        rows = told("validate", "-c", str(shop), "--ds", "2026-01-01", "--limit", "1")["rows"]
        assert rows["impressions"]["counts"] == {
            "read": 26, "valid": 15, "duplicate": 1, "rejected": 0, "filtered": 1, "other_date": 9,
        }  # fmt: skip
        assert rows["clicks"]["reasons"] == {"action_unknown": 1}, "an orphan is found by a build"
        (example,) = rows["clicks"]["examples"]["action_unknown"]
        assert example["raw"].startswith('{"request": "q05", "uid": 12, "sku": 103')
        assert example["reasons"] == [
            "action_unknown: action_type is not one of the configured actions, found 'stare'"
        ]

    def it_ends_with_3_where_no_impression_is_of_the_date(
        self, shop: Path, capsys: Captured
    ) -> None:
        assert main(["validate", "-c", str(shop), "--ds", "2026-03-01"]) == 3
        assert "no impression of 2026-03-01 was read" in capsys.readouterr().err

"""``winnow build`` of a config with variants: all of them, or the one that is named."""

import json
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main

from tests.docs.pages import EXAMPLE, reader_at

Captured = pytest.CaptureFixture[str]
BUILD = ["build", "--config", "own/variants.yaml", "--ds", "2026-01-01"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shop with variants, of which one asks for what no build gives."""
    shutil.copytree(EXAMPLE, tmp_path / "own", ignore=lambda *_: {"warehouse", "ablation"})
    config = tmp_path / "own" / "variants.yaml"
    text = config.read_text(encoding="utf-8")
    kept, _, _ = text.partition("  easy_only:")
    config.write_text(f"{kept}  bad: {{gates: {{hard_share: {{fail: {{least: 2}}}}}}}}\n", "utf-8")
    return tmp_path


class DescribeBuildOfAConfigWithVariants:
    def it_releases_all_but_those_that_fail(
        self, spark: SparkSession, folder: Path, capsys: Captured
    ) -> None:
        with reader_at(folder, spark):
            assert main(BUILD) == 3
        told = capsys.readouterr()
        assert told.out.count(" released: ") == 2
        assert "2026-01-01 as_is released: " in told.out
        assert "2026-01-01 bad was not released" in told.out
        assert told.err.splitlines()[-1].startswith("variant bad: gate hard_share: ")
        assert "flatter: sample …" in told.err

    def it_tells_machines_what_was_made_and_what_was_not(
        self, spark: SparkSession, folder: Path, capsys: Captured
    ) -> None:
        with reader_at(folder, spark):
            assert main([*BUILD, "--json"]) == 3
        told = capsys.readouterr()
        record = json.loads(told.out)
        assert list(record) == ["variants", "failed", "seconds"]
        assert list(record["variants"]) == ["as_is", "flatter"]
        assert record["variants"]["flatter"]["warehouse"] == str(folder / "own/ablation/flatter")
        assert record["failed"]["bad"][0]["where"] == "gate hard_share"
        (problem,) = json.loads(told.err)["problems"]
        assert problem["where"] == "variant bad: gate hard_share"

    def it_builds_the_one_that_is_named(
        self, spark: SparkSession, folder: Path, capsys: Captured
    ) -> None:
        with reader_at(folder, spark):
            assert main([*BUILD, "--variant", "flatter"]) == 0
            assert [path.name for path in Path("own/ablation").iterdir()] == ["flatter"]
            assert main([*BUILD, "--variant", "steeper"]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error == (
            "--variant: the config has no such variant, found steeper, expected one of as_is, "
            "flatter, bad."
        )


class DescribeOtherCommandsOfAConfigWithVariants:
    def it_has_to_be_told_which_warehouse(
        self, folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        assert main(["releases", "--config", "own/variants.yaml"]) == 2
        where = folder / "own" / "ablation"
        assert capsys.readouterr().err == (
            "--warehouse: the config has variants, and each has a warehouse of its own; which "
            f"one?, expected one of {where / 'as_is'}, {where / 'flatter'}, {where / 'bad'}.\n"
        )

    def it_explains_all_or_one(
        self, folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        words = ["explain", "--config", "own/variants.yaml"]
        assert main(words) == 0
        assert "Variant flatter\n" in capsys.readouterr().out
        assert main([*words, "--variant", "flatter"]) == 0
        told = capsys.readouterr().out
        assert "Variant" not in told and "W = (f + 1)^0.5" in told
        assert main([*words, "--ds", "2026-01-01"]) == 2
        assert capsys.readouterr().err.startswith("--variant: the config has variants; which one?")

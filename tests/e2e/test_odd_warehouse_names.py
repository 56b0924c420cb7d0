"""A warehouse may have any name that a folder can have: all that is built there can be read."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.release.opening import open_release

from tests.config.configs_for_tests import NO_RANKING, written
from tests.events.handmade import build_day
from tests.odd_names import ODD

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
DAY = date(2026, 3, 1)


class DescribeAWarehouseWithAnOddName:
    def it_holds_a_release_that_is_read_back(self, spark: SparkSession, tmp_path: Path) -> None:
        shutil.copytree(GOLDEN / "logs", tmp_path / "logs")
        shutil.copy(GOLDEN / "winnow.yaml", tmp_path)
        config = load_config(tmp_path / "winnow.yaml")
        odd = config.model_copy(update={"warehouse": str(tmp_path / ODD)})
        build_day(odd, spark, DAY)
        release = open_release(tmp_path / ODD, ds=DAY)
        for table in ("positives", "training_samples", "rejected"):
            pin = release.releases[-1].pin(table)
            assert pin is not None
            assert pin.content.rows > 0
            assert release.arrow(table).count_rows() == pin.content.rows
            assert release.polars(table).collect().height == pin.content.rows
        assert [p.name for p in tmp_path.iterdir() if p.name not in ("logs", "winnow.yaml")] == [
            ODD
        ]

    @pytest.mark.parametrize("place", ["argument", "config", "folder of the config"])
    def it_is_refused_where_libraries_take_it_for_another(
        self, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / ("b%20c" if place == "folder of the config" else "plain")
        folder.mkdir()
        text = NO_RANKING + ("warehouse: 'b%20c'\n" if place == "config" else "")
        words = ["releases", "--config", str(written(folder, text))]
        words += ["--warehouse", str(tmp_path / "b%20c")] if place == "argument" else []
        assert main(words) == 2
        assert "without % and two hex digits" in capsys.readouterr().err

    @pytest.mark.parametrize("sign", ["[", "]", "\\", "^", "|"])
    def it_is_refused_where_delta_rs_would_end_the_process(
        self, tmp_path: Path, sign: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["releases", "--warehouse", str(tmp_path / f"shop{sign}eu")]) == 2
        assert r"without [ ] \ ^ and | in its whole path" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["line\nend", "tab\tulator", "\x1b[31m"])
    def it_is_refused_where_it_would_break_lines(
        self, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["releases", "--warehouse", str(tmp_path / name)]
        assert main(words) == 2
        assert "without line ends and control characters" in capsys.readouterr().err

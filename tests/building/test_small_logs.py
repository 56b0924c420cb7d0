"""Small logs: told by the sizes of files alone, for Spark's compiler to be chosen by."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from winnow.building.small_logs import logs_are_small
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.errors import Problem, RequirementError

_TEXT = "logs: {impressions: {path: i}, clicks: {path: %s}}\nnegatives: {hard: []}\n"
_HALF = 48 * 2**20


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A config whose impressions are one file of half of what is small, and clicks as much."""
    (tmp_path / "winnow.yaml").write_text(_TEXT % "c")
    for name in ("i", "c/ds=2026-01-01"):
        (tmp_path / name).mkdir(parents=True)
        _file_of(tmp_path / name / "part-0.parquet", _HALF)
    return load_config(tmp_path / "winnow.yaml")


def _file_of(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


class DescribeSmallLogs:
    def it_finds_96_mib_of_all_logs_small_and_a_byte_more_large(
        self, config: Config, tmp_path: Path
    ) -> None:
        assert logs_are_small(config)
        _file_of(tmp_path / "c/one", 1)
        assert not logs_are_small(config)

    @pytest.mark.parametrize(
        "change",
        [
            lambda logs: logs.joinpath("c/more").symlink_to(logs / "i"),
            lambda logs: logs.joinpath("c").rename(logs / "d"),
            lambda logs: [logs.joinpath("c", str(i)).touch() for i in range(2_000)],
        ],
        ids=["a link", "a log that is missing", "too many files"],
    )
    def it_finds_none_small_that_it_cannot_tell_at_once(
        self, change: Callable[[Path], object], config: Config, tmp_path: Path
    ) -> None:
        change(tmp_path)
        assert not logs_are_small(config)

    @pytest.mark.parametrize("path", ["s3://bucket/clicks", "c*"])
    def it_finds_none_small_that_is_no_plain_folder(
        self, path: str, config: Config, tmp_path: Path
    ) -> None:
        (tmp_path / "winnow.yaml").write_text(_TEXT % path)
        assert not logs_are_small(load_config(tmp_path / "winnow.yaml"))

    @pytest.mark.parametrize("small", [True, False])
    def it_is_what_a_build_starts_its_engine_with(
        self, small: bool, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started = []

        def start_engine(*_words: object, small_data: bool, **_more: object) -> NoReturn:
            started.append(small_data)
            raise RequirementError(Problem("engine", "it is not here"))

        monkeypatch.setattr("winnow.engine.choice.start_engine", start_engine)
        if not small:
            _file_of(tmp_path / "i/one", 1)
        words = ["build", "--config", str(tmp_path / "winnow.yaml"), "--ds", "2026-01-01"]
        assert main(words) == 1
        assert started == [small]

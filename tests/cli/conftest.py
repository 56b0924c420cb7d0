"""What the tests of commands share: a shop's logs, no engine or a shared one, their JSON."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.engine.choice import engine_of

from tests.docs.pages import EXAMPLE

Told = Callable[..., dict[str, Any]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The shop's config, beside logs that a test may change."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "warehouse", ignore_errors=True)
    return tmp_path / "winnow.yaml"


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_args: object, **_more: object) -> None:
        raise AssertionError("an engine was started")

    monkeypatch.setattr("winnow.engine.choice.start_engine", started)


@pytest.fixture
def shared_engine(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = engine_of(spark)
    vars(shared)["stop"] = lambda: None
    monkeypatch.setattr("winnow.engine.choice.start_engine", lambda *_, **__: shared)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a command that succeeds and returns what it prints as JSON."""

    def run(*words: str) -> dict[str, Any]:
        assert main([*words, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run

"""Configs written for a test, and what a person is told of them."""

from pathlib import Path

import pytest
from winnow.config.loading import load_config
from winnow.errors import ConfigError, Problem

LOGS = """
logs:
  impressions: {path: i}
  clicks: {path: c}
"""
NO_RANKING = LOGS + "negatives: {hard: []}\n"
WITH_RANKING = LOGS + "  ranking_log: {path: r}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "winnow.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load_config(written(folder, text))
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def sentences(folder: Path, text: str) -> list[str]:
    return [str(problem) for problem in problems(folder, text)]


def keys(folder: Path, text: str) -> list[str]:
    return [problem.where.split(" ")[0] for problem in problems(folder, text)]

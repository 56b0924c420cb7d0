"""The page of the config says what every key means, and is what the models say."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "make_configuration.py"))


class DescribeTheConfigurationPage:
    def it_is_up_to_date(self, page: dict[str, Any]) -> None:
        written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
        assert written == page["render"](), "run python docs/make_configuration.py"

    def it_says_what_every_key_means(self, page: dict[str, Any]) -> None:
        keys = page["known_keys"]()
        assert len(set(keys)) > 50
        assert set(page["meanings"]()) == set(keys)

    @pytest.mark.parametrize(
        "line",
        [
            "| `per_positive` | whole number, ≥ 1, ≤ 10000 | `20` |",
            "| `exposure_lookback_days` | whole number, ≥ 0, ≤ 365 | `7` |",
            '| `selection` | `random`, `top`, `tail`, `score` | `"random"` |',
            "| `from` | `impressions`, `clicks`, `ranking_log` |  |",
        ],
    )
    def it_takes_ranges_and_defaults_from_the_models(self, line: str, page: dict[str, Any]) -> None:
        assert line in page["render"]()

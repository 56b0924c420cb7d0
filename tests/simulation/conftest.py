from pathlib import Path

import pytest

from tests.simulation.simulated import Simulated, run


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Two busy dates without a broken row."""
    return run(tmp_path_factory.mktemp("clean"), days=2, requests_per_day=4_000)


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Three dates, one of them history, with one broken row for each fifty."""
    return run(tmp_path_factory.mktemp("dirty"), days=2, history_days=1, dirty_share=0.02)


@pytest.fixture()
def out(tmp_path: Path) -> Path:
    return tmp_path / "simulated"

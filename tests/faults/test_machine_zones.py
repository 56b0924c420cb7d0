"""A whole build on machines of other time zones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from winnow.release.opening import open_release
from winnow.release.release import ContentHash

from tests.child_process import child_environment
from tests.cli.conftest import shop
from tests.conftest import TEST_ENGINE

__all__ = ["shop"]


@pytest.mark.proof
@pytest.mark.both_engines
class DescribeMachinesOfOtherZones:
    @pytest.mark.fault(24)
    def it_builds_the_same_content_on_each(self, shop: Path) -> None:
        tokyo, york = (contents(shop, zone) for zone in ("Asia/Tokyo", "America/New_York"))
        assert tokyo == york
        assert tokyo["training_samples"].rows > 0


def contents(shop: Path, zone: str) -> dict[str, ContentHash]:
    folder = shop.parent / zone.replace("/", "-")
    shutil.copytree(shop.parent, folder, ignore=shutil.ignore_patterns("A*-*"))
    config = folder / shop.name
    words = [sys.executable, "-m", "winnow.cli.main", "build", "--config", str(config)]
    subprocess.run(
        [*words, "--ds", "2026-01-01", "--engine", TEST_ENGINE],
        env=child_environment() | {"TZ": zone, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
    )
    (release,) = open_release(folder / "warehouse").releases
    return {pin.table: pin.content for pin in release.tables}

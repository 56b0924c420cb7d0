"""Pages that lead through the code name files that are there."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=lambda page: page.name)
PACKAGE = ROOT / "pipelines" / "winnow"
_FILE = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.py)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
class DescribeAPage:
    def it_names_only_files_that_are_there(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        named = set(_FILE.findall(text))
        there = {name for name in named if any((top / name).is_file() for top in (ROOT, PACKAGE))}
        assert sorted(named - there) == []


class DescribeTheJourney:
    def it_passes_through_every_folder_of_the_way(self) -> None:
        text = (ROOT / "docs" / "how_a_row_travels.md").read_text(encoding="utf-8")
        folders = {name.split("/")[0] for name in _FILE.findall(text)}
        way = {"logs", "contracts", "events", "sampler", "tables", "audit", "release", "building"}
        assert folders == way

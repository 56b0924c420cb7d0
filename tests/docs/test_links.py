"""Links between pages lead to a file and a heading that are there; each page is linked."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("recipes/*")))
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def headings(page: Path) -> set[str]:
    """The names by which headings are linked: small letters, hyphens, no other signs."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[tuple[str, Path, str]]:
    """What a page links within the project: the link, its file, and its heading or nothing."""
    found = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        name, _, heading = link.partition("#")
        if "://" not in link:
            found.append((link, (page.parent / name).resolve() if name else page, heading))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
class DescribeTheLinksOfAPage:
    def it_has_none_that_leads_nowhere(self, page: Path) -> None:
        dead = [
            link
            for link, file, heading in links(page)
            if not file.exists() or (heading and heading not in headings(file))
        ]
        assert dead == []


class DescribeTheReadersWay:
    def it_reaches_every_page_from_the_readme(self) -> None:
        reached, ahead = {README}, [README]
        while ahead:
            new = {file for _, file, _ in links(ahead.pop()) if file in PAGES} - reached
            reached |= new
            ahead += new
        assert sorted(page.name for page in {*PAGES} - reached) == []

    def it_reaches_every_page_of_docs_in_one_step(self) -> None:
        linked = {file for _, file, _ in links(README)}
        pages = {*(ROOT / "docs").glob("*.md")}
        assert sorted(page.name for page in pages - linked) == []

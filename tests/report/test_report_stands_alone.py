"""Every page needs nothing but itself, trusts no text, and says in words what it draws."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from winnow.report.page import render

from tests.report import sample_pages
from tests.report.reading import read, words
from tests.report.rendered import NAMES, html_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=NAMES)
def html(request: pytest.FixtureRequest) -> str:
    return html_of(str(request.param))


class DescribeAnyPage:
    def it_loads_nothing(self, html: str) -> None:
        assert not re.search(r"https?://|//[a-z]|@import|@font-face|url\((?!#)", html)
        elements = read(html).everything()
        assert not [e.name for e in elements if {"src", "srcset", "action"} & e.attributes.keys()]
        assert not {e.name for e in elements} & {"script", "link", "iframe", "object", "img"}

    def it_closes_every_element_and_gives_each_id_once(self, html: str) -> None:
        ids = [e.attributes["id"] for e in read(html).everything() if "id" in e.attributes]
        assert len(ids) == len(set(ids))

    def it_leads_only_to_places_that_are_there(self, html: str) -> None:
        page = read(html)
        ids = {e.attributes.get("id") for e in page.everything()}
        links = [link.attributes["href"] for link in page.all("a")]
        assert links
        assert {link[1:] for link in links if link.startswith("#")} <= ids
        assert [link for link in links if not link.startswith("#")] == []

    def it_has_no_code_of_strangers(self, html: str) -> None:
        assert "<script" not in html
        assert not [
            name for e in read(html).everything() for name in e.attributes if name.startswith("on")
        ]

    def it_names_and_describes_every_chart(self, html: str) -> None:
        page = read(html)
        for chart in page.all("svg", "chart"):
            assert chart.attributes["role"] == "img"
            labels = chart.attributes["aria-labelledby"].split()
            assert len(labels) == 2
            assert all(words(page.by_id(label)) for label in labels)

    def it_says_in_words_what_each_chart_shows_and_lists_its_figures(self, html: str) -> None:
        for figure in read(html).all("figure"):
            (finding,) = figure.all("p", "finding")
            assert re.search(r"\.$", words(finding))
            (details,) = figure.all("details")
            assert details.all("td")

    def it_has_one_main_heading_and_no_section_without_one(self, html: str) -> None:
        page = read(html)
        assert len(page.all("h1")) == 1
        assert page.all("html")[0].attributes["lang"] == "en"
        assert all(s.all("h2") or s.attributes.get("aria-label") for s in page.all("section"))

    def it_is_the_same_every_time(self) -> None:
        assert render(sample_pages.page()) == html_of("released")
        assert render(sample_pages.failed_page()) == html_of("failed")

    def it_is_small(self, html: str) -> None:
        assert len(html.encode()) < 500_000


class DescribeTheTemplates:
    def it_works_from_a_zip(self, tmp_path: Path) -> None:
        archive = tmp_path / "winnow.zip"
        with zipfile.ZipFile(archive, "w") as made:
            for folder in ("tests", "tests/report"):
                made.mkdir(folder)
            for folder in ("pipelines", "tests/report"):
                for path in sorted((ROOT / folder).rglob("*")):
                    if path.suffix in {".py", ".html", ".css"}:
                        made.write(path, path.relative_to(ROOT))
        code = (
            f"import sys; sys.path[:0] = [{str(archive / 'pipelines')!r}, {str(archive)!r}]\n"
            "from winnow.report import page; assert 'winnow.zip' in page.__file__\n"
            "from tests.report.sample_pages import page as sample\n"
            "sys.stdout.write(str(len(page.render(sample()))))"
        )
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert child.returncode == 0, child.stderr
        assert int(child.stdout) == len(html_of("released"))

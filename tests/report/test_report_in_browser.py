"""The page as a person meets it: in a browser, on a phone, in the dark, with a keyboard."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.report.rendered import NAMES, html_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.proof

# Screenshots are kept for a look; git ignores the folder.
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts" / "report"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's chromium; nothing is ever downloaded for a test."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("no playwright: pip install playwright (its own browsers are not needed)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@dataclass
class Visit:
    """An open page, with all that it asked the network for and all that it complained about."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def evaluate(self, code: str) -> Any:
        return self.page.evaluate(code)


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: "Browser", tmp_path: Path) -> Iterator[Open]:
    """Open one of the pages from a file."""
    contexts = []

    def open_page(
        name: str, *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
    ) -> Visit:
        file = tmp_path / f"{name}.html"
        file.write_text(html_of(name), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        opened = Visit(context.new_page())
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.goto(file.as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", NAMES)
class DescribeAnyPageInABrowser:
    def it_opens_from_a_file_without_a_complaint_or_a_request(self, name: str, visit: Open) -> None:
        opened = visit(name)
        assert opened.complaints == []
        assert [url for url in opened.requests if not url.startswith("file://")] == []
        assert len(opened.requests) == 1

    @pytest.mark.parametrize("width", [360, 768, 1280])
    def it_never_scrolls_sideways(self, name: str, width: int, visit: Open) -> None:
        opened = visit(name, width=width)
        # Folded parts count: a person opens them.
        opened.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        wide = opened.evaluate(
            "[...document.querySelectorAll('main *')]"
            ".filter(e => !e.closest('.scroll, svg, .unseen'))"
            f".filter(e => e.getBoundingClientRect().right > {width} + 1)"
            ".map(e => e.outerHTML.slice(0, 90))"
        )
        assert wide == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def it_can_be_read_in_any_light(self, name: str, scheme: str, visit: Open) -> None:
        opened = visit(name, scheme=scheme)
        opened.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        poor = opened.evaluate(CONTRAST)
        assert poor["checked"] > 20
        assert poor["poor"] == []


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *((name, "light", 1280) for name in NAMES),
        ("released", "dark", 1280),
        ("released", "light", 360),
        ("failed", "dark", 360),
        ("comparison", "light", 360),
    ],
)
class DescribeThePictures:
    def it_keeps_one_for_a_person_to_look_at(
        self, name: str, scheme: str, width: int, visit: Open
    ) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        picture = ARTIFACTS / f"{name}-{scheme}-{width}.png"
        visit(name, scheme=scheme, width=width).page.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 10_000


class DescribeTheCharts:
    def it_draws_each_with_a_size(self, visit: Open) -> None:
        opened = visit("released")
        sizes = opened.evaluate(
            "[...document.querySelectorAll('svg.chart')].map(c => [c.id,"
            " c.getBoundingClientRect().width, c.getBoundingClientRect().height,"
            " [...c.querySelectorAll('rect, circle')].filter("
            "   m => m.getBoundingClientRect().width > 0.5).length])"
        )
        assert len(sizes) == 13
        assert [key for key, width, height, _ in sizes if width < 250 or height < 80] == []
        assert [key for key, _, _, marks in sizes if marks < 3] == []

    @pytest.mark.parametrize("width", [360, 1280])
    def it_keeps_all_texts_of_a_chart_inside_of_it(self, width: int, visit: Open) -> None:
        outside = visit("released", width=width).evaluate(
            "[...document.querySelectorAll('svg.chart text')].filter(t => {"
            " const a = t.getBoundingClientRect(),"
            " b = t.closest('figure').getBoundingClientRect();"
            " return a.left < b.left || a.right > b.right; }).map(t => t.textContent)"
        )
        assert outside == []

    def it_magnifies_in_the_funnel_what_goes_on(self, visit: Open) -> None:
        share = visit("released").evaluate(
            "(() => { const r = [...document.querySelectorAll('#chart-funnel rect')];"
            " const w = e => e.getBoundingClientRect().width;"
            " return w(r[6]) / (w(r[6]) + w(r[7])); })()"
        )
        assert share == pytest.approx(33_117 / 40_380, abs=0.01)


class DescribeTheVerdict:
    @pytest.mark.parametrize(
        ("name", "hue", "words"),
        [
            ("failed", "red", "Failed: nothing was published"),
            ("warned", "amber", "Released with warnings"),
            ("released", "green", "Passed and released"),
        ],
    )
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def it_is_told_by_colour_and_in_words(
        self, name: str, hue: str, words: str, scheme: str, visit: Open
    ) -> None:
        opened = visit(name, scheme=scheme)
        assert words in opened.page.inner_text("#verdict h2")
        style = "getComputedStyle(document.querySelector('#verdict h2')).color.match(/\\d+/g)"
        red, green, blue = map(int, opened.evaluate(style)[:3])
        if hue == "green":
            assert green > red and green > blue
        else:
            assert red > green >= blue - 10
            assert (green > 1.3 * blue) == (hue == "amber")

    def it_says_on_the_first_screen_of_a_phone_why_a_run_failed(self, visit: Open) -> None:
        opened = visit("failed", width=360)
        box = opened.page.locator("#verdict li").first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 640
        reason = opened.page.locator("#verdict li").first.inner_text()
        assert "1,284\N{NO-BREAK SPACE}rows" in reason


class DescribeTheKeyboard:
    def it_reaches_the_content_and_then_each_section(self, visit: Open) -> None:
        opened = visit("released")
        reached = []
        for _ in range(15):
            opened.page.keyboard.press("Tab")
            reached.append(opened.evaluate("document.activeElement.getAttribute('href')"))
        assert reached[:4] == ["#main", "#verdict", "#gates", "#funnel"]
        assert "#config" in reached

    def it_shows_where_one_is(self, visit: Open) -> None:
        opened = visit("released")
        opened.page.keyboard.press("Tab")
        left = "document.activeElement.getBoundingClientRect().left"
        assert opened.evaluate(left) >= 0
        opened.page.keyboard.press("Tab")
        style = "getComputedStyle(document.activeElement)"
        assert opened.evaluate(f"{style}.outlineStyle") == "solid"
        assert float(opened.evaluate(f"{style}.outlineWidth").removesuffix("px")) >= 2

    def it_opens_what_is_folded(self, visit: Open) -> None:
        opened = visit("released")
        opened.page.locator("#chart-funnel ~ details summary").focus()
        opened.page.keyboard.press("Enter")
        assert opened.page.locator("#chart-funnel ~ details table").is_visible()


class DescribeTheNavigation:
    @pytest.mark.parametrize("width", [360, 1280])
    def it_leads_to_headings_that_nothing_covers(self, width: int, visit: Open) -> None:
        opened = visit("failed", width=width)
        opened.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
        for key in ("gates", "hard", "rejected"):
            opened.page.locator(f"nav a[href='#{key}']").click()
            seen = opened.evaluate(
                f"(() => {{ const b = document.getElementById('{key}-heading')"
                ".getBoundingClientRect();"
                " return document.elementFromPoint(b.left + 5, b.top + 3).id; })()"
            )
            assert seen == f"{key}-heading"


class DescribeThePrint:
    def it_leaves_out_the_navigation_and_keeps_the_verdict(self, visit: Open) -> None:
        opened = visit("failed")
        opened.page.emulate_media(media="print")
        assert not opened.page.locator("nav").is_visible()
        assert opened.page.locator("#verdict").is_visible()

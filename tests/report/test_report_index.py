"""The page over all dates: what stands in it, and where it leads."""

from dataclasses import replace
from datetime import date

from winnow.report.history import HistoryEntry
from winnow.report.index import IndexEntry, render_index

from tests.report.reading import read, words
from tests.report.sample_gates import NASTY
from tests.report.sample_pages import DAY, history

ENTRIES = [
    IndexEntry(entry, 2 if entry.verdict == "warn" else 0, f"{entry.release_id}/index.html")
    for entry in history(6)
]


def table_rows(html: str) -> list[list[str]]:
    """The cells of each row of the table of dates."""
    dates = read(html).all("tbody")[0]
    return [[words(cell) for cell in (*row.all("th"), *row.all("td"))] for row in dates.all("tr")]


class DescribeTheIndex:
    def it_lists_each_date_once_the_latest_first(self) -> None:
        rows = table_rows(render_index(ENTRIES[::-1]))
        assert [row[0][:10] for row in rows] == [
            f"2026-03-{day}" for day in (16, 15, 14, 13, 12, 11)
        ]

    def it_says_verdict_and_volumes(self) -> None:
        row = table_rows(render_index(ENTRIES))[3]
        assert row[1] == "with warnings: 2 gates"
        assert row[2:] == ["31,437", "314,370", "282,420", "1.73 %", "4.93 %", "12,400", "9,904"]

    def it_leads_to_each_page_and_to_places_that_are_there(self) -> None:
        page = read(render_index(ENTRIES))
        links = [link.attributes["href"] for link in page.all("a")]
        ids = {element.attributes.get("id") for element in page.everything()}
        assert {link[1:] for link in links if link.startswith("#")} <= ids
        assert [link for link in links if not link.startswith("#")] == [
            f"{one.entry.release_id}/index.html" for one in ENTRIES
        ]

    def it_names_dates_without_a_release(self) -> None:
        few = [one for one in ENTRIES if one.entry.ds.day not in (13, 14)]
        (facts,) = read(render_index(few)).all("ul", "facts")
        assert [words(fact) for fact in facts.all("li")] == [
            "4 dates", "4 passed", "no release of 2026-03-13 to 2026-03-14",
        ]  # fmt: skip

    def it_shows_a_release_that_holds_no_audit_without_a_link(self) -> None:
        entry = IndexEntry(HistoryEntry("old", date(2026, 1, 1), None))
        html = render_index([entry])
        assert table_rows(html)[0][:2] == ["2026-01-01old", "not known"]
        assert [a for a in read(html).all("a") if not a.attributes["href"].startswith("#")] == []

    def it_trusts_no_text_and_loads_nothing(self) -> None:
        nasty = replace(history(1)[0], release_id=NASTY, ds=DAY)
        html = render_index([IndexEntry(nasty, 0, f"{NASTY}/index.html")])
        assert "<script" not in html
        assert not {e.name for e in read(html).everything()} & {"script", "link", "img"}

    def it_can_be_empty(self) -> None:
        assert "Nothing was released yet." in render_index([])

"""The page of a release says what the audit found, escapes all of it, and needs nothing else."""

import re
from dataclasses import replace
from pathlib import Path

from winnow.audit.record import AuditRecord, Funnel, HardOrigin, Histogram
from winnow.report.page import ReportPage, render
from winnow.report.sections.negatives import hard_section

from tests.report import sample_audit, sample_pages
from tests.report.reading import Element, read, words
from tests.report.rendered import html_of
from tests.report.sample_gates import NASTY, gates

ROOT = Path(__file__).resolve().parents[2]
CHARTS = [
    "chart-funnel",
    "chart-thinning",
    "chart-spread",
    "chart-amounts",
    "chart-draws",
    "chart-hard",
    "chart-starving",
    "chart-balance",
    "chart-starving-items",
    "chart-balance-items",
    "chart-log-q",
    "chart-shortfall",
    "chart-rejected",
]


class DescribeRender:
    def it_shows_the_parts_in_the_order_in_which_people_ask(self) -> None:
        keys = [s.attributes["id"] for s in read(html_of("released")).all("section")]
        assert keys == [
            *("verdict", "gates", "funnel", "popularity", "easy", "hard", "exclusion", "log-q"),
            *("shortfall", "rejected", "history", "inputs", "config"),
        ]

    def it_draws_every_chart(self) -> None:
        drawn = [c.attributes["id"] for c in read(html_of("released")).all("svg", "chart")]
        assert drawn == CHARTS

    def it_says_why_a_run_failed_before_anything_else(self) -> None:
        verdict = read(html_of("failed")).by_id("verdict")
        assert "fail" in verdict.attributes["class"].split()
        text = words(verdict)
        assert text.startswith("Failed: nothing was published")
        assert "Of 13 gates: 1 failed, 1 could not be checked, 1 warning, 10 passed." in text
        reasons = [words(reason) for reason in verdict.all("li")]
        assert reasons[0] == (
            "no exposed negatives failed: found 1,284 rows, allowed exactly 0 rows. Negatives "
            "that their user was shown within the exclusion window. First of them: user 8812, "
            f"item {NASTY}."
        )
        assert reasons[1].startswith("log q is true could not be checked: allowed at least p =")
        assert reasons[2].startswith("shortfall share warning: found 2.14 %, allowed at most 2 %")

    def it_tells_a_warning_from_a_pass(self) -> None:
        warned, passed = (read(html_of(name)).by_id("verdict") for name in ("warned", "released"))
        assert words(warned).startswith("Released with warnings")
        assert words(passed) == "Passed and released All 12 gates passed."

    def it_puts_failed_gates_first_and_folds_those_that_passed(self) -> None:
        gates = read(html_of("failed")).by_id("gates")
        groups = [words(head) for head in gates.all("h3")]
        assert groups[:2] == ["easy negatives", "mix"]
        assert len(groups) == 8
        folded = [row for fold in gates.all("details") for row in fold.all("tr", "gate")]
        assert {"pass" in row.attributes["class"].split() for row in folded} == {True}
        assert len(folded) == 10
        assert len(gates.all("tr", "gate")) == 13

    def it_names_the_release_or_the_run_that_was_not_released(self) -> None:
        assert "20260318T031412Z-7f3a" in words(read(html_of("released")).all("header")[0])
        assert "not released" in words(read(html_of("failed")).all("header")[0])

    def it_adds_up_the_funnel(self) -> None:
        facts = [words(fact) for fact in read(html_of("released")).by_id("funnel").all("li")]
        assert (
            "5,466,210 rows read = 4,973,474 valid + 3,430 duplicate + 1,052 rejected + "
            "12,974 filtered + 475,280 of another date." in facts
        )
        assert "40,380 clicked = 33,117 kept + 7,263 thinned out." in facts
        assert (
            "662,340 negatives asked for = 331,170 easy + 298,020 hard + 19,016 fill + "
            "14,134 missing." in facts
        )

    def it_says_where_rows_do_not_add_up(self) -> None:
        record = sample_audit.record()
        broken = sample_audit.FUNNEL.model_copy(update={"requested": 700_000})
        page = read(render(sample_pages.page(record.model_copy(update={"funnel": broken}))))
        assert "This does not add up: the parts make 662,340." in words(page.by_id("funnel"))

    def it_gives_tables_whose_columns_add_up(self) -> None:
        page = read(html_of("released"))
        checked = 0
        for table in page.all("table"):
            for total in [row for foot in table.all("tfoot") for row in foot.all("tr")]:
                rows = [numbers(row) for row in table.all("tbody")[0].all("tr")]
                for column, expected in enumerate(numbers(total)):
                    if expected is not None and all(row[column] is not None for row in rows):
                        found = sum(row[column] or 0 for row in rows)
                        assert abs(found - expected) <= 1 + len(rows) * 0.06, words(table)
                        checked += 1
        assert checked > 10

    def it_escapes_ids_reasons_and_settings(self) -> None:
        page = read(html_of("released"))
        assert NASTY in words(page.by_id("exclusion"))
        assert NASTY in words(page.by_id("shortfall"))
        assert NASTY in words(page.by_id("rejected"))
        assert NASTY in words(page.by_id("config"))

    def it_says_in_a_sentence_where_there_is_nothing_to_show(self) -> None:
        page = read(html_of("empty"))
        assert page.all("figure") == []
        for section in page.all("section")[1:]:
            (empty,) = section.all("p", "empty")
            assert words(empty).endswith(".")

    def it_compares_with_the_last_releases(self) -> None:
        table = read(html_of("released")).by_id("history").all("table")[0]
        heads = [words(head) for head in table.all("thead")[0].all("th")]
        assert [head[:10] for head in heads[2:4]] == ["2026-03-17", "2026-03-16"]
        assert "this page" in heads[2]
        rows = {words(row.all("th")[0]): row for row in table.all("tbody")[0].all("tr")}
        assert words(rows["kept"].all("td")[1]) == "33,117"
        assert words(rows["click rate"].all("td")[1]) == "4.97 %"

    def it_shows_itself_once_where_the_history_holds_it(self) -> None:
        page = sample_pages.page()
        again = render(replace(page, history=(page.as_entry(), *page.history)))
        assert again == html_of("released")

    def it_opens_where_all_figures_are_zero(self) -> None:
        nothing = AuditRecord(
            verdict="pass",
            gates=(),
            funnel=Funnel(
                logs={},
                **dict.fromkeys(
                    (*("exposed", "clicked", "kept", "requested"), *sample_audit.NEGATIVES), 0
                ),
            ),
            bands=tuple(
                band.model_copy(update={"q": 0.0, "expected": 0.0, "kept": 0})
                for band in sample_audit.bands()
            ),
            top_items=tuple(
                item.model_copy(update={"q": 0.0, "expected": 0.0, "kept": 0, "drawn": 0})
                for item in sample_audit.top_items(3)
            ),
        )
        page = read(render(sample_pages.page(nothing)))
        assert "10 of 10 bands lie outside" in words(page.by_id("easy"))
        assert "Item" in words(page.by_id("exclusion"))

    def it_counts_the_rows_of_a_log_in_one_place_only(self) -> None:
        page = sample_pages.page()
        with_funnel, without = (
            [words(key) for key in read(html).by_id("inputs").all("dt")]
            for html in (
                render(page),
                render(replace(page, record=page.record.model_copy(update={"funnel": None}))),
            )
        )
        assert "logs.clicks.read" not in with_funnel
        assert "logs.clicks.folders" in with_funnel
        assert "logs.clicks.read" in without

    def it_says_where_popularity_knows_nothing(self) -> None:
        record = sample_audit.record()
        bands = tuple(band.model_copy(update={"clicks": 0}) for band in record.bands)
        page = read(render(sample_pages.page(record.model_copy(update={"bands": bands}))))
        assert "all are equally popular" in words(page.by_id("popularity"))
        assert "all are equally popular" not in words(read(html_of("released")).by_id("popularity"))

    def it_draws_no_empty_ends_of_the_histogram(self) -> None:
        histogram = Histogram(edges=tuple(range(-9, 1)), counts=(0, 0, 0, 7, 0, 5, 0, 0, 0))
        record = sample_audit.record().model_copy(update={"log_q": histogram})
        table = read(render(sample_pages.page(record))).by_id("log-q").all("tbody")[0]
        rows = [[words(cell) for cell in row.inside] for row in table.all("tr")]
        assert [row[0] for row in rows] == ["−7", "−6", "−5", "−4", "−3"]
        assert [row[3] for row in rows] == ["0", "7", "0", "5", "0"]

    def it_keeps_what_a_gate_is_about_as_it_is_written(self) -> None:
        gate = gates()[0].model_copy(update={"name": "duplicate_keys.hard_negatives"})
        record = sample_audit.record().model_copy(update={"gates": (gate,)})
        rows = read(render(sample_pages.page(record))).by_id("gates").all("tr", "gate")
        assert words(rows[0].all("strong")[0]) == "duplicate keys: hard_negatives"

    def it_shows_settings_that_are_no_json(self) -> None:
        page = read(render(replace(sample_pages.page(), config_json="{broken")))
        assert "{broken" in words(page.by_id("config"))


class DescribeHardNegativesThatUsersRejected:
    def it_tells_them_apart_from_those_of_stages(self) -> None:
        of_users = HardOrigin(
            stage="negative_feedback", source="negative_feedback", hardness=3, band=None, rows=1_234
        )
        both = words_of_section((*sample_audit.hard_origins(), of_users))
        assert "298,020 hard negatives come from 2 stages" in both
        assert "1,234 more are items that their users rejected, of no stage." in both
        assert "does not tell the place" not in both
        alone = words_of_section((of_users,))
        assert "All 1,234 hard negatives are items that their users rejected." in alone


def words_of_section(origins: tuple[HardOrigin, ...]) -> str:
    section = hard_section(origins, None)
    return f"{section.empty} {' '.join(map(str, section.charts))}"


class DescribeReportPage:
    def it_is_named_after_its_release_or_its_run(self) -> None:
        page: ReportPage = sample_pages.page()
        assert page.name == "20260318T031412Z-7f3a"
        assert sample_pages.empty_page().name == "run run1"


def numbers(row: Element) -> list[float | None]:
    """The figures of a row; None where a cell is no plain figure or a share."""
    found: list[float | None] = []
    for cell in row.all("td"):
        text = words(cell).replace(",", "").removesuffix(" %")
        found.append(float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None)
    # Shares of kept and the like are shares of their own row: they add up to nothing.
    shares = [words(cell).endswith("%") for cell in row.all("td")]
    return [None if share else value for value, share in zip(found, shares, strict=True)]

"""Two releases side by side: only what differs stands out."""

from winnow.report.compare import render_comparison

from tests.report import sample_pages
from tests.report.reading import Element, read, words


def compared() -> Element:
    return read(render_comparison(sample_pages.page(), sample_pages.later_page()))


def rows(section: Element) -> dict[str, list[str]]:
    """The rows of the first table by their name, and whether each stands out."""
    return {
        words(row.all("th")[0]): [words(cell) for cell in row.all("td")]
        for row in section.all("tbody")[0].all("tr")
    }


class DescribeRenderComparison:
    def it_says_first_what_changed(self) -> None:
        facts = [words(fact) for fact in compared().all("header")[0].all("li")]
        assert facts == [
            "The audit of A passed, that of B passed with warnings.",
            "1 gate differs in status or figure.",
            "B has 34,020 positives (+903, +2.73 %).",
            "2 settings changed.",
        ]

    def it_shows_both_verdicts(self) -> None:
        verdicts = compared().all("div", "verdict")
        assert [
            "pass" in verdicts[0].attributes["class"],
            "warn" in verdicts[1].attributes["class"],
        ]
        assert "Passed and released" in words(verdicts[0])
        assert "Released with warnings" in words(verdicts[1])

    def it_lists_only_gates_that_differ(self) -> None:
        gates = rows(compared().by_id("gates"))
        assert gates == {"shortfall share mix": ["not checked", "warning 2.14 %"]}

    def it_gives_absolute_and_relative_changes(self) -> None:
        funnel = rows(compared().by_id("funnel"))
        assert funnel["kept"] == ["33,117", "34,020", "+903", "+2.73 %"]
        assert funnel["shortfall"] == ["14,134", "9,004", "−5,130", "−36.3 %"]
        assert funnel["exposed"] == ["812,004", "812,004", "0", "the same"]

    def it_lets_the_rows_that_changed_stand_out(self) -> None:
        strong = [words(row.all("th")[0]) for row in compared().by_id("tables").all("tr", "strong")]
        assert strong == ["positives", "training_samples_pointwise"]

    def it_leaves_open_what_one_side_does_not_have(self) -> None:
        tables = rows(compared().by_id("tables"))
        assert tables["training_samples_pointwise"] == ["–", "647,303", "–", "–"]

    def it_names_the_settings_that_differ_by_their_keys(self) -> None:
        assert rows(compared().by_id("config")) == {
            "epoch": ["–", "1"],
            "negatives.per_positive": ["20", "10"],
        }

    def it_draws_the_bands_of_both(self) -> None:
        page = compared()
        drawn = [chart.attributes["id"] for chart in page.all("svg", "chart")]
        assert drawn == ["chart-kept", "chart-drawn"]
        findings = [words(p) for p in page.by_id("popularity").all("p", "finding")]
        assert findings == [
            "The largest move is in band 1: from 53.5 % to 54.7 %.",
            "No band moved.",
        ]

    def it_finds_nothing_between_a_release_and_itself(self) -> None:
        page = read(render_comparison(sample_pages.page(), sample_pages.page()))
        facts = [words(fact) for fact in page.all("header")[0].all("li")]
        assert facts == [
            "Both audits passed.",
            "No gate differs.",
            "Both have 33,117 positives.",
            "The settings are the same.",
        ]
        assert page.all("tr", "strong") == []

    def it_compares_with_a_run_that_counted_nothing(self) -> None:
        page = read(render_comparison(sample_pages.empty_page(), sample_pages.page()))
        assert rows(page.by_id("funnel"))["kept"] == ["–", "33,117", "–", "–"]
        nothing = read(render_comparison(sample_pages.empty_page(), sample_pages.empty_page()))
        assert words(nothing.by_id("funnel").all("p", "empty")[0]) == (
            "Neither of the two has such figures."
        )

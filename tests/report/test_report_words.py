"""Figures, scales and settings as people read them."""

import math

import pytest
from winnow.config.gates import Bounds
from winnow.report.drawing.scales import by_factors, even
from winnow.report.drawing.svg import tag
from winnow.report.numbers import aligned, allowed, change, plain, share, with_unit
from winnow.report.settings import Changed, Setting, changed_settings, settings_of


def with_spaces(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


class DescribePlain:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (1_234_567, "1,234,567"),
            (0, "0"),
            (-12, "−12"),
            (0.043219, "0.0432"),
            (0.5, "0.5"),
            (1_234.5, "1,234"),
            (0.0000012, "1.2e−6"),
            (None, "–"),
            (math.nan, "not a number"),
            (-math.inf, "−infinite"),
        ],
    )
    def it_gives_the_digits_that_a_figure_carries(self, value: float | None, text: str) -> None:
        assert plain(value) == text


class DescribeAligned:
    def it_keeps_last_zeros(self) -> None:
        values = (0.81, 1.2, 46.0, 119.4, 0.0192)
        assert [aligned(value) for value in values] == ["0.81", "1.20", "46.0", "119", "0.019"]


class DescribeShare:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.99996, "99.996 %"),
            (0.9999999999, "99.999999 %"),
            (0.0497, "4.97 %"),
            (0.82, "82.0 %"),
            (0.00019, "0.019 %"),
            (None, "–"),
        ],
    )
    def it_reads_as_all_or_nothing_only_where_it_is(self, value: float | None, text: str) -> None:
        assert with_spaces(share(value)) == text


class DescribeWithUnit:
    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [
            (1_284, "rows", "1,284 rows"),
            (1, "rows", "1 row"),
            (0.02, "share", "2 %"),
            (0.0001, "p-value", "p = 0.0001"),
            (4, "-log10 p", "−log10 p = 4"),
            (0.034, "PSI", "0.034 PSI"),
            (None, "rows", "could not be computed"),
        ],
    )
    def it_reads_as_a_person_writes_it(self, value: float | None, unit: str, text: str) -> None:
        assert with_spaces(with_unit(value, unit)) == text


class DescribeAllowed:
    @pytest.mark.parametrize(
        ("bounds", "unit", "text"),
        [
            (Bounds(least=0, most=0), "rows", "exactly 0 rows"),
            (Bounds(most=0.05), "share", "at most 5 %"),
            (Bounds(least=0.5, most=2), "times", "0.5 to 2 times"),
            (Bounds(least=0.07, most=0.1), "share", "7 % to 10 %"),
            (Bounds(least=0.001), "p-value", "at least p = 0.001"),
            (Bounds(), "rows", "any figure"),
            (None, "rows", "any figure"),
        ],
    )
    def it_says_both_ends(self, bounds: Bounds | None, unit: str, text: str) -> None:
        assert with_spaces(allowed(bounds, unit)) == text


class DescribeChange:
    def it_gives_the_difference_and_its_share_with_their_signs(self) -> None:
        found = [change(200, 210), change(200, 150), change(0, 5), change(7, 7), change(None, 1)]
        assert [tuple(map(with_spaces, pair)) for pair in found] == [
            ("+10", "+5.00 %"),
            ("−50", "−25.0 %"),
            ("+5", "was 0"),
            ("0", "the same"),
            ("–", "–"),
        ]


class DescribeScales:
    def it_has_ticks_at_round_figures(self) -> None:
        assert even([0.3, 9.1]).ticks == (0, 5, 10)
        assert by_factors([0.4, 230]).ticks == (0.1, 1, 10, 100, 1000)

    def it_keeps_what_lies_beyond_at_its_end(self) -> None:
        scale = even([0, 10])
        assert [scale.at(value) for value in (-5, 0, 5, 10, 99)] == [0, 0, 50, 100, 100]
        assert by_factors([1, 100]).at(0) == 0
        assert by_factors([1, 100]).at(10) == 50

    def it_needs_no_two_different_figures(self) -> None:
        assert even([]).low < even([]).high
        assert 0 < even([3, 3]).at(3) < 100
        assert by_factors([]).at(1) == 0


class DescribeSettingsOf:
    def it_gives_dotted_keys_and_one_line_per_list(self) -> None:
        text = '{"a": {"b": [1, 2], "c": null}, "s": [{"n": true}], "e": [], "t": ""}'
        assert settings_of(text) == (
            Setting("a.b", "1, 2"),
            Setting("a.c", "not set"),
            Setting("s[0].n", "yes"),
            Setting("e", "(none)"),
            Setting("t", "(empty text)"),
        )

    def it_shortens_long_lists_and_keeps_them(self) -> None:
        (setting,) = settings_of('{"days": [1, 2, 3, 4, 5, 6, 7, 8, 9]}')
        assert setting == Setting("days", "1 … 9 (9 values)", "1, 2, 3, 4, 5, 6, 7, 8, 9")

    def it_groups_the_digits_of_counts_only(self) -> None:
        assert settings_of('{"seed": 12345}') == (Setting("seed", "12345"),)
        assert settings_of('{"read": 12345}', counts=True) == (Setting("read", "12,345"),)


class DescribeChangedSettings:
    def it_tells_a_missing_setting_from_an_empty_one(self) -> None:
        assert changed_settings('{"a": 1, "b": []}', '{"b": [2], "c": 3}') == (
            Changed("a", "1", ""),
            Changed("b", "(none)", "2"),
            Changed("c", "", "3"),
        )


class DescribeTag:
    def it_escapes_texts_and_attributes(self) -> None:
        assert tag("text", "<b>&", class_='"x"', x=1.23456) == (
            '<text class="&#34;x&#34;" x="1.23">&lt;b&gt;&amp;</text>'
        )

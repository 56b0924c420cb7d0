"""Configs with the keys easy, hard and mix: they say the same as negatives and funnel."""

from pathlib import Path

import pytest
from winnow.config.loading import load_config

from tests.config.configs_for_tests import LOGS, WITH_RANKING, written

STAGES = (
    "stages: [{name: a, take: cut}, {name: b, take: none}, {name: c, take: low, band: [0.1, 1.0]}]"
)


class DescribeFormerKeys:
    @pytest.mark.parametrize(
        ("former", "now"),
        [
            ("mix: {hard_ratio: 0.0}", "negatives: {hard: []}"),
            (
                "mix: {negatives_per_positive: 5, hard_ratio: 0.4, on_hard_shortfall: leave}",
                "negatives: {per_positive: 5, on_shortfall: leave, "
                "easy: [{source: popularity, share: 0.6}]}",
            ),
            (
                f"hard: {{{STAGES}, selection: top, cut_known_by: passed}}\n"
                "easy: {alpha: 1.0, max_rejections: 3}",
                "funnel: {stages: [{name: a}, {name: b}, {name: c}], cut_known_by: passed}\n"
                "negatives: {max_rejections: 3, "
                "easy: [{source: popularity, share: 0.5, alpha: 1.0}], "
                "hard: [{source: cut, stage: a, selection: top}, "
                "{source: low, stage: c, band: [0.1, 1.0], selection: top}]}",
            ),
        ],
    )
    def it_reads_them_as_the_new_ones_and_says_what_to_write(
        self, tmp_path: Path, former: str, now: str
    ) -> None:
        logs = LOGS if "0.0}" in former else WITH_RANKING
        wanted = load_config(written(tmp_path, f"{logs}{now}\n"))
        with pytest.warns(FutureWarning, match="negatives and funnel now"):
            found = load_config(written(tmp_path, f"{logs}{former}\n"))
        assert found.funnel == wanted.funnel
        numbers = found.negatives.numbers, wanted.negatives.numbers
        assert numbers[0] == numbers[1]
        assert found.negatives.hard == wanted.negatives.hard
        assert found.negatives.alpha == wanted.negatives.alpha
        assert found.negatives.max_rejections == wanted.negatives.max_rejections
        assert found.negatives.on_shortfall == wanted.negatives.on_shortfall

    def it_does_not_mix_them_with_the_new_ones(self, tmp_path: Path) -> None:
        text = f"{LOGS}mix: {{hard_ratio: 0.0}}\nnegatives: {{hard: []}}\n"
        with pytest.raises(Exception, match=r"mix .*unknown key"):
            load_config(written(tmp_path, text))

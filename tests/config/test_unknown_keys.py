"""A key that nobody knows is refused at every depth, with the nearest key that is known."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.config.tree import Config

from tests.config.configs_for_tests import LOGS, WITH_RANKING, problems, sentences


class DescribeAnUnknownKey:
    @pytest.mark.fault(21)
    def it_is_named_with_its_way_its_line_and_the_nearest_known_key(self, tmp_path: Path) -> None:
        text = """
logs:
  impressions: {path: i}
  clicks:
    path: c
    colums: {item_id: sku}
negatives: {hard: []}
"""
        assert sentences(tmp_path, text) == [
            "logs.clicks.colums (winnow.yaml, line 6): unknown key, expected one of path, format, "
            "from, csv, encoding, accept_cut, explode, partition, columns, where, sampled, "
            "log_sample_rate, carry. Did you mean columns?"
        ]

    @pytest.mark.parametrize(
        ("text", "key", "hint"),
        [
            ("sed: 1", "sed", "Did you mean seed?"),
            ("negatives: {per_positve: 9}", "negatives.per_positve", "Did you mean per_positive?"),
            (
                "positives: {downsampling: {rul: cap}}",
                "positives.downsampling.rul",
                "Did you mean rule?",
            ),
            (
                "negatives: {hard: [{source: low, stage: fine, bnd: [0, 1]}]}",
                "negatives.hard[0].bnd",
                "Did you mean band?",
            ),
            ("xyzzy: 1", "xyzzy", None),
        ],
    )
    def it_is_found_at_every_depth(
        self, tmp_path: Path, text: str, key: str, hint: str | None
    ) -> None:
        (told,) = problems(tmp_path, WITH_RANKING + text + "\n")
        assert told.where.startswith(f"{key} (winnow.yaml, line ")
        assert (told.what, told.next_step) == ("unknown key", hint)

    def it_can_be_a_log(self, tmp_path: Path) -> None:
        (told,) = problems(tmp_path, LOGS + "  rankinglog: {path: r}\nnegatives: {hard: []}\n")
        assert (told.what, told.next_step) == ("unknown key", "Did you mean ranking_log?")

    def it_can_be_a_log_that_no_table_is_made_of(self, tmp_path: Path) -> None:
        told = sentences(tmp_path, LOGS + "  devices: {path: u}\nnegatives: {hard: []}\n")
        assert told == [
            "logs.devices (winnow.yaml, line 5): unknown key, "
            "expected one of impressions, clicks, ranking_log, negative_feedback, items, users, "
            "item_aliases. "
            "Did you mean items?"
        ]

    def it_can_be_a_contract_column(self, tmp_path: Path) -> None:
        text = "logs: {impressions: {path: i, columns: {usr_id: u}}, clicks: {path: c}}\n"
        (told,) = problems(tmp_path, text + "negatives: {hard: []}")
        assert told.where == "logs.impressions.columns.usr_id (winnow.yaml, line 1)"
        assert told.what == "the contract of impressions has no such column"
        assert told.next_step == "Did you mean user_id?"

    def it_can_be_a_gate_and_each_is_named_with_its_line(self, tmp_path: Path) -> None:
        text = """
logs: {impressions: {path: i}, clicks: {path: c}}
negatives: {hard: []}
gates:
  rejectd_share.clicks: {warn: {most: 0.2}}
  hard_share: {warn: {least: 0.1}}
  tops_user_share: {fail: {most: 1}}
  labels_differ.positives: {fail: {most: 1}}
"""
        assert sentences(tmp_path, text) == [
            "gates.rejectd_share.clicks (winnow.yaml, line 5): there is no such gate, found "
            "rejectd_share. Did you mean rejected_share?",
            "gates.tops_user_share (winnow.yaml, line 7): there is no such gate, found "
            "tops_user_share. Did you mean top_user_share?",
            "gates.labels_differ.positives (winnow.yaml, line 8): labels_differ has no setting: "
            "it keeps one of Winnow's truths.",
        ]

    def it_can_be_a_gate_that_looks_like_none(self, tmp_path: Path) -> None:
        (told,) = problems(tmp_path, WITH_RANKING + "gates: {xyzzy: {warn: {most: 1}}}\n")
        assert (told.found, told.next_step) == ("xyzzy", None)
        assert told.expected is not None and told.expected.startswith("one of rejected_share, ")
        assert "labels_differ" not in told.expected

    @settings(max_examples=60, deadline=None)
    @given(st.from_regex(r"\A[a-z_]{1,12}\Z").filter(lambda key: key not in Config.model_fields))
    def it_is_always_refused(self, tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
        told = problems(tmp_path_factory.mktemp("c"), WITH_RANKING + f'"{key}": 1\n')
        assert [problem.what for problem in told] == ["unknown key"]

"""Every way in which a value can be wrong, and the sentence that a person gets for it."""

from pathlib import Path

import pytest

from tests.config.configs_for_tests import WITH_RANKING, keys, problems, sentences


class DescribeAWrongValue:
    @pytest.mark.fault(21)
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "negatives: {easy: [{source: popularity, share: 1.5}]}",
                "negatives.easy[0].share (winnow.yaml, line 6): the number is out of range, found "
                "1.5, expected a number > 0.0 and <= 1.0.",
            ),
            (
                "positives: {downsampling: {rule: word2vec_code, threshold_clicks: 5.0}}",
                "positives.downsampling.threshold_clicks (winnow.yaml, line 6): rule word2vec_code "
                "does not look at this, expected threshold_share.",
            ),
            (
                "positives: {downsampling: {threshold_share: 0.5}}",
                "positives.downsampling.threshold_share (winnow.yaml, line 6): rule sqrt does not "
                "look at this, expected threshold_clicks or threshold_quantile.",
            ),
            (
                "seed: abc",
                'seed (winnow.yaml, line 6): the type is wrong, found "abc", '
                "expected a whole number.",
            ),
            (
                "seed: -1",
                "seed (winnow.yaml, line 6): the number is out of range, found -1, "
                "expected a number >= 0 and < 9223372036854775808.",
            ),
            (
                'negatives: {per_positive: "20"}',
                'negatives.per_positive (winnow.yaml, line 6): the type is wrong, found "20", '
                "expected a whole number.",
            ),
            (
                "split: {by: date, valid_from: '2026-02-30'}",
                'split.valid_from (winnow.yaml, line 6): the type is wrong, found "2026-02-30", '
                "expected a date such as 2026-01-31.",
            ),
            (
                "ids: {user: strng}",
                'ids.user (winnow.yaml, line 6): the value is not known, found "strng", '
                "expected one of bigint, string. Did you mean string?",
            ),
            (
                "calendar_zone: Mars/Olympus",
                'calendar_zone (winnow.yaml, line 6): the value does not fit, found "Mars/Olympus"'
                ", expected a time zone name such as UTC or Europe/Berlin.",
            ),
            (
                "carry: scene",
                'carry (winnow.yaml, line 6): the type is wrong, found "scene", expected a list.',
            ),
            (
                "funnel: {stages: [{name: coarse}, {name: fine}, {name: fine}]}",
                "funnel.stages[2].name (winnow.yaml, line 6): fine is named twice.",
            ),
            (
                "tables: [positives, ../../outside]",
                'tables[1] (winnow.yaml, line 6): the value is not known, found "../../outside", '
                "expected one of positives, easy_negatives, hard_negatives, training_samples, "
                "training_samples_pointwise, ranking_samples, cascade_samples, request_samples, "
                "user_sequences, evaluation_samples, item_stats, rejected.",
            ),
            (
                "tables: [postives]",
                'tables[0] (winnow.yaml, line 6): the value is not known, found "postives", '
                "expected one of positives, easy_negatives, hard_negatives, training_samples, "
                "training_samples_pointwise, ranking_samples, cascade_samples, request_samples, "
                "user_sequences, evaluation_samples, item_stats, rejected. "
                "Did you mean positives?",
            ),
            (
                "carry: [scene, 'a b']",
                'carry[1] (winnow.yaml, line 6): the value does not fit, found "a b", expected '
                "an identifier (letters, digits and _, not starting with a digit).",
            ),
            (
                'popularity: {until: "24:00"}',
                'popularity.until (winnow.yaml, line 6): the value does not fit, found "24:00", '
                "expected day_before, or a full hour of the date from 01:00 to 23:00.",
            ),
            (
                "carry: [scene, scene]",
                "carry[1] (winnow.yaml, line 6): scene is named twice.",
            ),
            (
                "carry: [user_id]",
                "carry[0] (winnow.yaml, line 6): user_id is a column of positives, "
                "training_samples, ranking_samples already. Take it out of carry, or give the "
                "column another name in the log.",
            ),
            (
                "negatives:",
                "negatives (winnow.yaml, line 6): the type is wrong, found null, "
                "expected a map of keys and values.",
            ),
        ],
    )
    def it_gets_one_sentence(self, tmp_path: Path, text: str, sentence: str) -> None:
        assert sentences(tmp_path, WITH_RANKING + text + "\n") == [sentence]

    @pytest.mark.fault(22, 23)
    @pytest.mark.parametrize("name", ["x; DROP TABLE y", "x/../../y", "", "1a", "a\\nb", "é"])
    def it_cannot_be_a_table_outside_the_warehouse(self, tmp_path: Path, name: str) -> None:
        assert keys(tmp_path, WITH_RANKING + f'tables: ["{name}"]\n') == ["tables[0]"]

    @pytest.mark.parametrize(
        ("mapping", "key", "expected"),
        [
            ("3", "", "a column name, {first_of: [a, b]}"),
            ("{first_of: a}", ".first_of", "a list"),
            ("{concat: []}", ".concat", None),
            ("{column: t, unit: sec}", ".unit", "one of iso, s, ms, us, pattern"),
            ("{column: t, typ: int}", ".typ", "one of column, type"),
            ("{unit: ms}", ".column", None),
            ("{colum: t}", "", "a column name, {first_of: [a, b]}"),
            ('"a`b"', "", "a column name without backticks"),
        ],
    )
    def it_is_explained_by_the_mapping_that_was_meant(
        self, tmp_path: Path, mapping: str, key: str, expected: str | None
    ) -> None:
        text = f"logs: {{impressions: {{path: i, columns: {{impression_ts: {mapping}}}}}, "
        (told,) = problems(tmp_path, text + "clicks: {path: c}}\nnegatives: {hard: []}\n")
        assert told.where.split(" ")[0] == f"logs.impressions.columns.impression_ts{key}"
        assert expected is None or (told.expected or "").startswith(expected)

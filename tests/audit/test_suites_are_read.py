"""Suites are read and checked before a build begins; every problem names its place."""

import json
from pathlib import Path
from typing import Any

import great_expectations as gx
import pytest
from winnow.audit.suites.reading import read_suites
from winnow.errors import ConfigError

from tests.audit.suites_for_tests import config_with, expectation, suite_of

KNOWN = expectation("column_values_to_not_be_null", column="user_id")


def told(folder: Path, *given: dict[str, Any], **keys: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_suites(config_with(folder, *given, **keys))
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def told_of(folder: Path, tree: dict[str, Any]) -> list[str]:
    return told(folder, {"table": "positives", "expectations": [tree]})


class DescribeASuite:
    def it_is_a_file_as_great_expectations_writes_it(self, tmp_path: Path) -> None:
        rules: Any = gx.expectations  # its types do not say what it exports
        suite = gx.ExpectationSuite(
            name="mine",
            expectations=[
                rules.ExpectColumnValuesToNotBeNull(column="user_id", severity="info"),
                rules.ExpectTableRowCountToBeBetween(min_value=1, notes="some rows"),
            ],
        )
        (tmp_path / "mine.json").write_text(json.dumps(suite.to_json_dict()), encoding="utf-8")
        (read,) = read_suites(config_with(tmp_path, {"table": "positives", "suite": "mine.json"}))
        assert (read.name, read.source) == ("mine", "mine.json")
        assert [(one.gate, one.severity, one.meaning) for one in read.expected] == [
            (
                "expectations.positives.column_values_to_not_be_null.user_id",
                "warn",
                "user_id: column values to not be null",
            ),
            ("expectations.positives.table_row_count_to_be_between", "fail", "some rows"),
        ]

    def it_is_yaml_too(self, tmp_path: Path) -> None:
        text = (
            "name: mine\nexpectations:\n"
            "  - type: expect_column_values_to_not_be_null\n    kwargs: {column: user_id}\n"
        )
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        config = config_with(tmp_path, {"log": "clicks", "suite": "mine.yaml"})
        (read,) = read_suites(config)
        assert [dict(one.tree) for one in read.expected] == [KNOWN]

    def it_names_gates_by_what_they_say_and_never_two_alike(self, tmp_path: Path) -> None:
        named = KNOWN | {"meta": {"name": "users"}}
        pair = expectation("column_pair_values_to_be_equal", column_A="split", column_B="shard")
        suite = suite_of(tmp_path, KNOWN, named, pair, KNOWN)
        assert [one.gate.removeprefix("expectations.positives.") for one in suite.expected] == [
            "column_values_to_not_be_null.user_id",
            "users",
            "column_pair_values_to_be_equal.split.shard",
            "column_values_to_not_be_null.user_id.2",
        ]

    def it_has_a_severity_of_the_entry_before_those_of_its_own(self, tmp_path: Path) -> None:
        warning = KNOWN | {"severity": "warning"}
        own = suite_of(tmp_path, KNOWN, warning)
        assert [one.severity for one in own.expected] == ["fail", "warn"]
        fails = suite_of(tmp_path, KNOWN, warning, severity="fail")
        assert [one.severity for one in fails.expected] == ["fail", "fail"]

    def it_may_use_columns_that_are_carried(self, tmp_path: Path) -> None:
        scene = expectation("column_values_to_not_be_null", column="scene")
        for subject in ({"table": "positives"}, {"log": "impressions"}):
            assert len(read_suites(config_with(tmp_path, subject | {"expectations": [scene]}))) == 1
        (problem,) = told(tmp_path, {"log": "clicks", "expectations": [scene]})
        assert "there is no such column, found scene" in problem

    def it_keeps_its_hash_whatever_the_order_of_keys(self, tmp_path: Path) -> None:
        turned = {key: KNOWN[key] for key in reversed(KNOWN)}
        assert suite_of(tmp_path, KNOWN).sha256 == suite_of(tmp_path, turned).sha256
        assert suite_of(tmp_path, KNOWN).sha256 != suite_of(tmp_path, KNOWN, KNOWN).sha256


class DescribeAFileThatIsNoSuite:
    def it_is_named_with_the_nearest_that_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
        (problem,) = told(tmp_path, {"table": "positives", "suite": "mime.json"})
        assert problem == (
            f"expectations[0].suite: this suite is not there, found {tmp_path / 'mime.json'}. "
            "Did you mean mine.json?"
        )

    @pytest.mark.parametrize(
        ("name", "text", "start"),
        [
            ("a.json", "{", "expectations[0].suite (a.json): the suite is not JSON, found Expect"),
            ("a.yaml", "a: [", "a.yaml, line 1"),
            (
                "a.json",
                "[]",
                "expectations[0].suite (a.json): this is no suite with expectations, expected a "
                "map with name and expectations",
            ),
            (
                "a.json",
                '{"name": "a", "expectations": []}',
                "expectations[0].suite (a.json): this is no suite with expectations, found keys "
                "name, expectations",
            ),
            (
                "a.json",
                '{"expectation_suite_name": "a", "expectations": [{"expectation_type": "x"}]}',
                "expectations[0].suite (a.json): the suite was written by a version of Great "
                "Expectations before 1.0",
            ),
        ],
    )
    def it_is_told_what_is_wrong(self, name: str, text: str, start: str, tmp_path: Path) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        (problem,) = told(tmp_path, {"table": "positives", "suite": name})
        assert problem.startswith(start)


class DescribeWhatIsNotKnown:
    def it_is_told_of_all_entries_at_once(self, tmp_path: Path) -> None:
        problems = told(
            tmp_path,
            {"table": "positive", "expectations": [KNOWN]},
            {"log": "ranking_log", "expectations": [KNOWN]},
            {"table": "positives", "expectations": [KNOWN], "actions": [{"type": "slak"}]},
        )
        assert problems == [
            "expectations[0].table: this table is not written, found positive, expected one of "
            "positives, easy_negatives, hard_negatives, training_samples, ranking_samples, "
            "item_stats, rejected. Did you mean positives?",
            "expectations[1].log: this log is not configured, found ranking_log, expected one of "
            "impressions, clicks.",
            "expectations[2].actions[0].type: Great Expectations knows no such action, found "
            "slak, expected one of api, email, microsoft, opsgenie, pagerduty, slack, sns. "
            "Did you mean slack?",
        ]

    def it_is_a_type_with_the_nearest_known(self, tmp_path: Path) -> None:
        (problem,) = told_of(tmp_path, expectation("column_values_to_not_be_nul", column="user_id"))
        assert problem == (
            "expectations[0], expectation 1, type: Great Expectations knows no such expectation, "
            "found expect_column_values_to_not_be_nul. "
            "Did you mean expect_column_values_to_not_be_null?"
        )

    def it_is_a_column_with_the_nearest_known(self, tmp_path: Path) -> None:
        pair = expectation("column_pair_values_to_be_equal", column_A="user", column_B="item_id")
        (problem,) = told_of(tmp_path, pair)
        assert problem.startswith(
            "expectations[0], expectation 1, expect_column_pair_values_to_be_equal: there is no "
            "such column, found user, expected one of ds, sample_id, user_id,"
        )
        assert problem.endswith("scene. Did you mean user_id?")

    @pytest.mark.parametrize(
        ("tree", "end"),
        [
            (
                expectation("column_values_to_be_in_set", column="split"),
                ", value_set: Great Expectations refuses it: field required.",
            ),
            (
                KNOWN | {"kwargs": {"column": "split", "mosty": 0.5}},
                ", mosty: Great Expectations refuses it: extra fields not permitted.",
            ),
            (
                KNOWN | {"sevrity": "info"},
                ", sevrity: unknown key, expected one of type, kwargs, meta, severity, "
                "description, notes, id.",
            ),
            (
                KNOWN | {"severity": "bad"},
                ", severity: this is not known, found bad, expected one of critical, warning, "
                "info.",
            ),
            (
                {"type": "unexpected_rows_expectation"},
                ": SQL is run by the engine, over all rows, expected all_rows: true.",
            ),
            (
                expectation(
                    "column_min_to_be_between", column="ds", min_value={"$PARAMETER": "sd"}
                ),
                ", min_value: nothing gives this parameter a value, found sd, expected one of ds. "
                "Did you mean ds?",
            ),
        ],
    )
    def it_is_a_key_or_a_value(self, tree: dict[str, Any], end: str, tmp_path: Path) -> None:
        (problem,) = told_of(tmp_path, tree)
        assert problem.startswith(f"expectations[0], expectation 1, {tree['type']}")
        assert problem.endswith(end)

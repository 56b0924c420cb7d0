"""What the config says of the user's own expectations, before any suite is read."""

import json
from pathlib import Path

import pytest
from winnow.config.loading import load_config

from tests.config.configs_for_tests import NO_RANKING, sentences, written

ONE = "expectations:\n  - {table: positives, suite: suites/a.json, rows: 5, severity: warn}\n"


class DescribeTheKeyExpectations:
    def it_takes_suites_from_the_folder_of_the_config(self, tmp_path: Path) -> None:
        (given,) = load_config(written(tmp_path, NO_RANKING + ONE)).expectations
        assert given.suite == str(tmp_path / "suites/a.json")
        assert (given.subject, given.rows, given.severity) == ("positives", 5, "warn")

    def it_decides_no_row(self, tmp_path: Path) -> None:
        without = load_config(written(tmp_path, NO_RANKING))
        with_one = load_config(written(tmp_path, NO_RANKING + ONE))
        assert with_one != without
        assert with_one.fingerprint() == without.fingerprint()
        assert "expectations" not in json.loads(with_one.canonical_json())

    @pytest.mark.parametrize(
        ("entry", "told"),
        [
            (
                "{suite: a.json}",
                "expectations[0] (winnow.yaml, line 7): names either a table of the release or a "
                "log, one of the two.",
            ),
            (
                "{table: positives, log: clicks, suite: a.json}",
                "expectations[0] (winnow.yaml, line 7): names either a table of the release or a "
                "log, one of the two.",
            ),
            (
                "{log: clicks}",
                "expectations[0] (winnow.yaml, line 7): has either a suite, which is a file, or a "
                "list of expectations.",
            ),
            (
                "{log: clicks, suit: a.json}",
                "expectations[0].suit (winnow.yaml, line 7): unknown key, expected one of table, "
                "log, suite, expectations, severity, rows, all_rows, actions. Did you mean suite?",
            ),
            (
                "{log: clicks, suite: a.json, severity: critical}",
                "expectations[0].severity (winnow.yaml, line 7): the value is not known, found "
                '"critical", expected one of fail, warn.',
            ),
            (
                "{log: clicks, suite: a.json, rows: 0}",
                "expectations[0].rows (winnow.yaml, line 7): the number is out of range, found 0, "
                "expected a number >= 1.",
            ),
        ],
    )
    def it_is_refused_where_it_is_wrong(self, entry: str, told: str, tmp_path: Path) -> None:
        assert sentences(tmp_path, f"{NO_RANKING}expectations:\n  - {entry}\n")[0] == told

    @pytest.mark.parametrize(
        "actions", ["{type: slack, slack_webhook: s3cret}", "[s3cret]", "s3cret"]
    )
    def it_shows_no_secret_of_actions_that_are_none(self, actions: str, tmp_path: Path) -> None:
        entry = f"{{log: clicks, suite: a.json, actions: {actions}}}"
        (told,) = sentences(tmp_path, f"{NO_RANKING}expectations:\n  - {entry}\n")
        assert told == (
            "expectations[0].actions (winnow.yaml, line 7): the type is wrong, expected a list of "
            "maps."
        )

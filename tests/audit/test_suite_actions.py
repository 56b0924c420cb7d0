"""Actions of Great Expectations run whatever came of a suite, break nothing and tell no secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from winnow.audit.expectations import quiet_context
from winnow.audit.suites.actions import action_problems, run_actions

from tests.audit.chat import SECRET, Chat
from tests.audit.suites_for_tests import expectation, suite_of


@pytest.fixture
def chat() -> Iterator[Chat]:
    with Chat() as server:
        yield server


def slack(**keys: Any) -> dict[str, Any]:
    return {"type": "slack", "name": "us", "slack_webhook": "${CHAT_ADDRESS}"} | keys


def warnings_of(folder: Path, *actions: dict[str, Any], seconds: float = 20.0) -> list[str]:
    rule = expectation("column_values_to_not_be_null", column="user_id")
    suite = suite_of(folder, rule, actions=list(actions))
    context = quiet_context()
    asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
    batch = asset.add_batch_definition_whole_dataframe("b").get_batch(
        {"dataframe": pd.DataFrame({"user_id": [1.0, None]})}
    )
    import great_expectations as gx

    found = batch.validate(gx.ExpectationSuite(name="mine", expectations=[rule]))
    return run_actions(suite, found, context, run_id="run-1", seconds=seconds)


class DescribeAnAction:
    def it_tells_of_a_gate_that_failed(
        self, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_ADDRESS", chat.address)
        assert warnings_of(tmp_path, slack(notify_on="failure")) == []
        ((path, message),) = chat.posted
        assert path == f"/{SECRET}"
        text = json.dumps(message)
        assert "winnow positives: positives" in text
        assert "*0* of *1* Expectations were met" in text

    def it_is_not_run_where_it_waits_for_success(
        self, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_ADDRESS", chat.address)
        assert warnings_of(tmp_path, slack(notify_on="success")) == []
        assert chat.posted == []

    def it_warns_without_a_secret_where_it_fails(
        self,
        chat: Chat,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("CHAT_ADDRESS", chat.address)
        chat.status = 500
        told = warnings_of(tmp_path, slack(), slack(name="them"))
        assert told == [
            "action us of suite positives failed: nothing was sent",
            "action them of suite positives failed: nothing was sent",
        ]
        assert SECRET not in caplog.text + "".join(capfd.readouterr())

    def it_warns_where_nobody_answers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_ADDRESS", f"http://127.0.0.1:1/{SECRET}")
        (told,) = warnings_of(tmp_path, slack())
        assert told == "action us of suite positives failed: nothing was sent"

    def it_warns_where_its_variable_has_no_value(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CHAT_ADDRESS", raising=False)
        (told,) = warnings_of(tmp_path, slack())
        assert told == (
            "action us of suite positives failed: MissingConfigVariableError "
            "(CHAT_ADDRESS has no value)"
        )

    def it_is_left_alone_where_it_does_not_end(
        self, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_ADDRESS", chat.address)
        chat.waits.clear()
        (told,) = warnings_of(tmp_path, slack(), seconds=0.5)
        assert told == "action us of suite positives failed: it did not end within 0.5 s"


class DescribeAnActionThatIsWrong:
    @pytest.mark.parametrize(
        ("action", "told"),
        [
            (
                slack(notify_on="sometimes"),
                "a[0], notify_on: Great Expectations refuses it: unexpected value; permitted: "
                "'all', 'success', 'failure', 'info', 'warning', 'critical'.",
            ),
            (
                {"type": "slack", "name": "us"},
                "a[0]: Great Expectations refuses it: Please provide either slack_webhook or "
                "slack_token and slack_channel.",
            ),
            (
                {"type": "slack", "name": "us", "slack_webhook": [SECRET]},
                "a[0]: Great Expectations refuses it, found KeyError.",
            ),
            (
                {"type": "update_data_docs", "name": "pages"},
                "a[0].type: pages of Great Expectations are not kept, winnow report has all "
                "results, found update_data_docs, expected one of api, email, microsoft, "
                "opsgenie, pagerduty, slack, sns.",
            ),
        ],
    )
    def it_is_refused_before_a_build(self, action: dict[str, Any], told: str) -> None:
        (problem,) = action_problems("x", [action])
        assert str(problem) == f"x.{told.replace('a[0]', 'actions[0]')}"

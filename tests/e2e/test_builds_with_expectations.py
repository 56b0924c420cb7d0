"""Builds with the user's own expectations: gates of logs before, of tables after sampling."""

import io
import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession
from rich.console import Console
from winnow.audit.record import AuditRecord
from winnow.building.audit import record_of
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.engine.choice import engine_of
from winnow.errors import GateError
from winnow.release.opening import open_release
from winnow.release.releases import list_releases

from tests.audit.chat import SECRET, Chat
from tests.audit.suites_for_tests import expectation

DAY = date(2026, 1, 1)
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_logs"

ACTIONS = expectation(
    "column_values_to_be_in_set", column="action_type", value_set=["click", "buy"]
)
ALL_USERS = expectation("column_values_to_be_in_set", column="user_id", value_set=[11, 12])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shop") / "own_logs"
    shutil.copytree(EXAMPLE, place, ignore=lambda _folder, names: {"warehouse"} & set(names))
    return place


def built(
    shop: Path,
    spark: SparkSession,
    warehouse: str,
    *given: dict[str, Any],
    progress: Progress | None = None,
) -> BuildSummary:
    tree = yaml.safe_load((shop / "expectations.yaml").read_text(encoding="utf-8"))
    path = shop / f"{warehouse}.yaml"
    path.write_text(json.dumps(tree | {"warehouse": warehouse, "expectations": list(given)}))
    request = BuildRequest(
        load_config(path), DAY, engine_of(spark), progress=progress or Progress(quiet=True)
    )
    return build(request)


def record(shop: Path, warehouse: str) -> AuditRecord:
    (release,) = open_release(shop / warehouse).releases
    found = record_of(release)
    assert found is not None
    return found


class DescribeASuiteThatIsWrong:
    @pytest.mark.parametrize("command", ["build", "validate"])
    def it_is_told_before_an_engine_starts(
        self,
        command: str,
        shop: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("an engine was started")

        monkeypatch.setattr("winnow.engine.choice.start_engine", refuse)
        path = shop / "wrong.yaml"
        text = (shop / "expectations.yaml").read_text(encoding="utf-8")
        path.write_text(text.replace("column: action_type", "column: action"), encoding="utf-8")
        assert main([command, "--config", str(path), "--ds", "2026-01-01"]) == 2
        told = capsys.readouterr().err
        assert "expectations[1], expectation 1, expect_column_values_to_be_in_set" in told
        assert "Did you mean action_type?" in " ".join(told.split())


class DescribeALogThatDoesNotMeetExpectations:
    def it_ends_the_build_before_anything_is_sampled(
        self, shop: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]
    ) -> None:
        entry = {"log": "clicks", "expectations": [ACTIONS]}
        with pytest.raises(GateError) as error:
            built(shop, spark, "refused", entry)
        assert error.value.exit_code == 3
        (problem,) = error.value.problems
        assert problem.where == "gate expectations.clicks.column_values_to_be_in_set.action_type"
        assert problem.found == "0.142857 (1 of 7 values unexpected, such as stare)"
        assert problem.expected == 'value_set ["click", "buy"]'
        assert list_releases(shop / "refused") == ()
        (run,) = re.findall(r"--run ([\w-]+)", str(error.value))
        staging = next((shop / "refused").rglob("audit.json")).parent
        assert not list(staging.rglob("positives*"))
        assert main(["report", "--warehouse", str(shop / "refused"), "--run", run]) == 0
        (page,) = staging.glob("report.html")
        text = page.read_text(encoding="utf-8")
        assert "Failed: nothing was published" in text
        assert "clicks.column_values_to_be_in_set.action_type" in text
        capsys.readouterr()

    def it_is_told_to_who_is_to_know_and_who_does_not_hear_is_a_warning(
        self, shop: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        action = {"type": "slack", "name": "us", "slack_webhook": "${CHAT_ADDRESS}"}
        entry = {"log": "clicks", "expectations": [ACTIONS], "actions": [action]}
        with Chat() as chat, pytest.raises(GateError) as error:
            monkeypatch.setenv("CHAT_ADDRESS", chat.address)
            built(shop, spark, "told", entry)
        assert len(chat.posted) == 1
        assert SECRET not in str(error.value)
        said = io.StringIO()
        monkeypatch.setenv("CHAT_ADDRESS", f"http://127.0.0.1:1/{SECRET}")
        with pytest.raises(GateError):
            built(shop, spark, "told", entry, progress=Progress(Console(file=said, width=200)))
        assert "warning: action us of suite clicks failed: nothing was sent" in said.getvalue()
        assert SECRET not in said.getvalue()


class DescribeATableThatDoesNotMeetExpectations:
    def it_is_not_published_and_its_gates_stand_behind_all_others(
        self, shop: Path, spark: SparkSession
    ) -> None:
        with pytest.raises(GateError) as error:
            built(shop, spark, "kept", {"table": "positives", "expectations": [ALL_USERS]})
        (problem,) = error.value.problems
        assert problem.where == "gate expectations.positives.column_values_to_be_in_set.user_id"
        assert problem.found == "0.6 (3 of 5 values unexpected, such as 15, 13)"
        assert list_releases(shop / "kept") == ()


class DescribeARelease:
    def it_holds_suites_and_gates_and_the_same_rows(self, shop: Path, spark: SparkSession) -> None:
        summary = built(
            shop,
            spark,
            "released",
            {"log": "clicks", "expectations": [ACTIONS], "severity": "warn"},
            {"table": "positives", "expectations": [ALL_USERS], "severity": "warn"},
            {"table": "positives", "suite": "suites/positives.json"},
        )
        found = record(shop, "released")
        assert [(gate.name, gate.status) for gate in found.gates[-5:]] == [
            ("expectations.clicks.column_values_to_be_in_set.action_type", "warn"),
            ("expectations.positives.column_values_to_be_in_set.user_id", "warn"),
            ("expectations.positives.enough_rows", "pass"),
            (
                "expectations.positives.column_pair_values_a_to_be_greater_than_b"
                ".click_ts.impression_ts",
                "pass",
            ),
            (
                "expectations.positives.column_unique_value_count_to_be_between.user_id",
                "warn",
            ),
        ]
        assert [(one.subject, one.source, one.rows, one.of_rows) for one in found.suites] == [
            ("clicks", "", 7, 7),
            ("positives", "", 5, 5),
            ("positives", "positives.json", 5, 5),
        ]
        assert json.loads(found.suites[0].expectations) == [ACTIONS]
        assert sum("expectations." in warning for warning in summary.warnings) == 3
        plain = built(shop, spark, "plain")
        hashes = [
            {pin.table: pin.content for pin in open_release(shop / name).releases[0].tables}
            for name in ("released", "plain")
        ]
        assert hashes[0] == hashes[1]
        assert record(shop, "plain").suites == ()
        assert plain.release_id != summary.release_id

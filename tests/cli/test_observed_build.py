"""``winnow build`` as others see it: lineage, metrics and a command on failure, of real builds."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from winnow.cli.exit_codes import Terminated, exit_code_of, problems_of
from winnow.cli.main import main
from winnow.errors import ConflictError, Problem
from winnow.release.releases import list_releases

from tests.observability.test_metrics_file import samples

DAY = "2026-01-01"
TELL = (
    "import json, os, sys; open(sys.argv[1], 'a').write(json.dumps("
    "{name: os.environ['WINNOW_' + name] for name in sys.argv[2:]}) + chr(10))"
)
Events = list[dict[str, Any]]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    """What a server of OpenLineage on loopback was sent."""
    sent: Events = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append({"path": self.path, **json.loads(body)})
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_parts: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name in ("OPENLINEAGE_CONFIG", "OPENLINEAGE_NAMESPACE", "OPENLINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{server.server_port}")
    yield sent
    server.shutdown()
    server.server_close()
    thread.join()


def told_to(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def on_failure(path: Path) -> tuple[str, str]:
    return "--on-failure", f'"{sys.executable}" -c "{TELL}" "{path}" DS EXIT_CODE MESSAGE RUN_ID'


@pytest.mark.usefixtures("shared_engine")
class DescribeABuild:
    def it_is_told_as_events_of_two_jobs_and_as_metrics(
        self, shop: Path, events: Events, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "winnow.prom"
        words = ("--metrics", str(path), "--openlineage", *on_failure(tmp_path / "failed"))
        assert main(["build", "-c", str(shop), "--ds", DAY, "--log-format", "json", *words]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        (run_id,) = {line["run_id"] for line in lines}
        assert all(line["stage"] for line in lines)
        (release,) = list_releases(shop.parent / "warehouse")
        assert release.run_id == run_id
        assert not (tmp_path / "failed").exists()

        found = samples(path)
        run = (("ds", DAY), ("release", release.release_id), ("run_id", run_id))
        assert found["winnow_run_info", run] == 1
        assert found["winnow_table_rows", (("table", "training_samples"),)] == 5
        assert found["winnow_log_rows", (("log", "clicks"), ("place", "rejected"))] == 2
        assert found["winnow_gates", (("status", "warn"),)] == 4
        assert found["winnow_gates", (("status", "fail"),)] == 0
        assert ("winnow_stage_seconds", (("stage", "publish"),)) in found

        warehouse = shop.parent / "warehouse"
        build, audit = f"build:{warehouse}", f"audit:{warehouse}"
        assert [(one["eventType"], one["job"]["name"]) for one in events] == [
            ("START", build), ("START", audit), ("COMPLETE", audit), ("COMPLETE", build),
        ]  # fmt: skip
        assert {one["path"] for one in events} == {"/api/v1/lineage"}
        begun, _, audited, done = events
        assert begun["run"]["runId"] == done["run"]["runId"] != audited["run"]["runId"]
        assert audited["run"]["facets"]["parent"]["run"]["runId"] == done["run"]["runId"]
        logs = {Path(one["name"]).name: one for one in done["inputs"]}
        assert [*logs] == ["shown.csv", "actions.jsonl", "ranking.csv", "items.csv"]
        assert logs["actions.jsonl"]["inputFacets"]["inputStatistics"]["rowCount"] == 13
        tables = {Path(one["name"]).name: one for one in done["outputs"]}
        assert {*tables} == {pin.table for pin in release.tables}
        for pin in release.tables:
            own = tables[pin.table]
            assert own["name"] == str(warehouse / pin.table)
            assert own["facets"]["version"]["datasetVersion"] == str(pin.version)
            assert own["outputFacets"]["outputStatistics"]["rowCount"] == pin.content.rows
        fields = tables["positives"]["facets"]["schema"]["fields"]
        assert {"name": "user_id", "type": "int64"} in [
            {"name": one["name"], "type": one["type"]} for one in fields
        ]
        gates = assertions(audited)
        assert len(gates) == found_gates(release.quality_json)
        share = gates["rejected_share.clicks"]
        assert share["of"] == "actions.jsonl"
        assert (share["success"], share["severity"]) == (False, "warn")
        assert (share["expected"], share["actual"]) == ("at most 0.05", "0.285714286")
        assert gates["duplicate_keys.positives"]["of"] == "positives"

    def it_is_told_where_a_gate_fails(
        self, shop: Path, events: Events, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shop.write_text(
            shop.read_text(encoding="utf-8") + "gates:\n  rejected_share: {fail: {most: 0.1}}\n",
            encoding="utf-8",
        )
        path = tmp_path / "winnow.prom"
        words = ("--metrics", str(path), "--openlineage", *on_failure(tmp_path / "failed"))
        assert main(["build", "-c", str(shop), "--ds", DAY, "--json", *words]) == 3
        (problem,) = json.loads(capsys.readouterr().err)["problems"]
        (told,) = told_to(tmp_path / "failed")
        assert (told["DS"], told["EXIT_CODE"], told["MESSAGE"]) == (DAY, "3", problem["text"])
        found = samples(path)
        assert found["winnow_run_exit_code", ()] == 3
        assert found["winnow_run_published", ()] == 0
        assert found["winnow_gates", (("status", "fail"),)] == 1
        name = (("gate", "rejected_share.clicks"), ("status", "fail"))
        assert found["winnow_gate_not_passed", name] == 1
        assert found["winnow_log_rows", (("log", "clicks"), ("place", "rejected"))] == 2
        assert [one["eventType"] for one in events] == ["START", "START", "FAIL", "FAIL"]
        assert events[-1]["outputs"] == [], "nothing was published"
        assert events[-1]["run"]["facets"]["errorMessage"]["message"] == problem["text"]
        failed = {name for name, one in assertions(events[2]).items() if not one["success"]}
        assert "rejected_share.clicks" in failed
        assert assertions(events[2])["rejected_share.clicks"]["severity"] == "error"

    def it_goes_on_where_nobody_can_be_told(
        self, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        settings = tmp_path / "openlineage.yml"
        gone = {"type": "file", "log_file_path": "/nowhere/events", "append": True}
        settings.write_text(json.dumps({"transport": gone}), encoding="utf-8")
        monkeypatch.delenv("OPENLINEAGE_URL", raising=False)
        monkeypatch.setenv("OPENLINEAGE_CONFIG", str(settings))
        assert main(["build", "-c", str(shop), "--ds", DAY, "--json", "--openlineage"]) == 0
        told = capsys.readouterr()
        assert told.err.count("warning: the event of OpenLineage was not sent") == 2
        assert json.loads(told.out)["published"] is True

    def it_tells_each_variant_apart(
        self, shop: Path, events: Events, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = shop.read_text(encoding="utf-8")
        bad = "{gates: {rejected_share: {fail: {most: 0.1}}}}"
        shop.write_text(f"{text}variants:\n  good: {{}}\n  bad: {bad}\n", encoding="utf-8")
        path = tmp_path / "winnow.prom"
        words = ("--metrics", str(path), "--openlineage", "--log-format", "json")
        assert main(["build", "-c", str(shop), "--ds", DAY, *words]) == 3
        lines = [json.loads(one) for one in capsys.readouterr().err.splitlines() if one[0] == "{"]
        runs = {line.get("variant"): line["run_id"] for line in lines}
        assert len({*runs.values()}) == 3
        found = samples(path)
        codes = {of: found["winnow_run_exit_code", (("variant", of),)] for of in ("good", "bad")}
        assert codes == {"good": 0, "bad": 3}
        infos = {dict(labels)["run_id"] for name, labels in found if name == "winnow_run_info"}
        assert infos == {runs["good"], runs["bad"]}
        ends = {
            (one["job"]["name"].rpartition("/")[2], one["eventType"])
            for one in events
            if one["job"]["name"].startswith("build:")
        }
        both = {("good", "START"), ("bad", "START")}
        assert ends == both | {("good", "COMPLETE"), ("bad", "FAIL")}
        by_job: dict[str, set[str]] = {}
        for one in events:
            by_job.setdefault(one["job"]["name"], set()).add(one["run"]["runId"])
        assert all(len(ids) == 1 for ids in by_job.values())
        assert len({*map(tuple, by_job.values())}) == 4


def assertions(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The gates of an event by name, with the log or table that each is of."""
    return {
        one["name"]: one | {"of": Path(dataset["name"]).name}
        for dataset in event["inputs"]
        for one in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]
    }


def found_gates(quality: str) -> int:
    return len(json.loads(quality)["gates"])


@pytest.mark.usefixtures("no_engine")
class DescribeABuildThatNeverBegins:
    def it_is_told_of_a_config_that_is_wrong(self, shop: Path, tmp_path: Path) -> None:
        shop.write_text("colour: red\n", encoding="utf-8")
        path = tmp_path / "winnow.prom"
        words = ("--metrics", str(path), *on_failure(tmp_path / "failed"))
        assert main(["build", "-c", str(shop), "--ds", DAY, *words]) == 2
        (told,) = told_to(tmp_path / "failed")
        assert told["EXIT_CODE"] == "2"
        assert "colour" in told["MESSAGE"]
        assert samples(path)["winnow_run_exit_code", ()] == 2

    def it_is_told_of_a_date_that_is_none(
        self, shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("--metrics", str(tmp_path / "winnow.prom"), *on_failure(tmp_path / "failed"))
        assert main(["build", "-c", str(shop), "--ds", "tomorrow", *words]) == 2
        (told,) = told_to(tmp_path / "failed")
        assert told["DS"] == "tomorrow"
        assert "warning: the metrics were not written" in capsys.readouterr().err

    def it_is_told_of_one_that_was_told_to_end(
        self, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def started(*_words: object, **_more: object) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr("winnow.engine.choice.start_engine", started)
        path = tmp_path / "winnow.prom"
        words = ("--metrics", str(path), *on_failure(tmp_path / "failed"))
        assert main(["build", "-c", str(shop), "--ds", DAY, *words]) == 143
        (told,) = told_to(tmp_path / "failed")
        assert told["EXIT_CODE"] == "143"
        assert told["MESSAGE"] == "winnow: it was told to end (SIGTERM)."
        found = samples(path)
        assert found["winnow_run_exit_code", ()] == 143
        assert ("winnow_stage_seconds", (("stage", "start the engine"),)) in found

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--metrics", "/nowhere/winnow.prom"), "the file cannot be written there"),
            (("--on-failure", "no-such-program"), "there is no such program"),
            (("--openlineage",), "no transport is configured"),
        ],
        ids=["metrics", "command", "lineage"],
    )
    def it_refuses_what_could_not_be_done(
        self,
        words: tuple[str, ...],
        told: str,
        shop: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(shop.parent)
        assert main(["build", "-c", str(shop), "--ds", DAY, *words]) == 2
        assert told in capsys.readouterr().err


class DescribeTheCodeOfAnEnd:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ConflictError(Problem("releases", "somebody else")), 4),
            (KeyboardInterrupt(), 130),
            (Terminated(), 143),
            (ValueError("x"), 1),
            (SystemExit(7), 7),
        ],
        ids=lambda one: type(one).__name__,
    )
    def it_is_that_of_the_command(self, error: BaseException, code: int) -> None:
        assert exit_code_of(error) == code
        assert len(problems_of(error)) == 1

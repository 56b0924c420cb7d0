"""The command line: what it refuses, what it prints, and the codes that it ends with."""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest
from winnow.building.code_version import code_version
from winnow.building.request import BuildRequest
from winnow.cli.exit_codes import run_to_exit_code
from winnow.cli.main import COMMANDS, main
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.errors import (
    ConfigError,
    ConflictError,
    GateError,
    InputError,
    Problem,
    WinnowError,
)

from tests.child_process import PATH, child_environment

ROOT = Path(__file__).resolve().parents[2]

Captured = pytest.CaptureFixture[str]


class DescribeTheHelp:
    @pytest.mark.parametrize("command", [command.__name__ for command in chain(*COMMANDS.values())])
    def it_teaches_every_command(self, command: str, capsys: Captured) -> None:
        assert main([command, "--help"]) == 0
        text = capsys.readouterr().out
        assert f"Usage: winnow {command}" in text
        assert "--json" in text
        assert len(text.split("Options:")[0]) > 150, "it explains more than the options"

    def it_lists_the_commands_by_what_they_are_for(self, capsys: Captured) -> None:
        assert main(["--help"]) == 0
        sections = capsys.readouterr().out.split("--help ")[1].split("\n\n")[1:]
        listed = {
            title: re.findall(r"^  (\w+)", commands, re.MULTILINE)
            for title, commands in (section.split(":\n", 1) for section in sections)
        }
        assert listed == {
            title: [command.__name__ for command in commands]
            for title, commands in COMMANDS.items()
        }

    def it_names_the_exit_codes(self, capsys: Captured) -> None:
        assert main(["--help"]) == 0
        assert "Exit codes: 0 done" in capsys.readouterr().out

    def it_is_there_before_anything_that_computes_is_loaded(self) -> None:
        words = ["-X", "importtime", "-m", "winnow.cli.main", "--help"]
        told = subprocess.run(
            [sys.executable, *words], cwd=ROOT, check=True, capture_output=True, text=True
        )
        lines = told.stderr.splitlines()
        loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
        assert {"winnow", "typer"} <= loaded
        slow = {"numpy", "numba", "pandas", "pyarrow", "pydantic", "pyspark", "great_expectations"}
        assert loaded & slow == set()


class DescribeTheVersion:
    def it_is_the_one_that_releases_name(self, capsys: Captured) -> None:
        assert main(["--version"]) == 0
        lines = dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
        assert lines["winnow"] == code_version()
        assert lines["python"] == platform.python_version()
        assert lines["pyarrow"] == version("pyarrow")


class DescribeTheCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def it_prints_a_script_for_the_shell(self, shell: str) -> None:
        assert "_WINNOW_COMPLETE=complete_" in told_by(
            "--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
        )

    def it_completes_commands_and_options(self) -> None:
        bash = {"_WINNOW_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
        assert told_by(**bash, COMP_WORDS="winnow re").split() == ["releases", "report", "rejected"]
        bash["COMP_CWORD"] = "2"
        assert "--immature" in told_by(**bash, COMP_WORDS="winnow build --").split()


def told_by(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "winnow.cli.main", *words],
        env=child_environment() | {"PYTHONPATH": PATH} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


class DescribeWrongArguments:
    @pytest.mark.parametrize(
        "words", [["bild"], ["build"], ["build", "--dss", "x"], ["simulate", "--days", "two"]]
    )
    def it_ends_with_2(self, words: list[str]) -> None:
        assert main(words) == 2

    def it_refuses_a_log_format_that_is_not_known(self, capsys: Captured) -> None:
        assert main(["build", "--ds", "2026-01-01", "--log-format", "xml"]) == 2
        assert capsys.readouterr().err == (
            "--log-format: this format is not known, found xml, expected text or json.\n"
        )

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (
                ["report", "an-id", "--ds", "2026-01-01"],
                ["--ds: does not go together with a release id. Give one of them."],
            ),
            (
                ["report", "--all", "--run", "a-run", "--compare", "a", "b"],
                [
                    "--compare: does not go together with --run. Give one of them.",
                    "--all: does not go together with --run. Give one of them.",
                ],
            ),
            (
                ["rejected", "--run", "a-run", "--ds", "2026-01-01"],
                ["--run: does not go together with --ds. Give one of them."],
            ),
            (
                ["show", "--release", "an-id", "--ds", "2026-01-01"],
                ["--ds: does not go together with a release id. Give one of them."],
            ),
        ],
        ids=["report of a date", "report of several", "rejected", "show"],
    )
    def it_refuses_options_that_contradict_each_other(
        self, words: list[str], told: list[str], tmp_path: Path, capsys: Captured
    ) -> None:
        assert main([*words, "--warehouse", str(tmp_path)]) == 2
        assert capsys.readouterr().err.splitlines() == told

    def it_says_what_a_date_is(self, capsys: Captured) -> None:
        assert main(["build", "--ds", "1.1.2026"]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err == (
            "--ds: this is not a date, found '1.1.2026', expected YYYY-MM-DD, such as 2026-01-31.\n"
        )

    @pytest.mark.fault(21)
    def it_refuses_a_wrong_config_before_anything_starts(
        self, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def started(*_args: object, **_more: object) -> None:
            raise AssertionError("an engine was started")

        monkeypatch.setattr("winnow.engine.choice.start_engine", started)
        path = tmp_path / "winnow.yaml"
        path.write_text("logs: {impressions: {path: i}, clicks: {path: c}}\nsed: 1\n")
        assert main(["build", "--config", str(path), "--ds", "2026-01-01"]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(" ")[0] for line in lines] == ["sed", "negatives.hard"]

    def it_refuses_a_warehouse_among_the_logs_before_anything_starts(
        self, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def started(*_args: object, **_more: object) -> None:
            raise AssertionError("an engine was started")

        monkeypatch.setattr("winnow.engine.choice.start_engine", started)
        path = tmp_path / "winnow.yaml"
        logs = "logs: {impressions: {path: logs/i}, clicks: {path: c}}\nnegatives: {hard: []}\n"
        path.write_text(logs + "warehouse: logs\n")
        assert main(["build", "--config", str(path), "--ds", "2026-01-01"]) == 2
        assert capsys.readouterr().err.splitlines() == [
            f"logs.impressions.path: the log {tmp_path}/logs/i lies within the warehouse "
            f"{tmp_path}/logs. Name another folder as warehouse or path."
        ]

    @pytest.mark.parametrize(
        "words", [["build", "--ds", "2026-01-01"], ["verify"], ["demo", "--out", "x"]]
    )
    def it_refuses_an_engine_that_is_not_known_before_anything_is_read(
        self, words: list[str], tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main([*words, "--engine", "sparc"]) == 2
        assert capsys.readouterr().err == (
            "--engine: this engine is not known, found sparc, expected sail, spark or connect. "
            "Did you mean spark?\n"
        )
        assert list(tmp_path.iterdir()) == [], "there is no config either, and no demo"

    def it_tells_problems_as_json(self, capsys: Captured) -> None:
        assert main(["build", "--ds", "x", "--json"]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        (problem,) = json.loads(told.err)["problems"]
        assert problem["where"] == "--ds"
        assert problem["expected"] == "YYYY-MM-DD, such as 2026-01-31"


class DescribeInit:
    def it_writes_a_config_that_loads_and_holds_the_defaults(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "winnow.yaml"
        assert main(["init", str(path)]) == 0
        config = load_config(path)
        for name, info in Config.model_fields.items():
            if name not in ("logs", "warehouse"):
                assert getattr(config, name) == info.default, name
        assert config.warehouse == str(tmp_path / "new" / "warehouse")

    def it_explains_every_key(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.yaml"
        main(["init", str(path)])
        text = path.read_text(encoding="utf-8")
        missing = [name for name in Config.model_fields if f"{name}:" not in text]
        assert missing == []

    def it_never_replaces_a_file_unless_told_so(self, tmp_path: Path, capsys: Captured) -> None:
        path = tmp_path / "winnow.yaml"
        path.write_text("mine")
        assert main(["init", str(path)]) == 2
        assert capsys.readouterr().err == (
            f"{path}: the file is there already. Give another name, or --force to replace it.\n"
        )
        assert path.read_text() == "mine"
        assert main(["init", str(path), "--force"]) == 0
        assert path.read_text() != "mine"


class DescribeSimulate:
    @pytest.mark.parametrize("ids", [[], ["--string-ids"]])
    def it_writes_logs_and_a_config_that_fits(
        self, tmp_path: Path, capsys: Captured, ids: list[str]
    ) -> None:
        out = tmp_path / "demo"
        size = ["--users", "50", "--items", "300", "--requests-per-day", "20", "--days", "2"]
        assert main(["simulate", "--out", str(out), *size, *ids, "--json"]) == 0
        told = capsys.readouterr()
        record = json.loads(told.out)
        assert record["config"] == str(out / "winnow.yaml")
        assert record["days"] == ["2026-01-01", "2026-01-02"], "those to build"
        assert record["history_days"] == 14
        assert record["rows"]["impressions"] > 0
        config = load_config(out / "winnow.yaml")
        assert config.ids.user == ("string" if ids else "bigint")
        for name in ("impressions", "clicks", "ranking_log", "items"):
            log = config.logs.resolved(name)
            assert log is not None and log.path is not None
            assert list(Path(log.path).rglob("*.parquet"))

    def it_tells_its_progress_as_json(self, tmp_path: Path, capsys: Captured) -> None:
        size = ["--users", "50", "--items", "300", "--requests-per-day", "5", "--days", "1"]
        words = ["--history-days", "0", "--json", "--log-format", "json"]
        assert main(["simulate", "--out", str(tmp_path / "x"), *size, *words]) == 0
        told = capsys.readouterr()
        events = [json.loads(line) for line in told.err.splitlines()]
        assert [one["event"] for one in events] == ["start", "message", "end"]
        assert events[-1]["rows"] == sum(json.loads(told.out)["rows"].values())

    def it_refuses_a_size_that_is_out_of_range(self, tmp_path: Path, capsys: Captured) -> None:
        assert main(["simulate", "--out", str(tmp_path / "x"), "--users", "2"]) == 2
        assert capsys.readouterr().err == (
            "--users: input should be greater than or equal to 10, found 2.\n"
        )


class DescribeTheDemo:
    @pytest.mark.parametrize(
        ("words", "stages"),
        [(["--json"], []), (["--json", "--log-format", "json"], ["2026-01-01", "2026-01-02"])],
        ids=["quiet", "as json"],
    )
    def it_tells_of_its_builds_as_of_its_other_stages(
        self,
        words: list[str],
        stages: list[str],
        tmp_path: Path,
        capsys: Captured,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        seconds: list[list[str]] = []

        def build(request: BuildRequest) -> SimpleNamespace:
            with request.progress.stage(f"work on {request.day}"):
                pass
            seconds.append([*request.progress.seconds])
            return SimpleNamespace(release_id="r", as_record=dict)

        config = ROOT / "examples" / "own_logs" / "winnow.yaml"
        simulated = {"config": str(config), "days": ["2026-01-01", "2026-01-02"]}
        monkeypatch.setattr("winnow.cli.simulate.run_simulation", lambda *_: simulated)
        monkeypatch.setattr("winnow.engine.choice.start_engine", lambda *_, **__: nullcontext())
        monkeypatch.setattr("winnow.building.build.build", build)
        monkeypatch.setattr("winnow.cli.report_pages.write_report", lambda *_: "page")
        assert main(["demo", "--out", str(tmp_path), *words]) == 0
        told = capsys.readouterr()
        events = [json.loads(line) for line in told.err.splitlines()]
        begun = [one["stage"] for one in events if one["event"] == "start"]
        assert [stage for stage in begun if stage.startswith("work")] == [
            f"work on {day}" for day in stages
        ]
        assert seconds == [["work on 2026-01-01"], ["work on 2026-01-02"]], "one progress each"
        assert json.loads(told.out) == {"builds": [{}, {}], "report": "page"}


class DescribeReleases:
    def it_finds_none_in_an_empty_warehouse(self, tmp_path: Path, capsys: Captured) -> None:
        assert main(["releases", "--warehouse", str(tmp_path)]) == 0
        assert capsys.readouterr().out == f"no release in {tmp_path}\n"
        assert main(["releases", "--warehouse", str(tmp_path), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == []

    def it_cannot_verify_what_is_not_there(self, tmp_path: Path, capsys: Captured) -> None:
        assert main(["verify", "--warehouse", str(tmp_path)]) == 3
        assert "no release at all" in capsys.readouterr().err
        assert main(["verify", "--warehouse", str(tmp_path), "--ds", "2026-01-05"]) == 3
        assert "there is no release of 2026-01-05" in capsys.readouterr().err
        assert main(["verify", "--warehouse", str(tmp_path), "--ds", "monday"]) == 2
        assert main(["verify", "some_id", "--warehouse", str(tmp_path), "--ds", "2026-01-05"]) == 2


class DescribeTheOutcome:
    @pytest.mark.parametrize(
        ("error", "code"),
        [(WinnowError, 1), (ConfigError, 2), (GateError, 3), (ConflictError, 4)],
    )
    def it_is_the_code_of_the_error(
        self, error: type[WinnowError], code: int, capsys: Captured
    ) -> None:
        def command() -> None:
            raise error(Problem("a", "is wrong"), Problem("b", "[red]too[/red]", found="1"))

        assert run_to_exit_code(command, []) == code
        assert capsys.readouterr().err == "a: is wrong.\nb: [red]too[/red], found 1.\n"

    def it_is_one_line_for_what_nobody_expected(self, capsys: Captured) -> None:
        def command() -> None:
            raise ZeroDivisionError("first\nsecond")

        assert run_to_exit_code(command, []) == 1
        assert capsys.readouterr().err == (
            "winnow: ZeroDivisionError: first.\n"
            "Run it again with --debug to see where it came from.\n"
        )
        assert run_to_exit_code(command, ["--debug"]) == 1
        assert "Traceback" in capsys.readouterr().err

    @pytest.mark.parametrize("kind", [OSError, InputError])
    def it_shows_no_secret_and_steers_no_terminal_where_it_came_from(
        self, kind: type[Exception], capsys: Captured
    ) -> None:
        def command() -> None:
            try:
                raise OSError("403\nx-amz-security-token:hunter2\x1b[2J s3://me:hunter3@shop/x")
            except OSError as error:
                raise (
                    OSError("a") if kind is OSError else InputError(Problem("a", "b"))
                ) from error

        assert run_to_exit_code(command, ["--debug"]) in (1, 3)
        trace = capsys.readouterr().err
        assert "Traceback" in trace
        assert "x-amz-security-token:***" in trace and "s3://***@shop/x" in trace
        assert "hunter" not in trace and "\x1b" not in trace

    @pytest.mark.fault(25)
    def it_is_130_after_ctrl_c_and_143_after_sigterm(self) -> None:
        def interrupted() -> None:
            raise KeyboardInterrupt

        def terminated() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

        before = signal.getsignal(signal.SIGTERM)
        assert run_to_exit_code(interrupted, []) == 130
        assert run_to_exit_code(terminated, []) == 143
        assert signal.getsignal(signal.SIGTERM) == before

    def it_is_0_when_nothing_was_wrong(self) -> None:
        assert run_to_exit_code(lambda: None, []) == 0

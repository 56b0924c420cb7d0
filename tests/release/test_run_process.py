"""Whether a run is at work: its process is told from all others, also of the same number."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from winnow.release.run_process import RUN_PROCESS_FILE, RunProcess, at_work

from tests.child_process import PATH, child_environment

WORDS = '{"machine": "one", "pid": "1", "started": ""}'
WRITE = "import sys; from pathlib import Path; from winnow.release.run_process import RunProcess; "


def child(folder: Path, then: str) -> "subprocess.Popen[str]":
    """A process that says that it writes the folder, and then does something else."""
    code = f"{WRITE}RunProcess.current().write(Path(sys.argv[1])); print('written'); {then}"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code, str(folder)],
        env=child_environment() | {"PYTHONPATH": PATH},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def state_of(folder: Path) -> str:
    found = RunProcess.of(folder)
    assert found is not None
    return found.state


class DescribeTheProcessOfARun:
    def it_is_alive_until_it_is_killed(self, tmp_path: Path) -> None:
        with child(tmp_path / "run", "input()") as process:
            assert state_of(tmp_path / "run") == "alive"
            process.kill()
            process.wait()
            assert state_of(tmp_path / "run") == "ended"

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
    def it_has_ended_though_nobody_asked_for_its_exit_code(self, tmp_path: Path) -> None:
        with child(tmp_path / "run", "") as process:
            assert process.stdout is not None
            assert process.stdout.read() == ""
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert state_of(tmp_path / "run") == "ended"

    def it_is_not_another_process_that_has_got_its_number(self) -> None:
        own = RunProcess.current()
        assert own.state == "alive"
        assert replace(own, started="1").state == "ended"

    def it_cannot_be_asked_on_another_machine(self) -> None:
        assert replace(RunProcess.current(), machine="elsewhere").state == "elsewhere"
        assert replace(RunProcess.current(), machine="elsewhere", ended=True).state == "ended"

    def it_cannot_be_asked_where_the_system_hides_what_others_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As with hidepid of /proc: the process is there, and nothing tells since when."""
        own = RunProcess.current()
        hidden = Path("/proc") / "hidden"
        monkeypatch.setattr("winnow.release.run_process.Path", lambda _: hidden)
        machine = replace(own, machine=RunProcess.current().machine)
        assert machine.state == "elsewhere"
        assert replace(machine, started="").state == "alive", "as where no process can be asked"
        assert replace(machine, pid=2**22 + 1).state == "ended"

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', WORDS, '{"other": 2}'])
    def it_is_unknown_where_the_record_says_too_little(self, tmp_path: Path, text: str) -> None:
        (tmp_path / RUN_PROCESS_FILE).write_text(text)
        assert RunProcess.of(tmp_path) is None


class DescribeAtWork:
    def it_says_that_the_run_is_over_though_the_process_lives_on(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        with pytest.raises(ZeroDivisionError), at_work(folder):
            assert state_of(folder) == "alive"
            (folder / "audit.json").touch()
            raise ZeroDivisionError
        assert state_of(folder) == "ended"
        assert json.loads((folder / RUN_PROCESS_FILE).read_text())["pid"] == os.getpid()

    def it_leaves_no_folder_where_nothing_was_written(self, tmp_path: Path) -> None:
        with at_work(tmp_path / "run"):
            pass
        assert list(tmp_path.iterdir()) == []

    def it_does_not_bring_back_a_folder_that_was_dropped(self, tmp_path: Path) -> None:
        with at_work(tmp_path / "run"):
            (tmp_path / "run" / RUN_PROCESS_FILE).unlink()
            (tmp_path / "run").rmdir()
        assert list(tmp_path.iterdir()) == []

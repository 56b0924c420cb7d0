"""The command that is run on failure: what it is given, and that no shell runs any of it."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from winnow.errors import ConfigError
from winnow.observability import notification
from winnow.observability.ending import Ending
from winnow.observability.notification import notify, words_of_command

from tests.docs.pages import EXAMPLE

WRITE = "import json, os, sys; json.dump([sys.argv[2:], dict(os.environ)], open(sys.argv[1], 'w'))"


class DescribeTheCommand:
    def it_gets_the_failure_in_its_environment(self, tmp_path: Path) -> None:
        out, mark = tmp_path / "out.json", tmp_path / "mark"
        message = f"logs.clicks: $(touch {mark}) `touch {mark}`; touch {mark} '\"\n| touch {mark}\0"
        words = [sys.executable, "-c", WRITE, str(out), "$WINNOW_DS; x"]
        assert notify(words, "2026-01-01", "run-1", Ending(3, message)) is None
        arguments, environment = json.loads(out.read_text(encoding="utf-8"))
        assert arguments == ["$WINNOW_DS; x"]
        names = ("DS", "RUN_ID", "EXIT_CODE", "MESSAGE")
        told = {name: environment[f"WINNOW_{name}"] for name in names}
        assert told == {
            "DS": "2026-01-01",
            "RUN_ID": "run-1",
            "EXIT_CODE": "3",
            "MESSAGE": message.replace("\0", ""),
        }
        assert not mark.exists()

    def it_gets_no_more_of_a_message_than_an_environment_holds(self, tmp_path: Path) -> None:
        out = tmp_path / "out.json"
        words = [sys.executable, "-c", WRITE, str(out)]
        assert notify(words, "2026-01-01", "run-1", Ending(1, "x" * 1_000_000)) is None
        _, environment = json.loads(out.read_text(encoding="utf-8"))
        assert 8_000 <= len(environment["WINNOW_MESSAGE"]) < 8_100

    def it_is_told_of_where_it_fails_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(notification, "PATIENCE", 0.2)
        ending = Ending(1, "x")
        assert notify([sys.executable, "-c", "exit(7)"], "", "", ending) == "it ended with 7"
        assert notify(["/nowhere"], "", "", ending) == "No such file or directory"
        slow = [sys.executable, "-c", "import time; time.sleep(60)"]
        assert notify(slow, "", "", ending) == "it was stopped after 0.2 seconds"


class DescribeWhereNothingIsInstalled:
    def it_is_run_all_the_same(self, tmp_path: Path) -> None:
        out = tmp_path / "out.json"
        told = shlex.join([sys.executable, "-c", WRITE, str(out)])
        words = ["build", "-c", str(EXAMPLE / "winnow.yaml"), "--ds", "2026-01-01"]
        code = (
            "import sys; sys.modules['pyspark'] = None\n"
            f"from winnow.cli.main import main\nsys.exit(main({[*words, '--on-failure', told]!r}))"
        )
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert child.returncode == 2
        assert "pip install 'winnow[sail]'" in child.stderr
        _, environment = json.loads(out.read_text(encoding="utf-8"))
        assert environment["WINNOW_EXIT_CODE"] == "2"
        assert environment["WINNOW_MESSAGE"] in child.stderr


class DescribeItsWords:
    def it_is_split_as_a_shell_does(self) -> None:
        assert words_of_command("sh -c 'echo \"$X\"' a\\ b") == ["sh", "-c", 'echo "$X"', "a b"]

    @pytest.mark.parametrize("text", ["", "sh 'open", "no-such-program x"])
    def it_is_refused_where_it_could_not_run(self, text: str) -> None:
        with pytest.raises(ConfigError, match=r"^--on-failure: "):
            words_of_command(text)

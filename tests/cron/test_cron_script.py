"""The script for cron: one run at a time, a second try where one helps, and an alert."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from winnow.release.releases import list_releases

from tests.child_process import PATH, ROOT, child_environment

SCRIPT = ROOT / "deploy" / "cron" / "winnow_nightly.sh"
DAY = "2026-01-01"

pytestmark = pytest.mark.skipif(
    not (shutil.which("flock") and shutil.which("bash")), reason="no bash, or no flock"
)


def environment(config: Path, command: Path, **more: str) -> dict[str, str]:
    return child_environment() | {
        "PYTHONPATH": PATH,
        "WINNOW": str(command),
        "WINNOW_CONFIG": str(config),
        "WINNOW_PAUSE": "0",
        "WINNOW_ALERT": 'printf "%s|" "$WINNOW_DS" "$WINNOW_EXIT_CODE" "$WINNOW_MESSAGE" '
        f"> '{config.parent}/alert'",
        **more,
    }


def script(folder: Path, text: str) -> Path:
    """An executable file."""
    path = folder / "command"
    path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def ends_with(folder: Path, *codes: int) -> Path:
    """A command that ends with these codes, one after the other."""
    (folder / "codes").write_text("\n".join(map(str, codes)), encoding="utf-8")
    return script(
        folder,
        f'cd "{folder}"; echo "$@" >> words; echo "a problem with \\$(touch {folder}/injected)"\n'
        "code=$(head -n 1 codes); sed -i 1d codes; exit $code",
    )


def run(
    folder: Path, command: Path, *words: str, **more: str
) -> "subprocess.CompletedProcess[str]":
    config = folder / "winnow.yaml"
    return subprocess.run(
        [str(SCRIPT), *words],
        env=environment(config, command, **more), capture_output=True, text=True, check=False,
    )  # fmt: skip


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


class DescribeARun:
    def it_builds_the_date_of_two_days_ago_and_says_nothing(self, tmp_path: Path) -> None:
        done = run(tmp_path, ends_with(tmp_path, 0), WINNOW_OPTIONS="--engine sail")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        day = subprocess.check_output(["date", "-u", "-d", "2 days ago", "+%F"], text=True).strip()
        config = tmp_path / "winnow.yaml"
        assert lines(tmp_path / "words") == [f"build --config {config} --ds {day} --engine sail"]
        assert lines(tmp_path / "winnow.log")[-1].endswith(f"  {day} is done")
        assert not (tmp_path / "alert").exists()

    @pytest.mark.parametrize(("codes", "last"), [((4, 0), 0), ((1, 137, 0), 0), ((1, 1, 1), 1)])
    def it_tries_again_where_that_may_help(
        self, codes: tuple[int, ...], last: int, tmp_path: Path
    ) -> None:
        assert run(tmp_path, ends_with(tmp_path, *codes), DAY).returncode == last
        assert len(lines(tmp_path / "words")) == len(codes)
        assert (tmp_path / "alert").exists() == (last != 0)

    @pytest.mark.parametrize(
        ("code", "meaning"),
        [
            (2, "the config or the arguments are wrong"),
            (3, "the logs broke a contract, or a gate failed; nothing was published"),
        ],
    )
    def it_tells_a_person_at_once_where_no_try_helps(
        self, code: int, meaning: str, tmp_path: Path
    ) -> None:
        assert run(tmp_path, ends_with(tmp_path, code, 0), DAY).returncode == code
        assert len(lines(tmp_path / "words")) == 1
        told = (tmp_path / "alert").read_text(encoding="utf-8")
        assert told == (f"{DAY}|{code}|{meaning}: a problem with $(touch {tmp_path}/injected)|")
        assert not (tmp_path / "injected").exists(), "what a log holds is never run"

    def it_ends_where_it_has_no_config(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [str(SCRIPT)], env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
        )
        assert done.returncode != 0
        assert b"WINNOW_CONFIG" in done.stderr


class DescribeTwoRunsAtOnce:
    def it_lets_one_build_and_ends_the_other(self, tmp_path: Path) -> None:
        own = ROOT / "examples" / "own_logs"
        ignored = shutil.ignore_patterns("warehouse", "ablation")
        shutil.copytree(own, tmp_path / "shop", ignore=ignored)
        shop = tmp_path / "shop"
        command = script(tmp_path, f'exec "{sys.executable}" -m winnow.cli.main "$@"')
        settings: dict[str, Any] = {"env": environment(shop / "winnow.yaml", command)}
        first = subprocess.Popen([str(SCRIPT), DAY], **settings)
        try:
            while not lines(shop / "winnow.log"):
                assert first.poll() is None
                time.sleep(0.05)
            second = subprocess.run([str(SCRIPT), DAY], **settings, check=False)
            assert first.poll() is None, "both were at work"
        finally:
            assert first.wait() == 0
        assert second.returncode == 4
        told = (shop / "alert").read_text(encoding="utf-8")
        assert told.startswith(f"{DAY}|4|another run of this config is still at work")
        (release,) = list_releases(shop / "warehouse")
        assert str(release.ds) == DAY
        third = subprocess.run([str(SCRIPT), DAY], **settings, check=False)
        assert third.returncode == 0, "the lock is gone"
        assert len(list_releases(shop / "warehouse")) == 1
        assert any(
            "the same content is released already" in one for one in lines(shop / "winnow.log")
        )

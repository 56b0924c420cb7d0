"""A command ends with its own exit code, whatever its threads do, also without docstrings."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from winnow.cli.process import _not_optimized
from winnow.engine.engine import Engine

from tests.child_process import PATH, child_environment
from tests.config.configs_for_tests import NO_RANKING, written


def _run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        env=child_environment() | {"PYTHONPATH": PATH} | more,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class DescribeTheEndOfACommand:
    @pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
    def it_has_the_exit_code_though_threads_are_at_work(self, code: int) -> None:
        """The threads are inside of libraries; one that waits for them would wait for ever."""
        done = _run(
            "-c",
            textwrap.dedent(
                f"""
                import threading, time
                import numpy as np
                from winnow.cli.process import leave

                def work():
                    while True:
                        np.sort(np.arange(100_000)[::-1])

                for _ in range(4):
                    threading.Thread(target=work, daemon=True).start()
                threading.Thread(target=time.sleep, args=(1_000,)).start()
                print("told")
                leave({code})
                """
            ),
        )
        assert (done.returncode, done.stdout) == (code, "told\n")

    def it_leaves_no_temporary_folder(self, tmp_path: Path) -> None:
        script = (
            "import tempfile; from winnow.cli.process import leave; "
            "t = tempfile.TemporaryDirectory()"
        )
        assert _run("-c", f"{script}; leave(0)", TMPDIR=str(tmp_path)).returncode == 0
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
    def it_is_no_success_where_nothing_could_be_printed(self) -> None:
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = subprocess.run(
                [sys.executable, "-c", "from winnow.cli.process import leave; print(1); leave(0)"],
                env=child_environment() | {"PYTHONPATH": PATH},
                stdout=full,
                check=False,
            )
        assert done.returncode == 1

    def it_is_not_changed_by_an_engine_that_does_not_stop(self) -> None:
        class Stuck(Engine):
            def ship(self, path: Path) -> str:
                raise NotImplementedError

            def store(self, warehouse: Path, retention_days: int = 400) -> None:  # type: ignore[override]
                raise NotImplementedError

            def stop(self) -> None:
                raise RuntimeError("the server is gone")

        with pytest.raises(KeyError, match="refused"), Stuck(None):  # type: ignore[arg-type]
            raise KeyError("refused")


class DescribeACommandWithoutDocstrings:
    @pytest.mark.parametrize(
        "words",
        [("-OO", "-m", "winnow.cli.main"), ("-sOO", "-W", "ignore", "-m", "winnow.cli.main")],
    )
    def it_has_its_help(self, words: tuple[str, ...]) -> None:
        done = _run(*words, "build", "--help")
        assert done.returncode == 0, done.stderr
        assert "Build, audit and release the samples of one date." in done.stdout

    @pytest.mark.parametrize("level", ["1", "2"])
    def it_refuses_as_ever(self, tmp_path: Path, level: str) -> None:
        config = written(tmp_path, NO_RANKING + "seed: x")
        words = ("-m", "winnow.cli.main", "build", "--config", str(config), "--ds", "2026-01-01")
        done = _run(*words, PYTHONOPTIMIZE=level)
        assert done.returncode == 2
        assert done.stderr.startswith("seed (winnow.yaml, line 6): the type is wrong")

    def it_loads_what_reads_its_own_docstrings(self) -> None:
        script = (
            "from winnow.cli.process import require_docstrings as r; r(); "
            "import great_expectations.compatibility.pyspark; print('loaded')"
        )
        done = _run("-OO", "-c", script)
        assert (done.returncode, done.stdout) == (0, "loaded\n"), done.stderr

    @pytest.mark.parametrize(
        ("words", "left"),
        [
            (["python", "-OO", "-m", "winnow.cli.main", "-OO"], ["-m", "winnow.cli.main", "-OO"]),
            (["python", "-O", "-s", "script", "-O"], ["-s", "script", "-O"]),
            (["python", "-sOOW", "error", "-c", "O", "-O"], ["-sW", "error", "-c", "O", "-O"]),
            (["python", "-WOnce", "-"], ["-WOnce", "-"]),
            (["python", "-X", "importtime", "winnow"], ["-X", "importtime", "winnow"]),
            (["python"], []),
        ],
    )
    def it_keeps_all_other_words(self, words: list[str], left: list[str]) -> None:
        assert _not_optimized(words) == [sys.executable, *left]

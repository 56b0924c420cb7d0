"""What the spark engine needs, Java, jars and flags, and what is said before any work."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from winnow.engine.jars import NEEDED, end_of, main, pick_needed
from winnow.engine.java import check_java, find_jars, java_major_version
from winnow.engine.spark import small_data_options
from winnow.errors import RequirementError

from tests.child_process import ROOT, child_environment


def fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return java


def child(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)


class DescribeJava:
    @pytest.mark.parametrize(
        ("text", "major"),
        [
            ('openjdk version "17.0.15" 2025-04-15', 17),
            ('java version "1.8.0_402"', 8),
            ('openjdk version "21" 2023-09-19', 21),
            ('openjdk version "22-ea" 2024', 22),
            ("no such thing", None),
        ],
    )
    def it_tells_its_version(self, text: str, major: int | None) -> None:
        assert java_major_version(text) == major

    def it_is_asked_for_in_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(RequirementError) as caught:
            check_java()
        assert str(caught.value) == (
            "java: Java is needed by the spark engine, found none on PATH, expected Java 17 or 21."
            " Install a JDK (Debian: openjdk-17-jre-headless) or set JAVA_HOME to one that is"
            " there."
        )

    def it_must_be_new_enough(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fake_java(tmp_path, "11.0.2")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        with pytest.raises(RequirementError, match=r"too old .*, found Java 11, expected Java 17"):
            check_java()

    def it_may_be_newer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fake_java(tmp_path, "21.0.1")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        check_java()

    def it_ends_a_build_with_one_line_where_it_is_missing(self, tmp_path: Path) -> None:
        config = tmp_path / "winnow.yaml"
        config.write_text(
            "logs: {impressions: {path: i}, clicks: {path: c}}\nnegatives: {hard: []}\n"
        )
        words = ["build", "--config", str(config), "--ds", "2026-01-01", "--engine", "spark"]
        child = subprocess.run(
            [sys.executable, "-m", "winnow.cli.main", *words],
            env={**child_environment(), "JAVA_HOME": str(tmp_path / "none")},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert child.returncode == 1
        assert "Traceback" not in child.stderr
        assert child.stderr.splitlines()[-1].startswith("java: Java is needed by the spark engine")


class DescribeTheJars:
    def it_takes_those_that_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jars = [tmp_path / "delta-spark_4.1.jar", tmp_path / "other.jar"]
        for jar in jars:
            jar.touch()
        monkeypatch.setenv("WINNOW_JARS", str(tmp_path))
        assert find_jars() == tuple(jars)
        monkeypatch.setenv("WINNOW_JARS", ",".join(map(str, jars)))
        assert find_jars() == tuple(jars)

    def it_says_what_to_do_where_there_are_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("WINNOW_JARS", raising=False)
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        with pytest.raises(RequirementError) as caught:
            find_jars()
        assert str(caught.value).endswith(
            "Run make spark (or python -m winnow.engine.jars), or set WINNOW_JARS."
        )

    def it_picks_the_needed_ones_out_of_all_that_were_resolved(self) -> None:
        groups = ["io.delta", "io.unitycatalog", "com.fasterxml.jackson.datatype"]
        resolved = [Path(f"/ivy/{groups[0]}_{name}-4.4.0.jar") for name in NEEDED]
        picked = pick_needed((*resolved, Path("/ivy/org.slf4j_slf4j-api-2.0.13.jar")))
        assert sorted(picked) == sorted(f"{name}-4.4.0.jar" for name in NEEDED)
        with pytest.raises(RequirementError, match="delta-storage was not resolved"):
            pick_needed(tuple(jar for jar in resolved if "storage" not in jar.name))


class DescribeEndOfJava:
    """Java writes its archive of classes when it ends, and ends when its input does."""

    def it_is_waited_for(self) -> None:
        assert end_of(child("import sys; sys.stdin.read(); sys.exit(3)")) == 3

    def it_is_forced_where_it_takes_too_long(self) -> None:
        java = child("import time; time.sleep(600)")
        assert end_of(java, seconds=0.1) == -signal.SIGKILL
        assert java.poll() is not None


class DescribeSparkSubmit:
    def it_says_which_flag_is_missing_before_any_work(self, tmp_path: Path) -> None:
        config = tmp_path / "winnow.yaml"
        config.write_text(
            "logs: {impressions: {path: i}, clicks: {path: c}}\nnegatives: {hard: []}\n"
        )
        submit = Path(sys.executable).with_name("spark-submit")
        words = ["--config", str(config), "--ds", "2026-01-01"]
        child = subprocess.run(
            [submit, "--master", "local[1]", ROOT / "jobs" / "build.py", *words],
            env={
                **child_environment(),
                "PYSPARK_PYTHON": sys.executable,
                "SPARK_LOCAL_IP": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert child.returncode == 1
        # spark-submit passes on what the program says on either stream as its own output.
        last = child.stdout.splitlines()[-1]
        assert last.startswith("delta: the class io.delta.sql.DeltaSparkSessionExtension is not")
        assert "Add --packages io.delta:delta-spark_4.1_2.13:4.4.0 to spark-submit" in last
        assert "\tat " not in child.stdout + child.stderr, "no stack trace"


class DescribeTheOptionsOfJavaForSmallData:
    @pytest.mark.parametrize("name", ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"])
    def it_leaves_the_collector_to_the_environment_where_that_names_one(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for one in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"):
            monkeypatch.delenv(one, raising=False)
        assert "-XX:+UseSerialGC" in small_data_options()
        monkeypatch.setenv(name, "-Xss4m -XX:+UseG1GC")
        assert not [one for one in small_data_options() if "GC" in one]
        assert "-XX:TieredStopAtLevel=1" in small_data_options()


class DescribeAFolderForJars:
    @pytest.mark.parametrize("words", [["{}"], ["--s3", "{}"]])
    def it_is_not_emptied_where_something_else_is_in_it(
        self, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "spark-core.jar").write_bytes(b"a library")
        assert main([word.format(tmp_path) for word in words]) == 1
        assert "is not empty, and was not filled by this command" in capsys.readouterr().err
        assert (tmp_path / "spark-core.jar").read_bytes() == b"a library"

    @pytest.mark.parametrize("words", [["--help"], ["--S3"], ["a", "b"]])
    def it_is_no_option(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main(words) == 1
        assert "python -m winnow.engine.jars [--s3] [FOLDER]" in " ".join(
            capsys.readouterr().err.split()
        )

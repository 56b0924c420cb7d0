"""What is asked of an executor, and what is said of its answer."""

import pickle
import socket
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import pytest
from pyspark import cloudpickle
from winnow.engine import executors
from winnow.engine.executors import cause_of, on_one_machine, problems_of, what_it_lacks
from winnow.source_hash import source_hash


class DescribeTheQuestion:
    def it_travels_to_where_winnow_is_not(self, tmp_path: Path) -> None:
        asked = what_it_lacks(("json", "winnow.nowhere", "numpy"))
        (tmp_path / "task").write_bytes(cloudpickle.dumps(asked))  # type: ignore[no-untyped-call]
        code = (
            "import pickle, sys\n"
            "sys.modules['pipelines'] = sys.modules['jobs'] = None\n"
            f"task = pickle.loads(open({str(tmp_path / 'task')!r}, 'rb').read())\n"
            "sys.stdout.buffer.write(pickle.dumps(list(task([0]))))\n"
        )
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, cwd=tmp_path, check=True
        )
        ((who, python, lacks),) = pickle.loads(child.stdout)
        assert who == f"{socket.gethostname()} in {tmp_path}"
        assert python == sys.executable
        (one,) = lacks
        assert one.startswith("winnow.nowhere (ModuleNotFoundError: ")


class DescribeTheVersionOfWinnow:
    """Functions travel by name: tasks run the code that is there, under the driver's version."""

    def it_is_no_matter_where_the_code_is_the_same(self) -> None:
        ((_, _, lacks),) = what_it_lacks(("numpy",))([0])
        assert lacks == []

    def it_is_told_where_the_code_is_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(executors, "source_hash", lambda: "another")
        answers = what_it_lacks(("numpy",))([0])
        (problem,) = problems_of(answers)
        assert problem.found == "another Winnow than the driver's: its source code differs"
        assert problem.next_step is not None
        assert problem.next_step.startswith("Pass Winnow of the driver's version")

    def it_is_told_of_code_that_is_the_same_in_a_zip(self, tmp_path: Path) -> None:
        package = Path(str(files("winnow")))
        with ZipFile(tmp_path / "winnow.zip", "w") as archive:
            for module in sorted(package.rglob("*.py"), reverse=True):
                archive.write(module, Path("winnow", module.relative_to(package)))
        code = "from winnow.source_hash import source_hash; print(source_hash())"
        child = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(tmp_path / "winnow.zip")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert child.stdout.strip() == source_hash()


class DescribeAMaster:
    @pytest.mark.parametrize(
        ("master", "here"),
        [
            ("local", True),
            ("local[*]", True),
            ("local[2,3]", True),
            ("local-cluster[2,1,1024]", False),
            ("spark://host:7077", False),
            ("yarn", False),
            ("k8s://https://host:6443", False),
        ],
    )
    def it_is_this_machine_or_a_cluster(self, master: str, here: bool) -> None:
        assert on_one_machine(master) == here


LOST = (
    "An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.\n"
    ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 "
    "failed 4 times, most recent failure: Lost task 0.3 in stage 0.0 (TID 3) "
    "(127.0.0.1 executor 1)"
)


class DescribeACause:
    @pytest.mark.parametrize(
        ("trace", "cause"),
        [
            (
                f'{LOST}: java.io.IOException: Cannot run program "/x/python": error=2, No such\n'
                "\tat java.base/java.lang…\n"
                "Caused by: java.io.IOException: error=2, No such file or directory\n\tat java…",
                'java.io.IOException: Cannot run program "/x/python": error=2, No such',
            ),
            (
                f"{LOST}: org.apache.spark.api.python.PythonException: Traceback (most recent…):\n"
                '  File "worker.py", line 1, in main\n    raise PySparkRuntimeError(\n'
                "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] …\n"
                "\tat org…",
                "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] …",
            ),
            ("something", "something"),
            ("", "no message"),
        ],
    )
    def it_is_the_line_that_says_why(self, trace: str, cause: str) -> None:
        assert cause_of(trace) == cause

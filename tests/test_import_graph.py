"""Imports point one way, and what must stand in one place only stands there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each folder may import besides itself.
_CONTRACTS = {"shown_text", "errors", "config", "arrays", "engines", "contracts"}
_MIDDLE = _CONTRACTS | {"catalogue", "sampling"}
MAY_IMPORT = {
    "shown_text": set[str](),
    "errors": {"shown_text"},
    "arrays": set(),
    "engines": set(),
    "config": {"shown_text", "errors"},
    "contracts": {"errors", "config", "arrays", "engines"},
    # The draw table is laid out by the kernel that draws from it.
    "catalogue": _CONTRACTS | {"sampling"},
    "sampling": {"errors", "arrays"},
    "assembly": _MIDDLE,
    "audit": _MIDDLE | {"assembly"},
    "publishing": _MIDDLE | {"assembly", "audit"},
    "simulation": {"errors", "config"},
    "jobs": _MIDDLE | {"assembly", "audit", "publishing", "simulation"},
}
SAMPLING_LIBRARIES = {"numpy", "pyarrow", "numba"}

FORBIDDEN = {
    r"\bsparkContext\b": {"jobs/spark_engine.py", "jobs/fetch_jars.py"},
    r"\b_jvm\b|\b_jsparkSession\b|\b_jdf\b": {"jobs/spark_engine.py"},
    # Which engine works stands behind the seams.
    r"\bpysail\b|\bSailEngine\b": {"jobs/engine.py", "jobs/sail_engine.py"},
    r"\.rdd\b|\bRDD\b": set(),
    r"\bF\.randn?\(|\bfunctions\.randn?\b": set(),
    r"monotonically_increasing_id\(": set(),
    r"\binput_file_name\(": set(),
    r"\.(persist|cache|localCheckpoint)\(": set(),
    r"\.sample\(": set(),
    r"retentionDurationCheck|ignoreCorruptFiles": set(),
}


def sources() -> list[Path]:
    return sorted([*ROOT.glob("pipelines/**/*.py"), *ROOT.glob("jobs/**/*.py")])


def folder_of(path: Path) -> str | None:
    """The node of the graph that a file belongs to; None for the empty root package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "jobs":
        return "jobs"
    return None if parts[1] == "__init__" else parts[1]


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every absolute module name that is imported, inside functions too, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node.lineno
            if module == "pipelines":
                yield from ((f"pipelines.{alias.name}", node.lineno) for alias in node.names)


def wrong_edges(code: str, folder: str) -> list[str]:
    """What a file of a folder imports against the order, one line each."""
    found = []
    for module, line in imported(ast.parse(code)):
        parts = module.split(".")
        if parts[0] == "jobs":
            target = "jobs"
        elif parts[0] == "pipelines" and len(parts) > 1:
            target = parts[1]
        else:
            outside = parts[0] not in SAMPLING_LIBRARIES | set(sys.stdlib_module_names)
            if folder == "sampling" and outside and parts[0] != "pipelines":
                found.append(f"line {line}: sampling imports {module}")
            continue
        if target != folder and target not in MAY_IMPORT[folder]:
            found.append(f"line {line}: {folder} imports {module}")
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
class DescribeEveryModule:
    def it_lies_in_a_folder_of_the_order(self, path: Path) -> None:
        folder = folder_of(path)
        assert folder is None or folder in MAY_IMPORT

    def it_imports_only_what_stands_before_it(self, path: Path) -> None:
        folder = folder_of(path)
        code = path.read_text(encoding="utf-8")
        if folder is not None:
            assert wrong_edges(code, folder) == []

    def it_has_no_relative_import(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        levels = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
        assert levels == []

    def it_calls_nothing_that_is_forbidden_there(self, path: Path) -> None:
        place = str(path.relative_to(ROOT)).removeprefix("pipelines/")
        code = without_texts(path.read_text(encoding="utf-8"))
        found = [
            pattern
            for pattern, allowed in FORBIDDEN.items()
            if place not in allowed and re.search(pattern, code)
        ]
        assert found == []


def without_texts(code: str) -> str:
    """The code without docstrings and comments: they may name what must not be called."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                inner
                for inner in body
                if not (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant))
            ] or [ast.Pass()]
    return ast.unparse(tree)


class DescribeTheCheck:
    def it_sees_an_import_inside_a_function(self) -> None:
        code = "def f() -> None:\n    from pipelines.publishing import store\n"
        assert wrong_edges(code, "contracts") == ["line 2: contracts imports pipelines.publishing"]

    def it_sees_a_folder_imported_from_the_root(self) -> None:
        assert wrong_edges("from pipelines import jobs, audit", "sampling") == [
            "line 1: sampling imports pipelines.jobs",
            "line 1: sampling imports pipelines.audit",
        ]

    def it_sees_spark_in_the_kernels(self) -> None:
        assert wrong_edges("import pyspark.sql", "sampling") == [
            "line 1: sampling imports pyspark.sql"
        ]

    def it_lets_the_data_flow_pass(self) -> None:
        code = "import numpy\nfrom pipelines.sampling.mix import x\nfrom pipelines.errors import y"
        assert wrong_edges(code, "assembly") == []

    def it_knows_every_folder(self) -> None:
        folders = {p.name for p in (ROOT / "pipelines").iterdir() if any(p.glob("*.py"))}
        assert folders | {"shown_text", "errors", "jobs"} == set(MAY_IMPORT)

    def it_reads_code_and_not_docstrings(self) -> None:
        assert "sparkContext" not in without_texts('"""No sparkContext."""\nx = 1  # sparkContext')
        assert "sparkContext" in without_texts("def f(s):\n    return s.sparkContext")


class DescribeImporting:
    def it_starts_no_jvm(self) -> None:
        modules = [
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for path in sources()
        ]
        code = (
            "import importlib, subprocess\n"
            "def refuse(*a, **k): raise AssertionError('a process was started')\n"
            "subprocess.Popen = refuse\n"
            f"for name in {modules!r}: importlib.import_module(name)\n"
            "from pyspark import SparkContext\n"
            "assert SparkContext._gateway is None and SparkContext._active_spark_context is None\n"
        )
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert child.returncode == 0, child.stderr

    def it_loads_no_heavy_library_for_the_help(self) -> None:
        code = (
            "import sys\nimport jobs.cli\n"
            "print(sorted({'pyspark', 'numba', 'pandas', 'pyarrow', 'great_expectations'} "
            "& set(sys.modules)))\n"
        )
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert child.stdout.strip() == "[]"

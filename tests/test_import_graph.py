"""Imports point one way, and what must stand in one place only stands there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A folder, or a module beside the folders, imports only what stands before it in this list.
ORDER = (
    "shown_text",
    "errors",
    "extras",
    "terminal",
    "shipped_files",
    "source_hash",
    "dates",
    "keyed_hashes",
    "storage",
    "arrays",
    "frequency",
    "spark",
    "config",
    "run",
    "logs",
    "contracts",
    "events",
    "sampler",
    "tables",
    "audit",
    "report",
    "release",
    "loading",
    "export",
    "losses",
    "evaluation",
    "torch",
    "mlflow",
    "engine",
    "building",
    "operations",
    "observability",
    "explanation",
    "simulation",
    "cli",
)
KERNELS = "sampler.kernels"
KERNEL_LIBRARIES = {"numpy", "pyarrow", "numba"}
KERNEL_MODULES = {"winnow.errors", "winnow.arrays", "winnow.events.kinds"}
"""What the kernels may import besides each other."""

FORBIDDEN = {
    r"\bsparkContext\b": {"engine/spark.py", "engine/jars.py"},
    r"\b_jvm\b|\b_jsparkSession\b|\b_jdf\b": {"engine/spark.py"},
    # Which engine works stands behind the seams.
    r"\bpysail\b|\bSailEngine\b": {
        "engine/choice.py",
        "engine/sail.py",
        "cli/versions.py",
        "extras.py",
    },
    r"\.rdd\b|\bRDD\b": set(),
    r"\bF\.randn?\(|\bfunctions\.randn?\b": set(),
    r"monotonically_increasing_id\(": set(),
    r"\binput_file_name\(": set(),
    r"\.(persist|cache|localCheckpoint)\(": set(),
    r"\.sample\(": set(),
    r"retentionDurationCheck|ignoreCorruptFiles": set(),
}


PACKAGE = ROOT / "pipelines" / "winnow"


def sources() -> list[Path]:
    return sorted(PACKAGE.glob("**/*.py"))


def module_of(path: Path) -> str:
    """A module's name within the package; a folder's own file is the folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_of(path): path for path in sources()}


def imported(code: str) -> Iterator[tuple[str, int]]:
    """Every module that is imported, inside functions too, with its line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            within = [f"{module}.{alias.name}" for alias in node.names]
            known = [name for name in within if name.removeprefix("winnow.") in MODULES]
            # What a folder gives that is no module of it is its own.
            yield from ((name, node.lineno) for name in known or [module])


def of_winnow(name: str) -> bool:
    return name.split(".")[0] == "winnow"


def wrong_edges(code: str, module: str) -> list[str]:
    """What a module imports against the order, one line each."""
    found = []
    for name, line in imported(code):
        within = of_winnow(name)
        if module.startswith(KERNELS):
            allowed = any(f"{name}.".startswith(f"{one}.") for one in KERNEL_MODULES)
            library = name.split(".")[0] in KERNEL_LIBRARIES | set(sys.stdlib_module_names)
            if not (allowed or library or name.startswith(f"winnow.{KERNELS}")):
                found.append(f"line {line}: the kernels import {name}")
                continue
        if not within:
            continue
        here, there = module.split(".")[0], name.removeprefix("winnow.").split(".")[0]
        if name == "winnow" or ORDER.index(there) > ORDER.index(here):
            found.append(f"line {line}: {here} imports {name}")
    return found


def node_of(module: str) -> str:
    """A folder within a folder is one node of the graph, and so is a file beside such folders."""
    return ".".join(module.split(".")[:2])


def circles(edges: Mapping[str, set[str]]) -> list[set[str]]:
    """The largest sets of nodes that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in edges:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = edges.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        reached[start] = seen
    found: list[set[str]] = []
    for start, seen in reached.items():
        if start in seen and not any(start in circle for circle in found):
            found.append({other for other in seen if start in reached.get(other, set())})
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
class DescribeEveryModule:
    def it_imports_only_what_stands_before_it(self, path: Path) -> None:
        module = module_of(path)
        if module:
            assert wrong_edges(path.read_text(encoding="utf-8"), module) == []

    def it_has_no_relative_import(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        levels = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
        assert levels == []

    def it_calls_nothing_that_is_forbidden_there(self, path: Path) -> None:
        place = str(path.relative_to(PACKAGE))
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


class DescribeTheFoldersWithinFolders:
    def it_finds_no_circle_among_them(self) -> None:
        edges: dict[str, set[str]] = {}
        for module, path in MODULES.items():
            code = path.read_text(encoding="utf-8")
            # By their full names: winnow.torch is one of the folders, torch is not.
            names = {name.partition(".")[2] for name, _ in imported(code) if of_winnow(name)}
            there = {node_of(name) for name in names if name in MODULES}
            edges.setdefault(node_of(module), set()).update(there - {node_of(module)})
        assert len(edges) > 100
        assert circles(edges) == []


class DescribeTheCheck:
    def it_sees_an_import_inside_a_function(self) -> None:
        code = "def f() -> None:\n    from winnow.release import store\n"
        assert wrong_edges(code, "contracts.log") == [
            "line 2: contracts imports winnow.release.store"
        ]

    def it_sees_a_folder_imported_from_the_root(self) -> None:
        assert wrong_edges("from winnow import audit, cli", "events.keys") == [
            "line 1: events imports winnow.audit",
            "line 1: events imports winnow.cli",
        ]

    def it_sees_the_face_imported_from_within(self) -> None:
        assert wrong_edges("from winnow import load_config", "cli.main") == [
            "line 1: cli imports winnow"
        ]

    def it_sees_spark_in_the_kernels(self) -> None:
        assert wrong_edges("import pyspark.sql", "sampler.kernels.mix") == [
            "line 1: the kernels import pyspark.sql"
        ]

    def it_lets_the_data_flow_pass(self) -> None:
        code = "import numpy\nfrom winnow.sampler.kernels.mix import x\nfrom winnow.errors import y"
        assert wrong_edges(code, "tables.listwise") == []

    def it_finds_a_circle_and_no_more_of_the_graph(self) -> None:
        edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
        assert circles(edges) == [{"b", "c"}]

    def it_knows_every_folder(self) -> None:
        assert {module.split(".")[0] for module in MODULES if module} == set(ORDER)

    def it_reads_code_and_not_docstrings(self) -> None:
        assert "sparkContext" not in without_texts('"""No sparkContext."""\nx = 1  # sparkContext')
        assert "sparkContext" in without_texts("def f(s):\n    return s.sparkContext")


class DescribeImporting:
    def it_starts_no_jvm(self) -> None:
        # PyTorch and MLflow are in an environment of their own: make trainers.
        elsewhere = ("torch", "mlflow")
        there = [module for module in MODULES if module.split(".")[0] not in elsewhere]
        modules = [f"winnow.{module}".removesuffix(".") for module in there]
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
            "import sys\nimport winnow.cli.main\n"
            "print(sorted({'pyspark', 'numba', 'pandas', 'pyarrow', 'great_expectations'} "
            "& set(sys.modules)))\n"
        )
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert child.stdout.strip() == "[]"

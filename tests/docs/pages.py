"""Pages of the documentation: their fenced blocks, run one after another as a reader would."""

import contextlib
import io
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.config.loading import load_config
from winnow.engine.choice import engine_of

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "own_logs"

NOT_RUN = ("make", "zip", "ln", "spark-submit", ".venv/bin/winnow")
"""Commands that examples show and no test of a page runs."""

READERS = ("import ray\n", "import daft\n")
"""How blocks begin of readers that do not go beside Winnow's packages."""

ELSEWHERE = ("import torch\n", "import tensorflow", "import mlflow\n", *READERS)
"""How blocks begin that need an environment of their own: tests/trainers runs them there."""

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which it begins."""

    language: str
    text: str
    line: int


@dataclass
class PageRun:
    """What came of a page: the names its Python defined, and what each example printed.

    ``shown`` has (line, language, what the page shows, what was printed) of each example that has
    an output block behind it.
    """

    names: dict[str, Any] = field(default_factory=dict)
    shown: list[tuple[int, str, str, str]] = field(default_factory=list)
    exit_codes: list[tuple[int, str, int]] = field(default_factory=list)


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text[: found.start()].count("\n") + 1)
        for found in _FENCE.finditer(text)
    ]


def run_page(page: Path, spark: SparkSession, folder: Path) -> PageRun:
    """Run the Python and the winnow commands of a page in a folder that holds the examples."""
    run = PageRun()
    with reader_at(folder, spark):
        blocks = blocks_of(page)
        for block, after in zip(blocks, [*blocks[1:], None], strict=True):
            if block.language not in ("python", "bash") or block.text.startswith(ELSEWHERE):
                continue
            work: Callable[[], None]
            if block.language == "python":
                code = compile(block.text, f"{page.name}:{block.line}", "exec")
                work = lambda code=code: exec(code, run.names)  # type: ignore[misc] # noqa: E731
            else:
                work = lambda block=block: run_commands(block, run)  # type: ignore[misc] # noqa: E731
            printed = printed_by(work)
            if after is not None and after.language == "text":
                run.shown.append((block.line, block.language, after.text, printed))
    return run


def run_commands(block: Block, run: PageRun) -> None:
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words or words[0] in NOT_RUN:
            continue
        assert words[0] == "winnow", f"line {block.line}: nobody checks {words[0]}"
        run.exit_codes.append((block.line, line, main(words[1:])))


def printed_by(work: Callable[[], None]) -> str:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        work()
    return told.getvalue()


@contextlib.contextmanager
def reader_at(folder: Path, spark: SparkSession) -> Iterator[None]:
    """Work in a folder, with the one session of all tests wherever an example starts one."""

    shared = engine_of(spark)
    # Others need the session.
    vars(shared)["stop"] = lambda: None

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("winnow.engine.choice.start_engine", lambda *_, **__: shared)
        yield


def lines_of(text: str) -> list[str]:
    """The lines without what a terminal draws: rules, empty lines, runs of blanks."""
    lines = [" ".join(line.split()) for line in text.splitlines() if "──" not in line]
    return [line for line in lines if line]


def appears(shown: str, printed: str) -> bool:
    """Whether the lines that a page shows were printed in this order; ``(…)`` is any text."""
    printed_lines = iter(lines_of(printed))
    patterns = [re.escape(line).replace(r"\(…\)", ".+") for line in lines_of(shown)]
    return all(any(re.fullmatch(want, line) for line in printed_lines) for want in patterns)


def load_yaml(text: str, folder: Path) -> None:
    """Load a whole config, or a part of one put into the example's config."""
    tree = yaml.safe_load(text)
    if "impressions" not in tree.get("logs", {}):
        whole = yaml.safe_load((EXAMPLE / "winnow.yaml").read_text(encoding="utf-8"))
        tree = whole | tree | {"logs": whole["logs"] | tree.get("logs", {})}
    place = folder / "winnow.yaml"
    place.write_text(yaml.safe_dump(tree), encoding="utf-8")
    load_config(place)

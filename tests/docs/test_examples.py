"""Every example of the README and the docs runs and prints what the page shows."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.loading.samples import stream_of

from tests.docs.pages import (
    EXAMPLE,
    ROOT,
    Block,
    PageRun,
    appears,
    blocks_of,
    lines_of,
    load_yaml,
    run_page,
)

README = ROOT / "README.md"
RECIPES = tuple(sorted((ROOT / "docs" / "recipes").glob("*.md")))
"""Their blocks of configs and Python are of test_recipe_configs."""

PAGES = (README, *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("examples/*/README.md")))
LANGUAGES = ("bash", "json", "mermaid", "python", "text", "yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples in it, where a reader types the commands."""
    place = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "examples", place / "examples", ignore=left_behind)
    return place


def left_behind(_folder: str, names: list[str]) -> set[str]:
    return {"warehouse", "ablation", "data"} & set(names)


@pytest.fixture(scope="module")
def readme(spark: SparkSession, folder: Path) -> PageRun:
    return run_page(README, spark, folder)


class DescribeTheReadme:
    def it_has_commands_that_succeed(self, readme: PageRun) -> None:
        assert [code for _, _, code in readme.exit_codes] == [0, 0, 0]

    def it_shows_every_warning_of_its_build(self, readme: PageRun) -> None:
        found = [
            [text.count("\nwarning: ") for text in (shown, printed)]
            for _, language, shown, printed in readme.shown
            if language == "bash" and " positives " in printed
        ]
        assert len(found) == 1
        assert found[0][0] == found[0][1] > 0

    def it_shows_what_is_printed(self, readme: PageRun) -> None:
        assert len(readme.shown) >= 6
        for line, language, shown, printed in readme.shown:
            if language == "python":
                assert lines_of(printed) == lines_of(shown), f"the example on line {line}"
            else:
                assert appears(shown, printed), f"line {line} shows\n{shown}\nfound\n{printed}"

    def it_shows_the_config_of_the_example(self) -> None:
        whole = next(b for b in blocks_of(README) if b.language == "yaml")
        written = (EXAMPLE / "winnow.yaml").read_text(encoding="utf-8")
        assert written.partition("\n")[2] == whole.text

    def it_gives_arrays_that_may_be_written(self, readme: PageRun) -> None:
        (batch,) = stream_of(readme.names["release"], 1024).run()
        assert batch["neg_item_ids"].shape == batch["mask"].shape == (5, 6)
        assert batch["neg_item_ids"].dtype == np.int64
        assert np.isnan(batch["neg_log_q"]).sum() == 15, "a hard negative has no log_q"
        assert (batch["easy"] == (batch["neg_source"] <= 1)).all()
        assert {name for name, values in batch.items() if not values.flags.writeable} == set()

    def it_is_short(self) -> None:
        assert len(README.read_text(encoding="utf-8").splitlines()) < 340


class DescribeTheExampleWithVariants:
    def it_is_the_other_one_with_recipes(self) -> None:
        (part,) = [
            block.text
            for block in blocks_of(ROOT / "docs" / "operations.md")
            if block.text.startswith("# examples/own_logs/variants.yaml")
        ]
        rest = (EXAMPLE / "variants.yaml").read_text(encoding="utf-8").splitlines()[2:]
        alone = (EXAMPLE / "winnow.yaml").read_text(encoding="utf-8").splitlines()[2:]
        assert rest == [*alone, "", *part.splitlines()[1:]]


class DescribeTheOtherPages:
    @pytest.mark.parametrize(
        "name",
        [
            "maintenance.md",
            *("strategies.md", "operations.md", "quality.md", "log_q.md", "scenes.md"),
            *("many_dates.md", "streaming_frequency.md", "exports.md", "evaluation.md"),
        ],
    )
    def it_shows_what_is_printed(
        self, name: str, readme: PageRun, spark: SparkSession, folder: Path
    ) -> None:
        assert readme.exit_codes, "the pages go on where the README ends"
        run = run_page(ROOT / "docs" / name, spark, folder)
        assert all(code == 0 for _, _, code in run.exit_codes)
        for line, language, shown, printed in run.shown:
            if language == "python":
                assert lines_of(printed) == lines_of(shown), f"{name}, line {line}"
            else:
                assert appears(shown, printed), f"{name}, line {line}: found\n{printed}"


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(block, id=f"{page.parent.name}-{page.name}-{block.line}")
        for page in PAGES
        for block in blocks_of(page)
        if block.language == language
    ]


class DescribeEveryPage:
    @pytest.mark.parametrize("block", blocks("yaml"))
    def it_shows_configs_that_load(self, block: Block, tmp_path: Path) -> None:
        load_yaml(block.text, tmp_path)

    @pytest.mark.parametrize(
        "page", PAGES + RECIPES, ids=lambda page: f"{page.parent.name}-{page.name}"
    )
    def it_has_no_block_that_nobody_checks(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        assert text.count("```") == 2 * len(blocks_of(page)), "a fence without a language"
        assert {block.language for block in blocks_of(page)} <= {*LANGUAGES}

    @pytest.mark.parametrize(
        "page", PAGES + RECIPES, ids=lambda page: f"{page.parent.name}-{page.name}"
    )
    def it_links_to_what_is_there(self, page: Path) -> None:
        import re

        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), target


class DescribeTheCommandsOfThePages:
    @pytest.mark.parametrize("block", blocks("bash"))
    def it_uses_options_that_are_there(
        self, block: Block, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for line in block.text.replace("\\\n", " ").splitlines():
            _, command, words = line.partition("winnow ")
            if not command or line.startswith(("zip", "#")):
                continue
            assert main([words.split()[0], "--help"]) == 0
            told = SimpleNamespace(help=capsys.readouterr().out)
            for word in words.split():
                if word.startswith("--"):
                    assert word.split("=")[0] in told.help, f"{word} of {line}"

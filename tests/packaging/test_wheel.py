"""What a user installs: the wheel alone, beside a repository that has folders of our names."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.child_process import PATH
from tests.packaging.environments import built_wheel, environment, run

DAY = "2026-01-01"
SMALL = ("--days", "1", "--history-days", "1", "--users", "60", "--items", "200")
RELEASED = """
import json, sys, winnow
if sys.argv[2] != "-":
    winnow.build(sys.argv[2], sys.argv[3], warehouse=sys.argv[1])
(release,) = winnow.open_release(sys.argv[1]).releases
tables = {p.table: [p.content.rows, p.content.total] for p in release.tables}
print(json.dumps([winnow.__file__, tables]))
"""
# What is compiled, and whether its code is kept, which of sources in a zip it cannot be.
COMPILED = """
import numpy as np
from winnow.arrays import compiled, grouping
rows, starts = grouping.rows_by_group(np.array([1, 0, -1, 1]), 2)
kept = compiled.CACHE_FOLDER is not None
print(rows.tolist(), starts.tolist(), len(grouping.rows_by_group.signatures), kept)
"""
READ = """
import sys, winnow
print(winnow.open_release(sys.argv[1]).arrow("positives").count_rows())
"""

BATCHES = """
import sys, winnow
from winnow import losses
from winnow.loading.samples import stream_of
release = winnow.open_release(sys.argv[1])
batches = stream_of(release, 8, split=None).run()
print(sum(len(batch["item_id"]) for batch in batches))
print(release.arrow("training_samples").count_rows())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def builder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and its extra for sail."""
    return environment(tmp_path_factory.mktemp("builder"), "sail", wheel=wheel)


@pytest.fixture(scope="module")
def team(builder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's repository with packages of its own, simulated logs and their build."""
    folder = tmp_path_factory.mktemp("team")
    for name in ("pipelines", "jobs"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text('raise AssertionError("the team\'s own")\n')
    winnow = builder.parent / "winnow"
    for words in (
        ("init", "starter.yaml"),
        ("simulate", "--out", "sim", "--requests-per-day", "60", *SMALL),
        ("build", "--config", "sim/winnow.yaml", "--ds", DAY, "--json"),
    ):
        child = run(winnow, *words, cwd=folder, path=".")
        assert child.returncode == 0, child.stderr
    return folder


class DescribeTheWheel:
    def it_puts_one_name_at_the_top(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        tops = {name.partition("/")[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"winnow"}
        assert {
            "winnow/py.typed",
            "winnow/schemas/clicks.yaml",
            "winnow/configs/starter.yaml",
            "winnow/configs/recipes/bpr_pairs.yaml",
        } <= {*names}

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("releases", "--json"), '"ds": "2026-01-01"'),
            (("report", "--out", "pages"), ".html"),
            pytest.param(("verify",), "holds what it promised", marks=pytest.mark.proof),
            pytest.param(("rejected",), "missing", marks=pytest.mark.proof),
        ],
        ids=["releases", "report", "verify", "rejected"],
    )
    def it_works_beside_folders_of_the_same_names(
        self, team: Path, builder: Path, words: tuple[str, ...], told: str
    ) -> None:
        command, *rest = words
        more = ("--config", "sim/winnow.yaml")
        child = run(builder.parent / "winnow", command, *more, *rest, cwd=team, path=".")
        assert (child.returncode, told in child.stdout) == (0, True), child.stderr + child.stdout
        assert (team / "starter.yaml").is_file()

    @pytest.mark.proof
    @pytest.mark.parametrize("way", ["zip", "checkout"])
    def it_makes_the_rows_that_the_zip_and_the_checkout_make(
        self, wheel: Path, team: Path, builder: Path, tmp_path: Path, way: str
    ) -> None:
        shutil.copy(wheel, tmp_path / "winnow.zip")
        path = {"zip": str(tmp_path / "winnow.zip"), "checkout": PATH}[way]
        here = run(builder, "-c", RELEASED, team / "sim" / "warehouse", "-", cwd=tmp_path)
        words = (tmp_path / "tables", team / "sim" / "winnow.yaml", DAY)
        # Compiled rows, of the checkout, are compared with those that plain Python has made.
        compiled = way == "checkout"
        there = run(builder, "-c", RELEASED, *words, cwd=tmp_path, path=path, compiled=compiled)
        assert there.returncode == 0, there.stderr
        (place, expected), (other, found) = json.loads(here.stdout), json.loads(there.stdout)
        assert place != other and other.startswith(path.split(":")[0])
        assert found == expected
        assert found["training_samples"][0] > 10

    @pytest.mark.parametrize("way", ["wheel", pytest.param("zip", marks=pytest.mark.proof)])
    def it_compiles_kernels(self, wheel: Path, builder: Path, tmp_path: Path, way: str) -> None:
        shutil.copy(wheel, tmp_path / "winnow.zip")
        path = str(tmp_path / "winnow.zip") if way == "zip" else None
        child = run(builder, "-c", COMPILED, cwd=tmp_path, path=path, compiled=True)
        assert child.stdout == f"[1, 0, 3] [0, 1, 3] 1 {way == 'wheel'}\n", child.stderr


@pytest.fixture(scope="module")
def trainer(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and the base dependencies alone."""
    return environment(tmp_path_factory.mktemp("trainer"), wheel=wheel)


class DescribeTheBaseAlone:
    def it_reads_a_release(self, trainer: Path, team: Path) -> None:
        child = run(trainer, "-c", READ, team / "sim" / "warehouse", cwd=team, path=".")
        assert child.returncode == 0, child.stderr
        assert int(child.stdout) > 10

    def it_gives_batches_as_arrays(self, trainer: Path, team: Path) -> None:
        child = run(trainer, "-c", BATCHES, team / "sim" / "warehouse", cwd=team, path=".")
        assert child.returncode == 0, child.stderr
        found, expected = child.stdout.split()
        assert int(found) == int(expected) > 10

    @pytest.mark.parametrize("extra", ["torch", "mlflow"])
    def it_names_the_extra_that_is_not_there(self, trainer: Path, extra: str) -> None:
        child = run(trainer, "-c", f"import winnow.{extra}", cwd=trainer.parent)
        assert child.returncode == 1
        assert f"pip install 'winnow[{extra}]'" in child.stderr

    def it_holds_no_engine(self, trainer: Path) -> None:
        for name in ("pyspark", "numba", "great_expectations", "pandas", "scipy"):
            assert run(trainer, "-c", f"import {name}", cwd=trainer.parent).returncode == 1, name

    @pytest.mark.parametrize("words", [("build", "--ds", DAY), ("verify",), ("report",)])
    def it_names_the_extra_that_a_command_needs(
        self, trainer: Path, team: Path, words: tuple[str, ...]
    ) -> None:
        command, *rest = words
        more = ("--config", team / "sim" / "winnow.yaml")
        child = run(trainer.parent / "winnow", command, *more, *rest, cwd=team)
        assert child.returncode == 2, child.stderr
        assert "pip install 'winnow[sail]', or 'winnow[spark]'" in child.stderr
        assert "Traceback" not in child.stderr

    def it_lists_releases(self, trainer: Path, team: Path) -> None:
        more = ("--config", team / "sim" / "winnow.yaml", "--json")
        child = run(trainer.parent / "winnow", "releases", *more, cwd=team)
        assert (child.returncode, '"ds": "2026-01-01"' in child.stdout) == (0, True), child.stderr

"""A day with broken rows: looked at, refused where the config says so, mended and built again."""

import json
import re
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.building import audit
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary
from winnow.cli import report_pages
from winnow.cli.main import main
from winnow.config.gates import Bounds, GateBounds
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.errors import GateError
from winnow.release.release import Release
from winnow.release.releases import list_releases, read_releases

DAY = date(2026, 1, 1)
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_logs"
BROKEN, MENDED = '"what": "stare"', '"what": "click"'

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shop") / "own_logs"
    shutil.copytree(EXAMPLE, place, ignore=lambda _folder, names: {"warehouse"} & set(names))
    return place


def built(config: Config, spark: SparkSession) -> BuildSummary:
    return build(BuildRequest(config, DAY, engine_of(spark), progress=Progress(quiet=True)))


def told(captured: Captured, *words: str) -> dict[str, object]:
    assert main([*words, "--json"]) == 0
    found: dict[str, object] = json.loads(captured.readouterr().out)
    return found


@pytest.fixture(scope="module")
def refused(shop: Path, spark: SparkSession) -> str:
    """The message of a build that a stricter bound refused."""
    bound = {"rejected_share.clicks": GateBounds(fail=Bounds(most=0.1))}
    strict = load_config(shop / "winnow.yaml").model_copy(update={"gates": bound})
    with pytest.raises(GateError) as error:
        built(strict, spark)
    assert list_releases(shop / "warehouse") == ()
    return str(error.value)


@pytest.fixture(scope="module")
def releases(shop: Path, refused: str, spark: SparkSession) -> tuple[str, str]:
    """The release with two broken clicks, and the one after the first of them was mended."""
    config = load_config(shop / "winnow.yaml")
    broken = built(config, spark).release_id
    log = shop / "logs" / "actions.jsonl"
    text = log.read_text(encoding="utf-8")
    assert text.count(BROKEN) == 1
    log.write_text(text.replace(BROKEN, MENDED), encoding="utf-8")
    return broken, built(config, spark).release_id


class DescribeAShareOfRejectedRowsAboveItsBound:
    def it_stops_the_release_and_names_gate_figure_bound_and_run(self, refused: str) -> None:
        assert "gate rejected_share.clicks" in refused
        assert "expected at most 0.1" in refused
        assert re.search(r"winnow report --run \w+", refused)

    def it_leaves_a_run_that_can_be_looked_at(
        self, refused: str, shop: Path, capsys: Captured
    ) -> None:
        found = re.search(r"--run ([\w-]+)", refused)
        assert found is not None
        place = ("--warehouse", str(shop / "warehouse"), "--run", found.group(1))
        page = Path(str(told(capsys, "report", *place)["report"])).read_text(encoding="utf-8")
        assert "rejected share" in page
        assert "Failed: nothing was published" in page
        assert told(capsys, "rejected", *place)["rows"] == 2


class DescribeTheQuarantine:
    def it_shrinks_when_the_source_is_mended_and_built_again(
        self, releases: tuple[str, str], shop: Path, capsys: Captured
    ) -> None:
        found = told(capsys, "rejected", "--warehouse", str(shop / "warehouse"))
        assert found["source"] == releases[1] != releases[0]
        assert found["rows"] == 1
        assert [(r["log"], r["reason"], r["rows"]) for r in found["reasons"]] == [  # type: ignore[attr-defined]
            ("clicks", "orphan", 1)
        ]

    def it_counts_only_what_was_asked_for(
        self, releases: tuple[str, str], shop: Path, capsys: Captured
    ) -> None:
        place = ("--warehouse", str(shop / "warehouse"))
        assert told(capsys, "rejected", *place, "--log", "impressions")["rows"] == 0
        assert told(capsys, "rejected", *place, "--reason", "missing")["rows"] == 0
        assert told(capsys, "rejected", *place, "--reason", "orphan")["rows"] == 1


class DescribeTheReport:
    def it_is_one_page_in_the_folder_of_its_release(
        self, releases: tuple[str, str], shop: Path, capsys: Captured
    ) -> None:
        found = told(capsys, "report", releases[0], "--warehouse", str(shop / "warehouse"))
        page = Path(str(found["report"]))
        assert [path.name for path in page.parent.iterdir()] == ["index.html"]
        assert page.parent.name == releases[0]
        assert releases[0] in page.read_text(encoding="utf-8")

    def it_says_where_it_cannot_be_written(
        self, releases: tuple[str, str], shop: Path, tmp_path: Path, capsys: Captured
    ) -> None:
        (tmp_path / "taken").write_text("no folder", encoding="utf-8")
        place = ("--warehouse", str(shop / "warehouse"), "--out", str(tmp_path / "taken"))
        assert main(["report", *place]) == 2
        assert capsys.readouterr().err == (
            f"{tmp_path}/taken/index.html: the file cannot be written: File exists.\n"
        )

    def it_reads_the_last_releases_once_for_all_dates(
        self,
        releases: tuple[str, str],
        shop: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        snapshot = read_releases(shop / "warehouse")
        twice = SimpleNamespace(
            dates=(DAY, DAY), listed=snapshot.listed, newest_if_whole=snapshot.newest_if_whole
        )
        read: list[str] = []

        def record_of(release: Release) -> AuditRecord | None:
            read.append(release.release_id)
            return audit.record_of(release)

        monkeypatch.setattr(report_pages, "read_releases", lambda _: twice)
        monkeypatch.setattr(report_pages, "record_of", record_of)
        report_pages.write_all(shop / "warehouse", out=tmp_path)
        assert sorted(read) == sorted([*releases, releases[1], releases[1]])

    def it_says_what_changed_between_two_releases(
        self, releases: tuple[str, str], shop: Path, capsys: Captured
    ) -> None:
        place = ("--warehouse", str(shop / "warehouse"))
        found = told(capsys, "report", "--compare", *releases, *place)
        page = Path(str(found["report"])).read_text(encoding="utf-8")
        assert releases[0] in page
        assert releases[1] in page

    def it_writes_nothing_that_asks_another_host(
        self, releases: tuple[str, str], refused: str, shop: Path, capsys: Captured
    ) -> None:
        place = ("--warehouse", str(shop / "warehouse"))
        run = re.search(r"--run ([\w-]+)", refused)
        assert run is not None
        for words in ([releases[1]], ["--run", run.group(1)], ["--compare", *releases]):
            told(capsys, "report", *words, *place)
        known = {".parquet", ".crc", ".json", ".arrow", ""}
        pages = [path for path in shop.rglob("*") if path.is_file() and path.suffix == ".html"]
        others = {path.suffix for path in (shop / "warehouse").rglob("*") if path.is_file()}
        assert len(pages) >= 3
        assert others <= known | {".html"}, "what a page may load"
        for page in pages:
            text = page.read_text(encoding="utf-8")
            assert not re.search(r"(https?:)?//[a-z]|<script|<link|<img|@import", text, re.I), page

    def it_is_opened_in_a_browser_where_asked_for(
        self,
        releases: tuple[str, str],
        shop: Path,
        capsys: Captured,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr("webbrowser.open", opened.append)
        words = ("report", "--warehouse", str(shop / "warehouse"))
        told(capsys, *words)
        assert opened == []
        page = Path(str(told(capsys, *words, "--open")["report"]))
        assert opened == [page.as_uri()]

    def it_has_an_index_over_all_dates(
        self, releases: tuple[str, str], shop: Path, tmp_path: Path, capsys: Captured
    ) -> None:
        words = ("report", "--all", "--warehouse", str(shop / "warehouse"))
        index = Path(str(told(capsys, *words, "--out", str(tmp_path / "pages"))["report"]))
        assert index == tmp_path / "pages" / "index.html"
        text = index.read_text(encoding="utf-8")
        assert f'<a href="{releases[1]}/index.html">2026-01-01</a>' in text
        assert releases[0] not in text, "only the newest of a date"
        assert [path.name for path in index.parent.iterdir() if path.is_dir()] == [releases[1]]
        assert (index.parent / releases[1] / "index.html").is_file()
        assert main(["report", "--all", "--warehouse", str(tmp_path / "none")]) == 3

    def it_names_a_release_that_is_not_there(self, shop: Path, releases: object) -> None:
        assert main(["report", "never", "--warehouse", str(shop / "warehouse")]) == 3
        assert main(["report", "--run", "never", "--warehouse", str(shop / "warehouse")]) == 3
        assert main(["rejected", "--run", "never", "--warehouse", str(shop / "warehouse")]) == 3

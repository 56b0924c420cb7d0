"""``winnow init --from``: what it proposes for logs that are there."""

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.cli.main import main
from winnow.cli.proposal.found_logs import find_logs
from winnow.cli.proposal.roles import PROPOSED
from winnow.cli.proposal.times import time_in
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.release.releases import list_releases
from winnow.simulation import Simulation, simulate
from winnow.simulation.build_config import write_simulated

ROOT = Path(__file__).resolve().parents[2]
OPEN_BANDIT = ROOT.parent / "shared" / "data" / "open-bandit"
DAY = date(2026, 1, 2)

Captured = pytest.CaptureFixture[str]


def proposed(folder: Path, *logs: Path) -> Config:
    path = folder / "winnow.yaml"
    words = [word for log in logs for word in ("--from", str(log))]
    assert main(["init", str(path), "--force", *words]) == 0
    return load_config(path)


def columns(config: Config, log: str) -> dict[str, Any]:
    found = getattr(config.logs, log)
    assert found is not None
    return {
        name: source if isinstance(source, str) else source.model_dump(exclude_defaults=True)
        for name, source in found.columns.items()
    }


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(ROOT / "examples" / "own_logs" / "logs", folder / "logs")
    return proposed(folder, folder / "logs")


class DescribeTheLogsOfTheShop:
    @pytest.mark.parametrize("log", ["impressions", "clicks", "ranking_log", "items"])
    def it_finds_what_its_config_says(self, config: Config, log: str) -> None:
        right = load_config(ROOT / "examples" / "own_logs" / "winnow.yaml")
        found, wanted = getattr(config.logs, log), getattr(right.logs, log)
        assert (Path(found.path).name, found.format) == (Path(wanted.path).name, wanted.format)
        same = {"stage": "stage", "score": "score"} if log == "ranking_log" else {}
        assert columns(config, log) == columns(right, log) | same

    def it_finds_the_settings_too(self, config: Config) -> None:
        right = load_config(ROOT / "examples" / "own_logs" / "winnow.yaml")
        assert config.ids == right.ids
        assert config.funnel == right.funnel
        hard, wanted = config.negatives.of_stages.values(), right.negatives.of_stages.values()
        assert [(e.source, e.stage, e.percentiles) for e in hard] == [
            (e.source, e.stage, e.percentiles) for e in wanted
        ]

    def it_says_what_it_found_and_what_is_odd(self, config: Config) -> None:
        text = Path(config.warehouse).with_name("winnow.yaml").read_text(encoding="utf-8")
        assert "# found: 2025-12-31T10:00:01Z -> ISO 8601\n" in text
        assert re.search(r"\n      action_type: what +# a guess; found: click\n", text)
        assert "stare in 1 rows" in text


@pytest.mark.skipif(not OPEN_BANDIT.is_dir(), reason="the Open Bandit Dataset is not there")
class DescribeTheOpenBanditDataset:
    def it_finds_clicks_among_the_impressions_and_says_what_is_missing(
        self, tmp_path: Path
    ) -> None:
        config = proposed(tmp_path, OPEN_BANDIT)
        log = config.logs.impressions
        assert Path(str(log.path)).name == "bts-men.csv"
        assert columns(config, "impressions") == {
            "item_id": "item_id", "position": "position", "impression_ts": "timestamp",
        }  # fmt: skip
        assert config.logs.clicks.derived_from == "impressions"
        assert config.logs.clicks.where == {"click": (1,)}
        assert config.logs.items is not None
        assert Path(str(config.logs.items.path)).name == "men-items.csv"
        assert config.negatives.hard == ()
        text = (tmp_path / "winnow.yaml").read_text(encoding="utf-8")
        assert "random-men.csv" in text, "what it may be as well"
        assert "      # user_id: no column looks like it." in text
        assert (
            "      #   user_id: {concat: [user_feature_0, user_feature_1, user_feature_2, "
            "user_feature_3]}\n" in text
        )
        assert "      #   request_id: _c0\n" in text


def as_csv(table: pa.Table, path: Path) -> None:
    """Other names, and times in microseconds."""
    names = {"user_id": "userId", "item_id": "SKU", "request_id": "req_id", "rank": "pos"}
    for place, field in enumerate(table.schema):
        if field.name.endswith("_ts"):
            micros = table.column(place).cast(pa.int64())
            table = table.set_column(place, "ts", micros)
    named = table.rename_columns([names.get(name, name) for name in table.column_names])
    pcsv.write_csv(named, path.with_suffix(".csv"))


def as_json_lines(table: pa.Table, path: Path) -> None:
    """Other names, and times as ISO 8601, which Arrow prints with microseconds."""
    names = {"user_id": "uid", "item_id": "iid", "impression_ts": "time", "click_ts": "time"}
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            text = pc.strftime(table.column(place), "%Y-%m-%dT%H:%M:%SZ")
            table = table.set_column(place, field.name, text)
    with path.with_suffix(".jsonl").open("w", encoding="utf-8") as lines:
        for row in table.to_pylist():
            renamed = {names.get(name, name): value for name, value in row.items()}
            lines.write(json.dumps(renamed) + "\n")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Config:
    simulation = Simulation(
        out=tmp_path_factory.mktemp("simulated"), first_day=date(2026, 1, 1), days=3,
        history_days=0, users=40, items=120, requests_per_day=40, recall_size=40,
        coarse_size=30, fine_size=15, exposed_size=8, click_logit=-1.0, dirty_share=0.0,
    )  # fmt: skip
    simulate(simulation)
    return load_config(write_simulated(simulation))


@pytest.fixture(scope="module")
def hashes(right: Config, spark: SparkSession) -> dict[str, str]:
    return built(right, right, spark)


def built(config: Config, right: Config, spark: SparkSession) -> dict[str, str]:
    """The content hashes of a build by what a config says of the logs."""
    chosen = ("negatives", "split", "popularity", "carry")
    whole = config.model_copy(update={name: getattr(right, name) for name in chosen})
    build(BuildRequest(whole, DAY, engine_of(spark), progress=Progress(quiet=True)))
    (release,) = list_releases(Path(whole.warehouse))
    return {pin.table: pin.content.total for pin in release.tables}


def rewrite(right: Config, folder: Path) -> None:
    source = Path(right.warehouse).with_name("logs")
    for path in source.rglob("*.parquet"):
        target = folder / "logs" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        as_json = {"clicks", "ranking_log"} & set(path.relative_to(source).parts)
        (as_json_lines if as_json else as_csv)(pq.ParquetFile(path).read(), target)


class DescribeSimulatedLogs:
    def it_builds_the_same_rows_as_the_config_that_comes_with_them(
        self, right: Config, hashes: dict[str, str], spark: SparkSession, tmp_path: Path
    ) -> None:
        config = proposed(tmp_path, Path(right.warehouse).with_name("logs"))
        assert config.logs.impressions.partition == right.logs.impressions.partition
        assert (config.ids, config.attribution, config.funnel) == (
            right.ids, right.attribution, right.funnel,
        )  # fmt: skip
        assert config.negatives.hard == right.negatives.hard
        assert built(config, right, spark) == hashes
        assert len(hashes) == 7

    @pytest.mark.proof
    def it_builds_the_same_rows_of_them_as_text_with_other_names(
        self, right: Config, hashes: dict[str, str], spark: SparkSession, tmp_path: Path
    ) -> None:
        """Clicks and ranking log as JSON lines, the others as CSV."""
        rewrite(right, tmp_path)
        config = proposed(tmp_path, tmp_path / "logs")
        found = [name for name in PROPOSED if getattr(config.logs, name) is not None]
        assert found == ["impressions", "clicks", "ranking_log", "items"]
        formats = [getattr(config.logs, name).format for name in found]
        assert formats == ["csv", "json_lines", "json_lines", "csv"]
        assert built(config, right, spark) == hashes

    def it_knows_what_users_rejected_by_the_name_of_the_log(
        self, right: Config, tmp_path: Path
    ) -> None:
        logs = Path(right.warehouse).with_name("logs")
        shutil.copytree(logs, tmp_path / "logs")
        hidden = tmp_path / "logs" / "hides"
        hidden.mkdir()
        rows = {"uid": [1, 2], "sku": [3, 4], "hidden_at": ["2026-01-02T08:00:00Z"] * 2}
        pcsv.write_csv(pa.table(rows | {"reason": ["dislike", "hide"]}), hidden / "rows.csv")
        config = proposed(tmp_path, tmp_path / "logs")
        assert columns(config, "negative_feedback") == {
            "user_id": "uid", "item_id": "sku", "feedback_ts": "hidden_at",
            "feedback_type": "reason",
        }  # fmt: skip
        assert Path(str(config.logs.clicks.path)).name == "clicks"
        assert config.negatives.feedback is None, "the config says how to ask for it"
        text = (tmp_path / "winnow.yaml").read_text(encoding="utf-8")
        assert "#   - {source: negative_feedback, count: 2}\n" in text

    def it_knows_a_delta_table_and_its_partition_column(
        self, right: Config, tmp_path: Path
    ) -> None:
        source = Path(right.warehouse).with_name("logs")
        table = pq.read_table(source / "impressions" / "date=2026-01-01")
        day = pa.array(["2026-01-01"] * len(table)).cast(pa.date32())
        table = table.drop(["date"]) if "date" in table.column_names else table
        write_deltalake(
            tmp_path / "logs" / "exposures", table.append_column("dt", day), partition_by=["dt"]
        )
        config = proposed(tmp_path, tmp_path / "logs")
        log = config.logs.impressions
        assert (log.format, log.partition and log.partition.column) == ("delta", "dt")
        assert columns(config, "impressions") == {
            name: name
            for name in (
                "impression_id", "request_id", "user_id", "item_id", "position", "impression_ts",
            )
        }  # fmt: skip
        text = (tmp_path / "winnow.yaml").read_text(encoding="utf-8")
        assert "    # Nothing that was found looks like clicks." in text


class DescribeTimes:
    @pytest.mark.parametrize(
        ("value", "unit", "pattern"),
        [
            (1767225600, "s", None),
            (1767225600123, "ms", None),
            ("1767225600123", "ms", None),
            (1767225600123456, "us", None),
            ("1767225600.25", "s", None),
            ("2026-01-01 10:00:00", "iso", None),
            ("2026-01-01T10:00:00+08:00", "iso", None),
            ("2026-01-01", "iso", None),
            ("20260101100000", "pattern", "yyyyMMddHHmmss"),
            ("01.02.2026 10:00", "pattern", "dd.MM.yyyy HH:mm"),
        ],
    )
    def it_tells_their_unit(self, value: object, unit: str, pattern: str | None) -> None:
        found = time_in("t", [value] * 3)
        assert found is not None
        assert (found[0].unit, found[0].pattern) == (unit, pattern)

    @pytest.mark.parametrize("value", [1767225600123456789, 3, "q01", "12:30", 0.5])
    def it_takes_nothing_else_for_one(self, value: object) -> None:
        assert time_in("t", [value] * 3) is None


class DescribeFoldersOfDates:
    @pytest.mark.parametrize(
        ("folder", "column", "pattern"),
        [
            ("dt=2026-01-02", "dt", None),
            ("day=20260102", "day", None),
            ("2026-01-02", None, "%Y-%m-%d"),
            ("2026/01/02", None, "%Y/%m/%d"),
            ("year=2026/month=01/day=02", None, "year=%Y/month=%m/day=%d"),
            ("hour=2026010207", "hour", "%Y%m%d%H"),
        ],
    )
    def it_reads_their_names(
        self, tmp_path: Path, folder: str, column: str | None, pattern: str | None
    ) -> None:
        place = tmp_path / "logs" / "shown" / folder
        place.mkdir(parents=True)
        row = "user_id,item_id,request_id,ts\n1,2,3,1767312000\n"
        (place / "part-0.csv").write_text(row, encoding="utf-8")
        partition = proposed(tmp_path, tmp_path / "logs").logs.impressions.partition
        assert partition is not None
        assert (partition.column, partition.pattern) == (column, pattern)


class DescribeWhatCannotBeRead:
    def it_names_what_is_not_there(self, tmp_path: Path, capsys: Captured) -> None:
        words = ["init", str(tmp_path / "w.yaml"), "--from", str(tmp_path / "none")]
        assert main(words) == 3
        assert capsys.readouterr().err == f"--from: {tmp_path / 'none'} does not exist.\n"
        assert list(tmp_path.iterdir()) == []

    def it_names_a_folder_without_logs(self, tmp_path: Path, capsys: Captured) -> None:
        (tmp_path / "logs").mkdir()
        assert main(["init", str(tmp_path / "w.yaml"), "--from", str(tmp_path / "logs")]) == 3
        assert "no log is to be seen in" in capsys.readouterr().err

    def it_names_files_that_cannot_be_read_beside_others(
        self, tmp_path: Path, capsys: Captured
    ) -> None:
        shutil.copytree(ROOT / "examples" / "own_logs" / "logs", tmp_path / "logs")
        (tmp_path / "logs" / "users.parquet").write_bytes(b"PAR1")
        words = ["init", str(tmp_path / "w.yaml"), "--from", str(tmp_path / "logs")]
        assert main(words) == 0
        assert "users.parquet is not a complete Parquet file" in capsys.readouterr().out

    def it_passes_over_tables_of_winnow_and_files_that_are_no_logs(self, tmp_path: Path) -> None:
        shutil.copytree(ROOT / "examples" / "own_logs" / "logs", tmp_path / "shop" / "logs")
        (tmp_path / "shop" / "winnow.yaml").write_text("seed: 1", encoding="utf-8")
        (tmp_path / "shop" / "notes").mkdir()
        (tmp_path / "shop" / "notes" / "read.me").write_text("of the shop", encoding="utf-8")
        table = pa.table({"user_id": [1], "item_id": [2], "click_ts": [3]})
        for name in ("releases", "positives"):
            write_deltalake(tmp_path / "shop" / "warehouse" / name, table)
        found, problems = find_logs([str(tmp_path / "shop")], tmp_path)
        alone, _ = find_logs([str(tmp_path / "shop" / "logs")], tmp_path)
        assert [one.path for one in found] == [one.path for one in alone] != []
        assert problems == []

    def it_says_that_a_file_that_was_named_tells_no_format(
        self, tmp_path: Path, capsys: Captured
    ) -> None:
        path = tmp_path / "clicks.txt"
        path.write_text("1,2", encoding="utf-8")
        assert main(["init", str(tmp_path / "w.yaml"), "--from", str(path)]) == 3
        assert capsys.readouterr().err == (
            f"--from: the name of {path} does not tell the format. "
            "Let the names end in .parquet, .csv or .jsonl, or write a config by hand.\n"
        )

    def it_replaces_no_config(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.yaml"
        path.write_text("mine", encoding="utf-8")
        assert main(["init", str(path), "--from", str(ROOT / "examples")]) == 2
        assert path.read_text(encoding="utf-8") == "mine"

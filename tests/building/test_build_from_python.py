"""``winnow.build``: the same release as the command makes, by a few words of Python."""

from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.engine.choice import engine_of
from winnow.errors import ConfigError, InputError, MissingExtraError, Problem
from winnow.extras import extras_named
from winnow.operations.forgetting.leftovers import runs_at_work

from tests.docs.pages import EXAMPLE

DAY = date(2026, 1, 1)


class DescribeBuild:
    def it_builds_in_a_session_that_runs_and_leaves_it_running(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        config = winnow.load_config(EXAMPLE / "winnow.yaml")
        made = winnow.build(config, DAY, engine=spark, warehouse=tmp_path / "tables")
        assert made.published and made.ds == DAY
        release = winnow.open_release(tmp_path / "tables")
        assert release.arrow("positives").count_rows() == made.totals.positives > 0
        assert spark.range(3).count() == 3
        again = winnow.build(
            EXAMPLE / "winnow.yaml", "2026-01-01", engine=spark, warehouse=tmp_path / "tables"
        )
        assert (again.published, again.release_id) == (False, made.release_id)

    def it_is_at_work_before_a_log_is_opened_and_leaves_nothing_where_that_fails(
        self, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def denied(*_given: object) -> NoReturn:
            seen.append(len(runs_at_work(tmp_path)))
            raise InputError(Problem("logs.clicks", "cannot be read"))

        monkeypatch.setattr("winnow.building.build.open_inputs", denied)
        config = winnow.load_config(EXAMPLE / "winnow.yaml")
        with pytest.raises(InputError, match="cannot be read"):
            winnow.build(config, DAY, engine=spark, warehouse=tmp_path)
        assert seen == [1], "who forgets users meanwhile is told of it"
        assert list(tmp_path.rglob("*")) == [tmp_path / "_staging"]

    def it_refuses_what_is_no_engine(self) -> None:
        with pytest.raises(ConfigError, match="engine: this is no engine, found 7"):
            winnow.build(EXAMPLE / "winnow.yaml", DAY, engine=7)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="this engine is not known, found sparc"):
            winnow.build(EXAMPLE / "winnow.yaml", DAY, engine="sparc")

    @pytest.mark.parametrize("ds", ["2026-1-1", "yesterday", datetime(2026, 1, 1, 7)])
    def it_refuses_what_is_no_date(self, ds: str | date) -> None:
        with pytest.raises(ConfigError, match="ds: this is not a date"):
            winnow.build(EXAMPLE / "winnow.yaml", ds)

    @pytest.mark.parametrize(
        ("warehouse", "told"),
        [
            ("gs://bucket/tables", "warehouse: the value does not fit, found 'gs://bucket/tables'"),
            ("s3://bucket", "warehouse: the value does not fit, found 's3://bucket'"),
            (Path("a%20b"), "warehouse: the value does not fit, found 'a%20b'"),
            ("", "warehouse: the value does not fit, found ''"),
        ],
    )
    def it_refuses_the_folders_that_the_config_refuses(
        self, warehouse: str | Path, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("winnow.engine.choice.start_engine", lambda *_, **__: pytest.fail())
        with pytest.raises(ConfigError) as caught:
            winnow.build(EXAMPLE / "winnow.yaml", DAY, warehouse=warehouse)
        assert str(caught.value).startswith(told)

    def it_refuses_a_warehouse_among_the_logs_before_an_engine_starts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("winnow.engine.choice.start_engine", lambda *_, **__: pytest.fail())
        logs = "logs: {impressions: {path: w/i}, clicks: {path: c}}\n"
        path = tmp_path / "winnow.yaml"
        path.write_text(logs + "negatives: {hard: []}\nwarehouse: w\n")
        with pytest.raises(ConfigError, match="lies within the warehouse"):
            winnow.build(path, DAY)

    def it_tells_a_log_that_is_missing_before_kernels_are_compiled(
        self, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = type(engine_of(spark))
        for work in ("compile_kernels", "warm_up"):
            monkeypatch.setattr(engine, work, lambda *_, **__: pytest.fail())
        path = tmp_path / "winnow.yaml"
        path.write_text(
            "logs: {impressions: {path: i}, clicks: {path: c}}\nnegatives: {hard: []}\n"
        )
        with pytest.raises(InputError) as caught:
            winnow.build(path, DAY, engine=spark)
        assert [one.where for one in caught.value.problems] == [
            "logs.impressions.path",
            "logs.clicks.path",
        ]


class DescribeExtras:
    @pytest.mark.parametrize(
        ("package", "told"),
        [
            ("pysail", "pysail: is not installed. pip install 'winnow[sail]'"),
            ("scipy.stats", "scipy: is not installed. pip install 'winnow[audit]'"),
            ("delta", "delta: is not installed. pip install 'winnow[spark]'"),
        ],
    )
    def it_names_the_extra_that_is_missing(self, package: str, told: str) -> None:
        with pytest.raises(MissingExtraError) as caught, extras_named():
            raise ModuleNotFoundError(name=package)
        assert str(caught.value) == told
        assert caught.value.exit_code == 2

    def it_leaves_other_packages_to_whoever_wants_them(self) -> None:
        with pytest.raises(ModuleNotFoundError), extras_named():
            raise ModuleNotFoundError(name="users_own_package")

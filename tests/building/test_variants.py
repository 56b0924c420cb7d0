"""Variants: one reading of the logs, and of each recipe the very release of its own build."""

import hashlib
import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from winnow.building.build import build, released
from winnow.building.inputs import Inputs, open_inputs
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary
from winnow.building.variants import VariantBuilds, build_variants
from winnow.config.tree import Config
from winnow.engine.choice import engine_of
from winnow.errors import ConflictError, GateError, InputError, Problem, WinnowError
from winnow.operations.forgetting.leftovers import runs_at_work
from winnow.operations.retention.clean import find_old_staging, remove_staging
from winnow.release.opening import open_release
from winnow.release.release import Release
from winnow.spark.scratch import Scratch

from tests.e2e.test_random_recipes import random_logs, under_aliases
from tests.events.handmade import DAY, config

HARD = [{"source": "cut", "stage": "coarse"}, {"source": "low", "stage": "fine"}]
Variants = dict[str, dict[str, Any]]
RECIPES: Variants = {
    "plain": {},
    "flat": {
        "negatives": {
            "per_positive": 4,
            "easy": [{"source": "popularity", "alpha": 0.0}],
            "hard": HARD[1:],
        },
        "popularity": {"smoothing": 9.0},
        "shards": 3,
    },
    "others": {
        "seed": 5,
        "epoch": 2,
        "ranking": {"negative_keep": 0.5},
        "positives": {
            "downsampling": {"rule": "none", "threshold_clicks": None},
            "weights": {"buy": 9.0},
            "labels": ["buy"],
            "per_user_cap": 3,
        },
    },
    "shown": {"negatives": {"easy": [{"source": "exposed", "days": 2}]}},
}
NO_ROOM = {"gates": {"hard_share": {"fail": {"least": 2.0}}}}


def recipes(base: Path, given: Variants, **settings: Any) -> Config:
    """A config of few dates with these variants."""
    return config(
        base,
        logs=("impressions", "clicks", "ranking_log", "items", "item_aliases"),
        attribution={"window_hours": 2},
        exclusion={"exposure_lookback_days": 0, "click_lookback_days": 0},
        popularity={"window_days": 2, "of": "actions"},
        positives={"downsampling": {"rule": "cap", "threshold_clicks": 2}},
        negatives={"per_positive": 8, "hard": HARD},
        gates={n: {"fail": None} for n in ("top_user_share", "logged_request_share")},
        **settings,
        variants=given,
    )


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with logs, some rows of them broken."""
    logs = under_aliases(Random(3), random_logs(Random(3)))
    for row in (*logs.rows["impressions"][-5:], *logs.rows["clicks"][-3:]):
        row["item_id"] = None
    logs.rows["clicks"] += [dict(logs.rows["clicks"][-9])]
    logs.write(tmp_path)
    return tmp_path


def build_all(settings: Config, spark: SparkSession) -> VariantBuilds:
    return build_variants(request_of(settings, spark))


def request_of(settings: Config, spark: SparkSession) -> BuildRequest:
    quiet = Progress(quiet=True)
    return BuildRequest(settings, DAY, engine_of(spark), progress=quiet, immature=True)


def build_alone(settings: Config, spark: SparkSession, folder: Path) -> Release:
    alone = settings.model_copy(update={"warehouse": str(folder)})
    build(request_of(alone, spark))
    return release_in(folder)


def openings(monkeypatch: pytest.MonkeyPatch) -> list[BuildRequest]:
    """The builds that opened their logs, from now on."""
    opened: list[BuildRequest] = []

    def noted(request: BuildRequest, clicks_from: date | None) -> Inputs:
        opened.append(request)
        return open_inputs(request, clicks_from)

    monkeypatch.setattr("winnow.building.variants.open_inputs", noted)
    return opened


def release_in(folder: Path) -> Release:
    return open_release(folder, ds=DAY).releases[0]


def staged_in(folder: Path) -> list[str]:
    return [path.name for path in sorted((folder / "_staging").glob("*"))]


def told(release: Release) -> list[Any]:
    """What a release says of itself, but for ids, times and places."""
    kept = release.documents()
    record = json.loads(kept.quality_json)
    record.pop("seconds")
    pins = [(pin.table, pin.content) for pin in release.tables]
    return [pins, release.config_hash, kept.config_json, kept.inputs_json, record]


def file_hashes(folder: Path) -> dict[str, list[str]]:
    """Of each table a hash of each of its files."""
    release = open_release(folder, ds=DAY)
    return {
        name: sorted(hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in release.files(name))
        for name in release.tables
    }


class DescribeVariants:
    @pytest.mark.parametrize(
        "names",
        [("others", "shown"), pytest.param(tuple(RECIPES), marks=pytest.mark.proof)],
        ids=["two", "all"],
    )
    def it_makes_of_each_what_its_own_build_makes(
        self, spark: SparkSession, base: Path, names: tuple[str, ...]
    ) -> None:
        settings = recipes(base, {name: RECIPES[name] for name in names})
        builds = build_all(settings, spark)
        builds.raise_if_failed()
        assert list(builds.made) == list(names)
        contents = []
        for name in names:
            alone = build_alone(settings.variant(name), spark, base / "alone" / name)
            found = release_in(base / "warehouse" / name)
            assert told(found) == told(alone), name
            assert builds.made[name].release_id == found.release_id
            contents.append(alone.pin("training_samples"))
        assert all(pin is not None and pin.content.rows >= 5 for pin in contents)
        assert len({pin.content.total for pin in contents if pin is not None}) == len(names)

    @pytest.mark.proof
    def it_writes_the_bytes_of_a_single_build_where_two_of_these_write_the_same(
        self, spark: SparkSession, base: Path
    ) -> None:
        settings = recipes(base, {"a": RECIPES["flat"], "b": RECIPES["others"]})
        build_all(settings, spark).raise_if_failed()
        equal = set()
        for name in ("a", "b"):
            once, twice = (base / "alone" / name / time for time in ("1", "2"))
            for folder in (once, twice):
                build_alone(settings.variant(name), spark, folder)
            again, found = file_hashes(twice), file_hashes(base / "warehouse" / name)
            same = {table for table, files in file_hashes(once).items() if files == again[table]}
            assert {table: found[table] for table in same} == {t: again[t] for t in same}
            equal |= same
        assert "training_samples" in equal

    def it_reads_the_logs_once_and_leaves_nothing_but_tables(
        self, spark: SparkSession, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = openings(monkeypatch)
        builds = build_all(recipes(base, {"a": {}, "b": {"seed": 1}}), spark)
        builds.raise_if_failed()
        assert (len(builds.made), len(opened)) == (2, 1)
        warehouse = base / "warehouse"
        assert {path.name for path in warehouse.iterdir()} <= {"a", "b", "_staging"}
        assert [staged_in(warehouse / name) for name in (".", "a", "b")] == [[], [], []]
        assert set(builds.seconds) >= {"check the logs", "count rows", "stage the logs"}
        assert set(builds.made["a"].seconds) == {
            "weigh items", "sample", "stage tables", "audit", "publish",
        }  # fmt: skip

    @pytest.mark.proof
    def it_reads_them_once_more_where_a_variant_needs_other_dates(
        self, spark: SparkSession, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = openings(monkeypatch)
        given: Variants = {"a": {}, "wide": RECIPES["shown"], "b": {"seed": 1}}
        builds = build_all(recipes(base, given), spark)
        assert (list(builds.made), len(opened)) == (["a", "wide", "b"], 2)

    @pytest.mark.proof
    def it_is_no_new_release_where_nothing_changed(self, spark: SparkSession, base: Path) -> None:
        settings = recipes(base, {"a": {}, "b": {"seed": 1}})
        first, second = build_all(settings, spark), build_all(settings, spark)
        assert [made.published for made in second.made.values()] == [False, False]
        assert [made.release_id for made in first.made.values()] == [
            made.release_id for made in second.made.values()
        ]


class DescribeAVariantThatFails:
    def it_harms_no_other(self, spark: SparkSession, base: Path) -> None:
        given: Variants = {"a": {}, "bad": NO_ROOM, "b": {"seed": 1}}
        builds = build_all(recipes(base, given), spark)
        assert (list(builds.made), list(builds.failed)) == (["a", "b"], ["bad"])
        with pytest.raises(GateError, match=r"^variant bad: gate hard_share: ") as caught:
            builds.raise_if_failed()
        assert caught.value.exit_code == 3
        warehouse = base / "warehouse"
        assert [release_in(warehouse / name).ds for name in ("a", "b")] == [DAY, DAY]
        # Its own staging stays for a look; what all shared does not.
        assert [len(staged_in(warehouse / name)) for name in (".", "a", "bad", "b")] == [0, 0, 1, 0]

    def it_is_all_of_them_where_a_log_is_wrong(self, spark: SparkSession, base: Path) -> None:
        (base / "clicks" / f"date={DAY}" / "part.parquet").write_bytes(b"PAR1")
        with pytest.raises(InputError):
            build_all(recipes(base, {"a": {}, "b": {"seed": 1}}), spark)
        assert not (base / "warehouse" / "a" / "releases").exists()

    def it_names_a_log_of_which_the_copy_holds_other_rows(
        self, spark: SparkSession, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Scratch.staged

        def loses_one(self: Scratch, frame: DataFrame, name: str, **more: bool) -> DataFrame:
            if name == "logs/clicks":
                frame = frame.where("item_id IS NULL OR item_id != 7")
            return real(self, frame, name, **more)

        monkeypatch.setattr(Scratch, "staged", loses_one)
        with pytest.raises(InputError, match=r"^logs\.clicks: the log holds other rows") as caught:
            build_all(recipes(base, {"a": {}, "b": {"seed": 1}}), spark)
        assert caught.value.exit_code == 3

    @pytest.mark.parametrize(
        ("errors", "kind", "code"),
        [
            ([ConflictError, GateError], GateError, 3),
            ([GateError, ConflictError], GateError, 3),
            ([ConflictError, ConflictError], ConflictError, 4),
            ([GateError, ZeroDivisionError, ConflictError], WinnowError, 1),
        ],
    )
    def it_ends_as_the_gravest(
        self, errors: list[type[Exception]], kind: type[WinnowError], code: int
    ) -> None:
        given = (e(Problem("x", "y")) if issubclass(e, WinnowError) else e("y") for e in errors)
        builds = VariantBuilds({}, {str(n): error for n, error in enumerate(given)})
        with pytest.raises(WinnowError) as caught:
            builds.raise_if_failed()
        assert (type(caught.value), caught.value.exit_code) == (kind, code)
        said = [problem.where for problem in caught.value.problems]
        assert [where.split(":")[0] for where in said] == [f"variant {n}" for n in range(len(said))]
        assert len(said) == len(errors)


class DescribeTheWarehouseOfAVariant:
    def it_knows_of_its_run_from_the_first_row_read_to_its_release(
        self, spark: SparkSession, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else who forgets a user there meanwhile is told of nobody who may release the rows."""
        settings, names = recipes(base, {"a": {}, "b": {"seed": 1}}), ("a", "b")
        seen: list[tuple[str, ...]] = []

        def look() -> None:
            told = {name: runs_at_work(base / "warehouse" / name) for name in names}
            assert all(len(problems) <= 1 for problems in told.values())
            seen.append(tuple(name for name in names if told[name]))

        def noted(*given: Any) -> Any:
            look()
            return open_inputs(*given)

        def ended(*given: Any) -> Any:
            look()
            if len(seen) == 3:
                raise ConflictError(Problem("releases", "another run was faster"))
            return released(*given)

        monkeypatch.setattr("winnow.building.variants.open_inputs", noted)
        monkeypatch.setattr("winnow.building.variants.released", ended)
        builds = build_all(settings, spark)
        look()
        assert (list(builds.made), list(builds.failed)) == (["a"], ["b"])
        assert seen == [("a", "b"), ("a", "b"), ("b",), ()]

    def it_that_takes_no_mark_of_a_run_gets_no_release_and_harms_no_other(
        self, spark: SparkSession, base: Path
    ) -> None:
        settings = recipes(base, {"a": {}, "b": {"seed": 1}})
        (base / "warehouse" / "a").mkdir(parents=True)
        (base / "warehouse" / "a" / "_staging").write_text("in the way")
        builds = build_all(settings, spark)
        assert (list(builds.made), list(builds.failed)) == (["b"], ["a"])
        assert runs_at_work(base / "warehouse" / "b") == ()


class DescribeABuildThatIsKilled:
    def it_goes_on_when_it_is_run_again(
        self, spark: SparkSession, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = recipes(base, {"a": {}, "b": {"seed": 1}})
        ended: list[BuildSummary] = []

        def killed(*given: Any) -> BuildSummary:
            if ended:
                raise KeyboardInterrupt
            ended.append(released(*given))
            return ended[0]

        with monkeypatch.context() as patch:
            patch.setattr("winnow.building.variants.released", killed)
            with pytest.raises(KeyboardInterrupt):
                build_all(settings, spark)
        warehouse = base / "warehouse"
        left = staged_in(warehouse)
        assert len(left) == 1
        builds = build_all(settings, spark)
        assert {name: made.published for name, made in builds.made.items()} == {
            "a": False,
            "b": True,
        }
        old = find_old_staging(warehouse)
        assert [run.run_id for run in old.over] == left
        remove_staging(old)
        assert staged_in(warehouse) == []

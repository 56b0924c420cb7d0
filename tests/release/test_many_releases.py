"""To open one of many releases costs what it costs to open one of few, and so does to add one."""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from winnow.errors import ReleaseError
from winnow.release.creation import ensure_table
from winnow.release.delta_log import checkpoints_in_log
from winnow.release.opening import open_dates, open_release
from winnow.release.release import (
    ContentHash,
    Documents,
    Release,
    TablePin,
    new_release_id,
    releases_contract,
)
from winnow.release.releases import list_releases, read_releases
from winnow.release.sail_store import SailStore
from winnow.release.store import Store

from tests.near_equal import near_equal
from tests.release.things import MONDAY, Run, store_of

MANY = 200
FIRST = date(2025, 1, 1)
TABLES = ("a", "b", "c", "d", "e", "f", "g")
COUNTERS = Path("/proc/self/io")


def made_up(number: int, audit: int = 45_000) -> Release:
    """As large as a real one, whose audit has 45 KB; here they hardly compress."""
    made = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    noise = random.Random(number).randbytes(audit // 2).hex()
    return Release(
        release_id=new_release_id(f"run-{number:08}", made),
        seq=number + 1,
        ds=FIRST + timedelta(days=number),
        run_id=f"run-{number:08}",
        created_ts=made,
        config_hash="c",
        code_version="v",
        tables=tuple(TablePin(name, number, ContentHash(5, "7")) for name in TABLES),
        documents=lambda: Documents("{}", "{}", json.dumps({"noise": noise})),
    )


def with_releases(warehouse: Path, many: int, audit: int = 45_000) -> Path:
    """Append them as the engine sail does, which needs no session for it."""
    store = SailStore(None, warehouse)  # type: ignore[arg-type]
    ensure_table(warehouse / "releases", releases_contract(), 400)
    for number in range(many):
        store.append_release(made_up(number, audit), store.releases_snapshot())
    return warehouse


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_releases(tmp_path_factory.mktemp("few"), 20)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_releases(tmp_path_factory.mktemp("many"), MANY)


def bytes_read(work: Callable[[], object]) -> int:
    """What this process has read meanwhile, from files and elsewhere."""

    def counted() -> int:
        return int(COUNTERS.read_text().split()[1])

    before = counted()
    work()
    return counted() - before


@pytest.mark.skipif(not COUNTERS.exists(), reason="this system does not count what is read")
class DescribeTheBytesThatAreRead:
    def it_takes_for_one_of_many_releases_hardly_more_than_for_one_of_few(
        self, few: Path, many: Path
    ) -> None:
        last = date(2025, 1, 1) + timedelta(days=19)
        for name in ("ds", "id", "newest", "listed"):
            found = []
            for warehouse in (few, many):
                ways: dict[str, Callable[[], object]] = {
                    "ds": partial(open_release, warehouse, ds=last),
                    "id": partial(open_release, warehouse, made_up(3).release_id),
                    "newest": partial(open_release, warehouse),
                    "listed": partial(read_releases, warehouse),
                }
                ways[name]()
                found.append(bytes_read(ways[name]))
            # The checkpoint of the log has a line per release; the audits alone are 9 MB.
            assert found[1] < found[0] + 1_000 * MANY, name

    def it_is_without_the_audits_where_releases_are_listed(self, tmp_path: Path) -> None:
        warehouse = with_releases(tmp_path, 10, audit=1_000_000)
        list_releases(warehouse)
        # Of a file its last 64 KB are read, whatever they hold, and the columns that are wanted.
        assert bytes_read(lambda: list_releases(warehouse)) < 10 * 100_000
        assert bytes_read(lambda: open_release(warehouse)) < 300_000
        (opened,) = open_release(warehouse).releases
        assert len(opened.quality_json) >= 1_000_000


class DescribeManyReleases:
    def it_reads_no_file_of_another_release(
        self, spark: SparkSession, few: Path, tmp_path: Path
    ) -> None:
        """Nor to list them. To append one more the newest is read, so that two appends collide."""
        warehouse = tmp_path / "few"
        shutil.copytree(few, warehouse)
        snapshot = read_releases(warehouse)
        assert [one.ds for one in snapshot.listed] == [made_up(n).ds for n in range(20)]
        wanted = (*snapshot.listed[4:6], snapshot.listed[-1])
        keep = {file.path for one in wanted for file in one.files}
        for path in (warehouse / "releases").glob("*.parquet"):
            if path not in keep:
                path.write_bytes(b"broken")
        days = [made_up(n).ds for n in (4, 5)]
        assert open_dates(warehouse, *days).dates == tuple(days)
        found = open_release(warehouse, made_up(5).release_id).releases[0]
        assert found == made_up(5)
        assert found.documents() == made_up(5).documents()
        store = store_of(spark, warehouse)
        one_more = replace(made_up(20), tables=made_up(20).tables[:2])
        store.append_release(one_more, store.releases_snapshot())
        assert open_release(warehouse).releases == (one_more,)
        with pytest.raises(ReleaseError) as caught:
            list_releases(warehouse)
        assert len(caught.value.problems) == 17
        assert "the release of 2025-01-01 cannot be read, found" in str(caught.value)
        assert "Build 2025-01-01 again: it is then released anew." in str(caught.value)

    def it_lists_them_from_a_checkpoint_and_a_few_entries(
        self, spark: SparkSession, store: Store
    ) -> None:
        path = store.folder / "releases"
        for number in range(2, 14):
            run = Run(store, MONDAY, mark="a", config=f"c{number}")
            store.append_release(
                replace(made_up(number), ds=run.record.day), store.releases_snapshot()
            )
        last, head = max(checkpoints_in_log(path)), DeltaTable(str(path)).version()
        assert 0 <= head - last < 10
        for old in (path / "_delta_log").glob("*.json"):
            if int(old.stem) <= last:
                old.unlink()
        assert [one.seq for one in read_releases(store.warehouse).listed] == list(range(1, 15))

    def it_is_the_same_after_the_table_was_compacted(self, few: Path, tmp_path: Path) -> None:
        """Then the log no longer tells which release lies where, and files are looked into."""
        warehouse = tmp_path / "few"
        shutil.copytree(few, warehouse)
        before = list_releases(warehouse)
        DeltaTable(str(warehouse / "releases")).optimize.compact()
        snapshot = read_releases(warehouse)
        assert len({file.path for one in snapshot.listed for file in one.files}) == 1
        assert snapshot.releases == before == tuple(made_up(number) for number in range(20))
        assert snapshot.releases[7].documents() == made_up(7).documents()


class DescribeAReleaseThatIsNotWhole:
    @pytest.fixture
    def torn(self, store: Store, request: pytest.FixtureRequest) -> Store:
        """Monday's row of one table is gone, or there twice."""
        path = str(store.warehouse / "releases")
        table = DeltaTable(path)
        rows = table.to_pyarrow_table()
        monday = f"ds = DATE '{MONDAY}'"
        if request.param == "twice":
            write_deltalake(path, rows.filter(_first_of(rows)), mode="append")
        else:
            table.delete(f"{monday} AND table_name = '{request.param}'")
        return store

    @pytest.mark.parametrize("torn", ["twice", *near_equal("things", "stats")], indirect=True)
    def it_cannot_be_read_and_is_healed_by_the_next_build(
        self, spark: SparkSession, torn: Store
    ) -> None:
        for work in (lambda: open_release(torn.warehouse, ds=MONDAY),
                     lambda: open_dates(torn.warehouse, MONDAY, MONDAY),
                     lambda: list_releases(torn.warehouse)):  # fmt: skip
            with pytest.raises(ReleaseError) as caught:
                work()
            (problem,) = caught.value.problems
            assert problem.what.startswith("it has not the rows that it was released with in the")
            assert problem.expected == "2"
            assert "Build 2026-01-05 again" in str(problem.next_step)
        assert open_release(torn.warehouse).releases[0].ds != MONDAY
        published = Run(torn, MONDAY, mark="a").go(spark)
        assert not published.already
        assert open_release(torn.warehouse, ds=MONDAY).releases == (published.release,)


def _first_of(rows: object) -> list[bool]:
    keys = list(zip(rows["ds"].to_pylist(), rows["table_name"].to_pylist(), strict=True))  # type: ignore[index]
    return [key == (MONDAY, "stats") for key in keys]


class DescribeATableOfAnotherVersion:
    def it_is_refused_by_the_columns_that_it_lacks(self, tmp_path: Path) -> None:
        contract = releases_contract()
        columns = tuple(c for c in contract.columns if c.name != "n_tables")
        other = contract.model_copy(update={"columns": columns})
        ensure_table(tmp_path / "releases", other, 400)
        with pytest.raises(ReleaseError) as caught:
            open_release(tmp_path)
        assert str(caught.value) == (
            "releases: the column n_tables is missing: another version of Winnow made the table. "
            "Read it with that version, or build the dates again in a new warehouse."
        )

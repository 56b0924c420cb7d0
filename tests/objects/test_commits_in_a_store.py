"""Of several that commit to a store one wins, the others are told, and a dead one harms nobody."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.engine.choice import engine_of
from winnow.errors import ConflictError, ReleaseError
from winnow.release.commits import Label
from winnow.release.conditional_put import put_if_absent
from winnow.release.linked_files import DayCommit, LinkedFile
from winnow.release.metadata import open_table
from winnow.release.release import new_release_id
from winnow.release.releases import read_releases
from winnow.release.staging import staged_runs
from winnow.release.verify import verify_release
from winnow.storage.object_path import ObjectPath

from tests.child_process import PATH, child_environment
from tests.objects.conftest import DAY, Shop, Store, contents, served
from tests.release.things import MONDAY, TUESDAY, Run

KILLED = """
import os, signal, sys
import winnow
from winnow.release import linked_files, promotion
from winnow.release.store import Store

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def die_behind(work):
    def once(*words, **more):
        work(*words, **more)
        die()
    return once

where, config, warehouse = sys.argv[1:]
if where == "uploaded":
    linked_files.DayCommit.replace_by = die
elif where == "one promoted":
    Store.promote = die_behind(Store.promote)
elif where == "all promoted":
    promotion.release = die
winnow.build(config, "2026-01-01", warehouse=warehouse, engine="sail")
"""

BUILD = "import sys; from winnow.cli.main import main; sys.exit(main(sys.argv[1:]))"


class DescribeABuildThatIsKilled:
    @pytest.mark.parametrize("where", ["uploaded", "one promoted", "all promoted"])
    def it_shows_nothing_and_the_next_one_gives_the_same_rows(
        self,
        where: str,
        bucket: str,
        shop: Shop,
        on_disk: Path,
        spark: SparkSession,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        warehouse = f"{bucket}/tables"
        place = ObjectPath.of(warehouse)
        child = subprocess.run(
            [sys.executable, "-c", KILLED, where, str(shop.on_disk), warehouse],
            env=child_environment() | {"PYTHONPATH": PATH},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert child.returncode == -signal.SIGKILL, child.stderr[-2000:]
        assert any(one.name.endswith(".parquet") for one, _ in place.objects()), "it had begun"
        with pytest.raises(ReleaseError, match="there is no release"):
            winnow.open_release(warehouse, ds=DAY)
        (dead,) = staged_runs(place)
        assert dead.state == "ended"
        assert dead.marker is not None, "other machines know of it as well"
        winnow.build(shop.on_disk, DAY, warehouse=warehouse, engine=spark)
        assert contents(warehouse) == contents(on_disk)
        assert main(["clean", "--warehouse", warehouse]) == 0
        assert f"removed {dead.run_id}: over" in capsys.readouterr().out
        assert staged_runs(place) == ()


class DescribeTwoThatCommit:
    @pytest.fixture
    def own(self, bucket: str, shop: Shop, spark: SparkSession) -> ObjectPath:
        warehouse = f"{bucket}/tables"
        winnow.build(shop.on_disk, DAY, warehouse=warehouse, engine=spark)
        return ObjectPath.of(warehouse)

    def it_lets_the_later_one_lose_that_replaces_the_same_date(self, own: ObjectPath) -> None:
        table = own / "positives"
        (file,) = winnow.open_release(str(own), ds=DAY).files("positives")
        content = ObjectPath.of(file).read_bytes()
        first, second = DayCommit(table, DAY), DayCommit(table, DAY)
        files = []
        for name in ("one", "two"):
            path = table.joinpath(f"ds={DAY}", f"{name}.parquet")
            put_if_absent(path, content)
            files.append(LinkedFile(path, 5))
        first.replace_by(files[:1], Label("run-1", 1, "config", "code"))
        with pytest.raises(ConflictError):
            second.replace_by(files[1:], Label("run-2", 1, "config", "code"))
        assert [file.path.exists() for file in files] == [True, False]
        assert open_table(table).version() == 2

    def it_lets_the_later_one_lose_that_releases_by_the_same_list(
        self, own: ObjectPath, spark: SparkSession
    ) -> None:
        tables = engine_of(spark).store(own)
        before = read_releases(own)
        (one,) = before.releases
        now = datetime.now(UTC)
        two, three = (
            replace(one, release_id=new_release_id(name, now), seq=2, run_id=name, created_ts=now)
            for name in ("run-2", "run-3")
        )
        tables.append_release(two, before)
        with pytest.raises(ConflictError):
            tables.append_release(three, before)
        assert [found.release_id for found in read_releases(own).releases] == [
            one.release_id,
            two.release_id,
        ]

    @pytest.mark.parametrize("conditions", ["honoured", "ignored"])
    def it_loses_no_release_of_two_that_commit_at_the_same_moment(
        self,
        conditions: str,
        store: Store,
        spark: SparkSession,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Both have sent their commit of one number before the store answers either.

        A store that ignores conditions loses one of them without a word: so the test can fail.
        """
        first = f"/releases/_delta_log/{1:020}.json"
        ignored = conditions == "ignored"
        for server in served(*["--ignore-conditions"] * ignored, "--meet", first):
            monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
            tables = engine_of(spark).store(ObjectPath.of(f"{server.new_bucket()}/tables"))
            runs = [Run(tables, MONDAY, "a"), Run(tables, TUESDAY, "b")]
            with ThreadPoolExecutor(2) as pool:
                asked = [pool.submit(run.publish, run.stage(spark)) for run in runs]
            assert server.two_have_met()
            listed = [one.ds for one in read_releases(tables.warehouse).releases]
            if ignored:
                assert len(listed) == 1
            else:
                assert sorted(listed) == sorted(one.result().release.ds for one in asked)
                assert sorted(listed) == [MONDAY, TUESDAY]

    def it_lets_one_of_many_write_a_name(self, bucket: str) -> None:
        path = ObjectPath.of(f"{bucket}/log/00000000000000000000.json")
        with ThreadPoolExecutor(8) as pool:
            written = list(pool.map(lambda n: put_if_absent(path, b"%d" % n), range(24)))
        assert written.count(True) == 1
        assert path.read_bytes() == b"%d" % written.index(True)

    def it_is_told_by_two_builds_at_once(
        self, bucket: str, shop: Shop, store: Store, on_disk: Path, spark: SparkSession
    ) -> None:
        """Each ends with 0 or 4, and all that say they have released are listed and whole.

        They have two seeds: of builds of equal content the later one finds its own released.
        """
        warehouse = f"{bucket}/tables"
        other = shop.folder / "other_seed.yaml"
        text = shop.on_disk.read_text(encoding="utf-8")
        other.write_text(f"{text}seed: 7\n", encoding="utf-8")
        winnow.build(other, DAY, warehouse=shop.folder.parent / "other", engine=spark)
        wanted = [contents(on_disk), contents(shop.folder.parent / "other")]
        assert wanted[0] != wanted[1]
        where = ["--ds", str(DAY), "--warehouse", warehouse, "--json"]
        environment = child_environment() | {"PYTHONPATH": PATH} | store.environment()
        builds = [
            subprocess.Popen(
                [sys.executable, "-c", BUILD, "build", "--config", str(config), *where],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for config in (shop.on_disk, other)
        ]
        told = [build.communicate(timeout=600) for build in builds]
        codes = [build.returncode for build in builds]
        assert sorted(codes) in ([0, 0], [0, 4]), told
        made = zip(told, codes, wanted, strict=True)
        released = {
            json.loads(out)["release_id"]: rows for (out, _), code, rows in made if code == 0
        }
        listed = read_releases(ObjectPath.of(warehouse)).releases
        assert {one.release_id for one in listed} == released.keys()
        for release in listed:
            found = {pin.table: (pin.content.rows, pin.content.total) for pin in release.tables}
            assert found == released[release.release_id]
            assert verify_release(release, engine_of(spark).store(ObjectPath.of(warehouse))) == ()

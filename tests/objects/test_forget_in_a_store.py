"""``winnow forget`` in a store: a user's rows go from all releases, and no other row changes."""

import json
from collections.abc import Iterator
from io import BytesIO
from urllib.request import Request, urlopen

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.errors import ConflictError, Problem, StoreError
from winnow.operations.forgetting import forget as forget_module
from winnow.operations.forgetting.erased_releases import move_pins
from winnow.operations.forgetting.erased_users import ErasedUsers
from winnow.operations.forgetting.forget import forget
from winnow.operations.forgetting.leftovers import find_leftovers
from winnow.release.opening import open_release
from winnow.release.paths import marker_folder
from winnow.release.releases import read_releases
from winnow.release.run_markers import run_markers
from winnow.release.run_process import RUN_PROCESS_FILE, RunProcess
from winnow.release.staging import staged_runs
from winnow.release.store import Store as Tables
from winnow.release.verify import verify_release
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import Store, copied, keys_in
from tests.operations.forgettable import ABSENT, OTHER, SOME, WHO, release_thrice
from tests.release.things import MONDAY, store_of

Rows = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="module")
def source(store: Store, spark: SparkSession) -> ObjectPath:
    """Three releases with rows of the user, which no test changes."""
    place = ObjectPath.of(f"{store.new_bucket()}/ware house")
    release_thrice(store_of(spark, place), spark)
    return place


@pytest.fixture(scope="module")
def before(source: ObjectPath, spark: SparkSession) -> Rows:
    return rows_of(store_of(spark, source))


@pytest.fixture
def own(source: ObjectPath, bucket: str, spark: SparkSession) -> Tables:
    """The tables of a copy that the test may change."""
    return store_of(spark, copied(source, f"{bucket}/ware house"))


def rows_of(tables: Tables) -> Rows:
    """Every row of every release as text, each table in one order."""
    found: Rows = {}
    for one in read_releases(tables.warehouse).releases:
        reader = open_release(str(tables.warehouse), one.release_id)
        found[one.release_id] = {
            table: sorted(repr(row) for row in reader.arrow(table).to_table().to_pylist())
            for table in reader.tables
        }
    return found


def without(rows: Rows, who: str) -> Rows:
    return {
        name: {table: [row for row in held if who not in row] for table, held in tables.items()}
        for name, tables in rows.items()
    }


def erase(tables: Tables, *who: str) -> int:
    done = forget(tables, ErasedUsers.of(who), "test")
    assert done.problems == ()
    return len(done.releases)


def all_verify(tables: Tables) -> None:
    found = read_releases(tables.warehouse).releases
    assert [verify_release(one, tables) for one in found] == [()] * 3


def holding(place: ObjectPath, text: str) -> list[str]:
    """The objects that hold a text: as bytes, or packed in the columns of a Parquet file."""
    return [
        str(path.relative_to(place))
        for path, _ in place.objects()
        if _holds(path.read_bytes(), text) or text in path.name
    ]


def _holds(content: bytes, text: str) -> bool:
    if text.encode() in content:
        return True
    return content[:4] == b"PAR1" and text in str(pq.read_table(BytesIO(content)).to_pylist())


class DescribeForgettingInAStore:
    def it_takes_their_rows_and_no_others_out_of_every_release(
        self, own: Tables, before: Rows
    ) -> None:
        version = read_releases(own.warehouse).version
        assert all(WHO in str(tables) for tables in before.values())
        assert erase(own, WHO) == 3
        assert rows_of(own) == without(before, WHO), "under the same ids of releases"
        assert read_releases(own.warehouse).version == version + 1, "all pins in one commit"
        all_verify(own)
        assert erase(own, WHO) == 0
        assert run_markers(own.warehouse) == {}
        assert staged_runs(own.warehouse) == ()

    def it_leaves_the_id_in_no_object_that_can_be_reached(
        self, own: Tables, before: Rows, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = ObjectPath.of(str(own.warehouse))
        dead = place / "positives" / f"ds={MONDAY}" / "dead.parquet"
        ObjectPath.of(open_release(str(place)).files("positives")[0]).copy_to(dead)
        assert len(holding(place, WHO)) > 3 * len(SOME)
        words = ["forget", "--users", WHO, "--warehouse", str(place), "--json"]
        assert main([*words, "--dry-run"]) == 0
        assert len(json.loads(capsys.readouterr().out)["releases"]) == 3
        assert read_releases(place).version == 3, "nothing was changed"
        assert main([*words, "--vacuum"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["deleted"], told["versions_kept"]) == (True, False)
        assert holding(place, WHO) == []
        assert len(holding(place, OTHER)) >= 3 * len(SOME)
        assert rows_of(own) == without(before, WHO)
        all_verify(own)
        assert [key for key in keys_in(str(place).rpartition("/")[0]) if "_probes" in key] == []

    def it_says_that_a_bucket_keeps_versions_of_what_it_deletes(
        self,
        source: ObjectPath,
        bucket: str,
        store: Store,
        spark: SparkSession,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        keep_versions(store, bucket)
        own = store_of(spark, copied(source, f"{bucket}/tables"))
        words = ["forget", "--users", WHO, "--warehouse", str(own.warehouse)]
        assert main([*words, "--dry-run"]) == 0
        assert "former versions" not in capsys.readouterr().out, "nothing is written to ask"
        assert main(words) == 0
        assert "the bucket keeps former versions of objects" in capsys.readouterr().out
        assert main([*words, "--vacuum"]) == 0
        assert "the bucket keeps former versions of objects" in capsys.readouterr().out
        assert holding(ObjectPath.of(str(own.warehouse)), WHO) == []
        assert any(WHO in str(one) for one in former_versions(store, bucket)), "as it was told"

    def it_deletes_nothing_that_a_run_of_another_machine_may_publish(
        self, own: Tables, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = ObjectPath.of(str(own.warehouse))
        marker = marker_folder(place, "far") / RUN_PROCESS_FILE
        marker.write_text(RunProcess("another machine", 7, "1").to_json())
        uploaded = place / "positives" / f"ds={MONDAY}" / "uploaded.parquet"
        ObjectPath.of(open_release(str(place)).files("positives")[0]).copy_to(uploaded)
        words = ["forget", "--users", WHO, "--vacuum", "--warehouse", str(place)]
        assert main(words) == 4
        assert "the run far: is at work, or of another machine" in capsys.readouterr().err
        assert uploaded.exists()
        assert not any(WHO in str(tables) for tables in rows_of(own).values())
        marker.unlink()
        assert main(words) == 0
        assert holding(place, WHO) == []

    def it_does_nothing_where_nobody_is_found(self, own: Tables) -> None:
        before = keys_in(str(own.warehouse).rpartition("/")[0])
        words = ["forget", "--users", ABSENT, "--warehouse", str(own.warehouse)]
        assert main(words) == 0
        assert keys_in(str(own.warehouse).rpartition("/")[0]) == before


class DescribeAForgettingThatEndsEarly:
    @pytest.mark.parametrize("step", ["version_labelled", "move_pins"])
    def it_leaves_all_as_it_was_and_running_again_finishes(
        self, own: Tables, before: Rows, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        calls = list[str]()
        real = getattr(forget_module, step)

        def silent(*given: object) -> object:
            calls.append(step)
            if len(calls) > 3 or step == "move_pins":
                raise StoreError(Problem("object store", "does not answer"))
            return real(*given)

        with monkeypatch.context() as patch:
            patch.setattr(forget_module, step, silent)
            with pytest.raises(StoreError):
                erase(own, WHO)
        assert rows_of(own) == before
        assert run_markers(own.warehouse) == {}
        assert erase(own, WHO) == 3
        assert rows_of(own) == without(before, WHO)
        all_verify(own)

    def it_gives_way_to_another_one_who_erases(
        self, own: Tables, before: Rows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def beaten(*given: object) -> None:
            monkeypatch.setattr(forget_module, "move_pins", move_pins)
            erase(own, OTHER)
            move_pins(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(forget_module, "move_pins", beaten)
        with pytest.raises(ConflictError, match="changed the release"):
            erase(own, WHO)
        assert rows_of(own) == without(before, OTHER)
        erase(own, WHO)
        assert rows_of(own) == without(without(before, OTHER), WHO)
        all_verify(own)
        assert find_leftovers(own.warehouse, ErasedUsers.of([WHO])).problems == ()


_VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def keep_versions(store: Store, bucket: str) -> None:
    assert _asked(store, f"{bucket.removeprefix('s3://')}?versioning", _VERSIONING) == b""


def former_versions(store: Store, bucket: str) -> Iterator[list[dict[str, object]]]:
    """The rows of all versions of Parquet files that no listing shows any more."""
    name = bucket.removeprefix("s3://")
    listed = _asked(store, f"{name}?versions").decode()
    for part in listed.split("<Version>")[1:]:
        key, version = (
            part.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0] for tag in ("Key", "VersionId")
        )
        if key.endswith(".parquet") and "<IsLatest>false</IsLatest>" in part:
            content = _asked(store, f"{name}/{key.replace(' ', '%20')}?versionId={version}")
            yield pq.read_table(BytesIO(content)).to_pylist()


def _asked(store: Store, what: str, content: bytes | None = None) -> bytes:
    # The server goes by this header alone when it looks for the service that is meant.
    who = "AWS4-HMAC-SHA256 Credential=tester/20260101/us-east-1/s3/aws4_request, Signature=x"
    headers = {"Authorization": who, "Content-Type": "application/xml"}
    method = "GET" if content is None else "PUT"
    request = Request(f"{store.endpoint}/{what}", content, headers, method=method)
    with urlopen(request) as answer:
        found: bytes = answer.read()
    return found

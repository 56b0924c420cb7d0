"""Verification finds what happened to a release after it was made."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.release.commits import Label
from winnow.release.metadata import pinned_files
from winnow.release.release import ContentHash, Release, TablePin
from winnow.release.releases import read_releases
from winnow.release.store import Store
from winnow.release.verify import Finding, verify_release
from winnow.storage.object_path import local_path

from tests.release.things import MONDAY, THINGS, thing, things


@pytest.fixture
def monday(store: Store) -> Release:
    found = read_releases(store.folder).newest(MONDAY)
    assert found is not None
    return found


def pin_of(release: Release) -> TablePin:
    found = release.pin("things")
    assert found is not None
    return found


def with_pin(release: Release, pin: TablePin) -> Release:
    others = tuple(p for p in release.tables if p.table != pin.table)
    return replace(release, tables=(*others, pin))


def a_file(store: Store, release: Release) -> Path:
    return local_path(
        pinned_files(store.folder / "things", pin_of(release).version, MONDAY)[0].path
    )


def only(findings: tuple[Finding, ...]) -> Finding:
    assert [finding.table for finding in findings] == ["things"]
    return findings[0]


class DescribeVerifyRelease:
    def it_finds_nothing_where_all_is_as_promised(self, store: Store, monday: Release) -> None:
        assert verify_release(monday, store) == ()

    @pytest.mark.one_engine
    def it_finds_a_deleted_file(self, store: Store, monday: Release) -> None:
        path = a_file(store, monday)
        path.unlink()
        found = only(verify_release(monday, store))
        assert found.kind == "missing_file"
        assert found.text == f"ds=2026-01-05/{path.name} of version 1 is gone: deleted or expired"

    @pytest.mark.one_engine
    def it_finds_a_truncated_file(self, store: Store, monday: Release) -> None:
        path = a_file(store, monday)
        path.write_bytes(path.read_bytes()[:-20])
        assert only(verify_release(monday, store)).kind == "wrong_size"

    def it_finds_a_version_that_holds_other_rows(
        self, spark: SparkSession, store: Store, monday: Release
    ) -> None:
        rows = [thing(i, name="garbage") for i in range(5)]
        staged = store.stage(things(spark, *rows), THINGS, "run1")
        version = store.promote(staged, MONDAY, Label(monday.run_id, 2, "c", "v"))
        tampered = with_pin(monday, replace(pin_of(monday), version=version))
        assert only(verify_release(tampered, store)).kind == "wrong_content"

    @pytest.mark.one_engine
    def it_finds_a_wrong_row_count(self, store: Store, monday: Release) -> None:
        pin = pin_of(monday)
        more = ContentHash(pin.content.rows + 1, pin.content.total)
        found = only(verify_release(with_pin(monday, replace(pin, content=more)), store))
        assert (found.kind, found.text) == (
            "wrong_rows",
            "version 1 holds 5 rows, the release says 6",
        )

    @pytest.mark.fault(19)
    @pytest.mark.one_engine
    def it_says_expired_where_the_version_or_its_log_is_gone(
        self, store: Store, monday: Release
    ) -> None:
        never = with_pin(monday, replace(pin_of(monday), version=99))
        assert only(verify_release(never, store)).kind == "expired"
        (store.folder / "things" / "_delta_log" / f"{1:020}.json").unlink()
        found = only(verify_release(monday, store))
        assert (found.kind, found.text) == (
            "expired",
            "version 1 has expired: its log is gone",
        )

"""The published tables: who can read them, how long they keep, and what columns they have."""

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.engine.choice import engine_of
from winnow.errors import ConfigError
from winnow.release.store import Store

from tests.release.released import LABEL
from tests.release.things import MONDAY, THINGS, TUESDAY, contract, thing, things


class DescribeThePublishedTables:
    def it_can_be_read_by_every_reader(self, store: Store) -> None:
        for table in ("things", "stats", "releases"):
            found = store.protocol(table)
            assert found is not None
            assert found.reader == 1
            assert found.writer <= 3

    def it_keeps_files_and_log_for_as_long_as_the_retention_says(self, store: Store) -> None:
        for table in ("things", "stats", "releases"):
            properties = DeltaTable(str(store.warehouse / table)).metadata().configuration
            known = {"delta.dataSkippingNumIndexedCols": "0"}
            if table == "releases":
                known = {"delta.dataSkippingStatsColumns": "release_id,seq,ds"}
            assert properties == known | {
                "delta.deletedFileRetentionDuration": "interval 400 days",
                "delta.logRetentionDuration": "interval 400 days",
                "delta.enableExpiredLogCleanup": "false",
                "delta.enableDeletionVectors": "false",
                "delta.checkpointInterval": "10",
            }

    @pytest.mark.one_engine
    def it_takes_over_a_changed_retention(self, spark: SparkSession, store: Store) -> None:
        engine_of(spark).store(store.warehouse, retention_days=30).ensure_table(THINGS)
        properties = DeltaTable(str(store.warehouse / "things")).metadata().configuration
        assert properties["delta.logRetentionDuration"] == "interval 30 days"

    @pytest.mark.one_engine
    def it_has_the_columns_of_the_contract_and_their_not_null(self, store: Store) -> None:
        fields = DeltaTable(str(store.warehouse / "things")).schema().fields
        assert [(f.name, f.nullable) for f in fields] == [
            (c.name, c.nullable) for c in THINGS.columns
        ]

    @pytest.mark.one_engine
    def it_names_the_columns_where_another_config_made_the_table(self, store: Store) -> None:
        other = contract(
            "stats", ("item_id", "string", False), ("carried", "int", True), key="item_id"
        )
        with pytest.raises(ConfigError) as caught:
            store.ensure_table(other)
        where, hint = (
            "the table stats in the warehouse",
            "Name another warehouse, or set ids, carry and the options of positives as they were.",
        )
        assert str(caught.value).splitlines() == [
            f"{where}: the column item_id has another type, found bigint, expected string. {hint}",
            f"{where}: the column carried is missing. {hint}",
            f"{where}: the column q is not in the contract. {hint}",
        ]

    @pytest.mark.one_engine
    def it_promotes_twice_without_harm(self, spark: SparkSession, store: Store) -> None:
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        first = store.promote(staged, MONDAY, LABEL)
        second = store.promote(staged, MONDAY, LABEL)
        assert second == first + 1
        for version in (first, second):
            assert store.read_version("things", version, MONDAY).count() == 2
        assert store.read_version("things", second, TUESDAY).count() == 5

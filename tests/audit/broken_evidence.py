"""Mistakes in what the audit is told: counts, earlier releases, and the tables that are there."""

from tests.audit.workbench import Bench, Broken


def an_attributed_click_is_not_counted(bench: Bench) -> Broken:
    return Broken(evidence={"n_attributed": bench.n_attributed - 1})


def earlier_volumes_are_no_numbers(bench: Bench) -> Broken:
    return Broken(evidence={"earlier": [{"positives": "many"}] * 4})


def a_table_wants_a_newer_reader(bench: Bench) -> Broken:
    return Broken(evidence={"protocols": {"positives": 1, "item_stats": 3}})

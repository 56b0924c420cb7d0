"""Mistakes in what the audit is told: counts, earlier releases, and the tables that are there."""

from dataclasses import replace

from tests.audit.workbench import Bench, Broken


def an_attributed_click_is_not_counted(bench: Bench) -> Broken:
    return Broken(evidence={"n_attributed": bench.n_attributed - 1})


def earlier_volumes_are_no_numbers(bench: Bench) -> Broken:
    return Broken(evidence={"earlier": [{"positives": "many"}] * 4})


def a_stage_has_neither_score_nor_rank(bench: Bench) -> Broken:
    counts = bench.counts["ranking_log"]
    fine = counts.stages["fine"]
    none = replace(fine, scored=0, ranked=0, from_zero=0, unordered=fine.rows)
    stages = {**counts.stages, "fine": none}
    return Broken(counts={"ranking_log": replace(counts, stages=stages)})


def a_table_wants_a_newer_reader(bench: Bench) -> Broken:
    return Broken(evidence={"protocols": {"positives": 1, "item_stats": 3}})

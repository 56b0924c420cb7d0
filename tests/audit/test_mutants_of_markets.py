"""The proof of the gates on markets: a build with a mistake in them does not pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from winnow.audit.record import AuditRecord
from winnow.config.pool_entries import MarketEntry
from winnow.sampler.sources import market, registry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.sources.registry import _GROUPS

from tests.audit import broken_markets
from tests.audit.in_every_run import Mistakes
from tests.audit.workbench import Bench, build

if TYPE_CHECKING:
    from winnow.engine.engine import Engine

MUTANTS: Mapping[str, set[str]] = {
    "markets_are_mixed_up": {"drawn_outside_group", "log_q_differs"},
    "items_of_no_market_are_drawn": {"drawn_outside_group", "log_q_differs"},
    "all_that_is_sold_anywhere_is_drawn": {"drawn_outside_group", "log_q_differs"},
    "markets_are_weighed_as_everywhere": {"log_q_differs", "mixture_log_q_differs"},
    "weights_are_of_another_market": {"log_q_differs", "mixture_log_q_differs"},
    "markets_know_the_date": {"log_q_differs"},
    "markets_know_one_date_less": {"log_q_differs"},
    "rows_tell_another_market_than_they_draw_from": {"drawn_outside_group", "impressions_differ"},
}
"""Each mistake with gates that must notice it."""


def failed(record: AuditRecord) -> set[str]:
    return {gate.name for gate in record.gates if gate.status in ("fail", "error")}


@pytest.fixture(scope="module")
def bench(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return build(engine, tmp_path_factory.mktemp("markets"), broken_markets.SETTINGS)


@pytest.mark.sail_only
class DescribeDrawsFromMarkets:
    def it_passes_every_gate(self, bench: Bench) -> None:
        record = bench.audit()
        assert failed(record) == set()
        names = {gate.name for gate in record.gates}
        assert {"easy_draws_p.market", "source_groups_differ.market"} <= names

    @pytest.mark.parametrize("name", Mistakes().of(MUTANTS.items()))
    def it_does_not_pass_with_a_mistake(self, bench: Bench, name: str) -> None:
        broken = vars(broken_markets)[name](bench)
        record = bench.audit(broken, MUTANTS[name])
        assert {gate.split(".")[0] for gate in failed(record)} >= MUTANTS[name]


@pytest.mark.sail_only
class DescribeARuleThatSamplerAndAuditShare:
    """The audit asks the source for its groups, as the sampler does: a wrong rule is in both."""

    def it_is_caught_by_the_definition_alone(
        self, engine: "Engine", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def with_a_stranger(entry: MarketEntry, items: CatalogueItems) -> Groups:
            found = market.groups(entry, items)
            (_, *others), every = found.groups, np.arange(len(items), dtype=np.int32)
            all_items = Group(every, np.ones(len(every), np.int64))
            return Groups([all_items, *others], of_user=found.of_user)

        monkeypatch.setattr(registry, "_GROUPS", {**_GROUPS, "market": with_a_stranger})
        record = build(engine, tmp_path, broken_markets.SETTINGS).audit()
        assert failed(record) == {"source_groups_differ.market"}

"""A build whose ranking log keeps a share of its rows: the chances of hard negatives know it."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from winnow.config.tree import Config

from tests.audit.memory import Memory
from tests.audit.workbench import Bench, Broken, build, events_of

if TYPE_CHECKING:
    from winnow.engine.engine import Engine

SHARE = 0.25
GATES = (
    "incl_prob_differs.training_samples",
    "incl_prob_differs.hard_negatives",
    "hard_not_logged",
    "hard_not_cut",
    "hard_went_on",
    "hard_rank_differs",
)


def rated(bench: Bench, share: float) -> Config:
    tree = bench.config.model_dump(mode="json", by_alias=True)
    tree["logs"]["ranking_log"] |= {"sampled": True, "log_sample_rate": share}
    tree["funnel"]["cut_known_by"] = "passed"
    for stage in tree["funnel"]["stages"]:
        # Of a list in part only the logged rank tells a place.
        stage["order_by"] = "rank"
    tree["negatives"]["hard"] = [{"source": "cut", "stage": "coarse"}]
    return Config.model_validate_json(json.dumps(tree))


@pytest.fixture(scope="module")
def bench(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = build(engine, tmp_path_factory.mktemp("in-part"))
    config = rated(made, SHARE)
    scratch = replace(made.scratch, tag=uuid.uuid4().hex)
    asked = replace(made, config=config, scratch=scratch, memory=Memory())
    yield replace(asked, events=events_of(made.logs, made.places, asked.run))


def chances(bench: Bench, share: float) -> Broken:
    return Broken(bench.sampled(config=rated(bench, share)))


@pytest.mark.sail_only
class DescribeChancesWhereTheLogKeepsAShareOfItsRows:
    def it_passes_those_that_know_the_share(self, bench: Bench) -> None:
        made = chances(bench, SHARE)
        assert made.groups is not None
        told = [p for of in made.groups["hard_incl_prob"].to_pylist() for p in of]
        assert len(told) > 200
        assert max(told) <= SHARE
        gates = bench.audit(made, GATES).gates
        assert {gate.name: gate.status for gate in gates if gate.name in GATES} == dict.fromkeys(
            GATES, "pass"
        )

    @pytest.mark.parametrize("share", [1.0, 0.2])
    def it_does_not_pass_those_of_another_share(self, bench: Bench, share: float) -> None:
        record = bench.audit(chances(bench, share), GATES)
        failed = {gate.name for gate in record.gates if gate.status == "fail"}
        assert "incl_prob_differs.training_samples" in failed

"""A source of one's own: ten lines, a whole build, every gate."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.loading import load_config
from winnow.config.model import Frozen
from winnow.errors import ConfigError
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups, register

from tests.events import edge_cases
from tests.events.handmade import build_day


@register
class EveryOther:
    name: ClassVar[str] = "every_other"
    code: ClassVar[int] = 31

    class Settings(Frozen):
        begin: int = 0

    @staticmethod
    def groups(settings: Any, items: CatalogueItems) -> Groups:
        codes = np.arange(settings.begin, len(items), 2, dtype=np.int32)
        return Groups([Group(codes, np.ones(len(codes), np.int64))])


OWN = {"source": "every_other", "settings": {"begin": 1}}


@pytest.mark.both_engines
class DescribeABuildWithASourceOfOnesOwn:
    def it_draws_from_its_items_and_passes_every_gate(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        edge_cases.logs().write(tmp_path)
        config = edge_cases.settings(
            tmp_path,
            easy=[{"source": "popularity"}, OWN | {"count": 3}],
            hard=[
                {"source": "cut", "stage": "coarse", "count": 2},
                {"source": "low", "stage": "fine", "count": 1},
            ],
        )
        built = build_day(config, spark, immature=True)
        record = AuditRecord.model_validate_json(built.release.quality_json)
        failed = [gate for gate in record.gates if gate.status == "fail"]
        assert failed == []
        judged = {gate.name for gate in record.gates}
        assert {"easy_draws_p.popularity", "easy_draws_p.every_other"} <= judged
        assert {"mixture_log_q_differs", "sources_differ", "drawn_outside_group"} <= judged
        ids = sorted(row["item_id"] for row in built.tables["item_stats"])
        own = [row for row in built.tables["easy_negatives"] if row["source"] == "every_other"]
        assert len(own) > 10
        assert {row["neg_item_id"] for row in own} <= set(ids[1::2])
        assert {row["q"] for row in own} == {1 / len(ids[1::2])}
        sample = built.tables["training_samples"][0]
        assert sample["neg_source"].count(31) == 3
        assert all(m <= 0 for m in sample["neg_mixture_log_q"] if m is not None)


class DescribeItsSettings:
    def told(self, folder: Path, entry: str) -> list[str]:
        path = folder / "winnow.yaml"
        path.write_text(
            "logs: {impressions: {path: i}, clicks: {path: c}}\n"
            f"negatives: {{hard: [], easy: [{entry}]}}\n"
        )
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        return [str(problem) for problem in caught.value.problems]

    def it_is_named_where_there_is_none(self, tmp_path: Path) -> None:
        (sentence,) = self.told(tmp_path, "{source: unifrom}")
        assert "the source is not known, found unifrom" in sentence
        assert "Did you mean uniform?" in sentence

    def it_is_told_what_is_wrong_with_them(self, tmp_path: Path) -> None:
        (sentence,) = self.told(tmp_path, "{source: every_other, settings: {begin: x}}")
        assert sentence.startswith("negatives.easy[0].settings.begin (winnow.yaml, line 2): ")

    def it_cannot_take_a_code_or_a_name_that_is_given(self) -> None:
        with pytest.raises(ValueError, match="16 to 31"):
            register(type("A", (EveryOther,), {"name": "another", "code": 7}))
        with pytest.raises(ValueError, match="every_other"):
            register(type("B", (EveryOther,), {"name": "another"}))
        with pytest.raises(ValueError, match="popularity"):
            register(type("C", (EveryOther,), {"name": "popularity", "code": 30}))

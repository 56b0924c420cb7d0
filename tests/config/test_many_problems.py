"""A config with many problems: all of them are told, whatever it holds."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.errors import ConfigError

from tests.config.configs_for_tests import keys, written


class DescribeManyProblems:
    def it_finds_them_all_at_once(self, tmp_path: Path) -> None:
        text = """
sed: 3
seed: "x"
logs:
  impressions:
    path: a
    colums: {x: y}
    columns:
      user_ids: u
      item_id: {first_of: a}
      request_id: 3
  clicks: {path: c, format: xml}
negatives:
  per_positive: 0
  easy: [{source: popularity, share: 1.5}]
  hard:
    - {source: cut, stage: coarse}
    - {source: lov, stage: middle}
    - {source: low, stage: fine, band: [0.9, 0.1]}
tables: [../x, postives]
carry: [user_id, "a b", scene]
"""
        assert sorted(keys(tmp_path, text)) == sorted(
            [
                "sed",
                "seed",
                "logs.impressions.colums",
                "logs.impressions.columns.user_ids",
                "logs.impressions.columns.item_id.first_of",
                "logs.impressions.columns.request_id",
                "logs.clicks.format",
                "negatives.hard[1].source",
                "negatives.hard[2].band",
                "negatives.easy[0].share",
                "negatives.per_positive",
                "tables[0]",
                "tables[1]",
                "carry[0]",
                "carry[1]",
            ]
        )

    @settings(max_examples=80, deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["path", "columns", "where", "stages", "name", "logs", "clicks"]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        ),
        st.sampled_from([*Config.model_fields, "logs.clicks", "logs.impressions.columns"]),
    )
    def it_never_ends_in_another_error(
        self, tmp_path_factory: pytest.TempPathFactory, value: object, place: str
    ) -> None:
        import yaml

        logs: dict[str, object] = {"impressions": {"path": "i"}, "clicks": {"path": "c"}}
        tree: dict[str, object] = {"logs": logs, "negatives": {"hard": []}}
        if place == "logs.clicks":
            logs["clicks"] = value
        elif place == "logs.impressions.columns":
            logs["impressions"] = {"path": "i", "columns": value}
        else:
            tree[place] = value
        path = written(tmp_path_factory.mktemp("c"), yaml.safe_dump(tree))
        try:
            load_config(path)
        except ConfigError as error:
            assert error.problems

"""Which settings a carried state must have in common with a build that goes on from it."""

import json
from typing import Any

import pytest
from winnow.building.state_meaning import meaning_of_batches, meaning_of_clicks, other_settings
from winnow.config.tree import Config

TREE: dict[str, Any] = {
    "warehouse": "warehouse",
    "negatives": {"hard": []},
    "logs": {
        "impressions": {"path": "shown", "columns": {"user_id": "uid"}},
        "clicks": {"path": "clicked", "columns": {"user_id": "uid"}},
        "items": {"path": "items"},
    },
}


def made(**changes: Any) -> Config:
    """The config with some leaves set: ``logs__clicks__format`` is a dotted key."""
    tree: dict[str, Any] = Config.model_validate_json(json.dumps(TREE)).model_dump(
        mode="json", by_alias=True
    )
    for key, value in changes.items():
        *parts, leaf = key.split("__")
        inner = tree
        for part in parts:
            inner = inner[part]
        inner[leaf] = value
    return Config.model_validate_json(json.dumps(tree))


class DescribeSettingsThatStatesMustShare:
    @pytest.mark.parametrize(
        ("changes", "clicks", "batches"),
        [
            ({"logs__clicks__columns": {"user_id": "member"}}, True, True),
            ({"logs__clicks__where": {"bot": [False]}}, True, True),
            ({"logs__impressions__columns": {"user_id": "member"}}, False, True),
            ({"logs__impressions__where": {"bot": [False]}}, False, True),
            ({"positives__where": {"scene": ["feed"]}}, False, True),
            ({"identity__anonymous_values": ["nobody"]}, True, True),
            ({"ids__item": "string"}, True, True),
            ({"calendar_zone": "Asia/Shanghai"}, True, True),
            ({"positives__actions": ["click", "buy"]}, True, True),
            ({"attribution__window_hours": 5}, False, True),
            ({"logs__clicks__path": "elsewhere"}, False, False),
            ({"logs__clicks__format": "parquet"}, False, False),
            ({"logs__clicks__partition": {"column": "dt", "lag_days": 1}}, False, False),
            ({"logs__items__where": {"sold": [True]}}, False, False),
            ({"seed": 8}, False, False),
            ({"positives__downsampling": {"rule": "none"}}, False, False),
        ],
        ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
    )
    def it_tells_what_changes_the_meaning_from_what_does_not(
        self, changes: dict[str, Any], clicks: bool, batches: bool
    ) -> None:
        before, now = made(), made(**changes)
        assert before != now
        assert bool(other_settings(meaning_of_clicks(before), meaning_of_clicks(now))) == clicks
        assert bool(other_settings(meaning_of_batches(before), meaning_of_batches(now))) == batches

    def it_looks_through_a_log_that_lies_in_another(self) -> None:
        of_impressions = {"from": "impressions", "where": {"clicked": [True]}}
        before = made(logs__clicks=of_impressions)
        now = made(logs__clicks=of_impressions, logs__impressions__columns={"user_id": "member"})
        assert other_settings(meaning_of_clicks(before), meaning_of_clicks(now)) == [
            "logs.clicks.columns.user_id uid"
        ]

    def it_names_two_of_many(self) -> None:
        now = made(calendar_zone="Asia/Tokyo", ids__item="string", ids__user="string")
        assert other_settings(meaning_of_clicks(made()), meaning_of_clicks(now)) == [
            "calendar_zone UTC", "ids.item bigint", "1 more settings",
        ]  # fmt: skip

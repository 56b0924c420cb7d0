"""What the rows of a carried state mean: settings that two dates must have in common.

Of two dates that map a log otherwise, or keep other rows of it, the one's state says nothing that
the other could go on from. Nobody would see it in the rows: an id is an id.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from winnow.config.tree import Config
from winnow.release.release import Release
from winnow.report.settings import changed_settings

_OF_A_LOG = ("columns", "where", "explode", "csv", "encoding")
"""What rows of a log mean, and which of its rows are some. Where it lies, in which format and in
which date folders may change: that is how the same rows are found."""

_NAMED = 2
"""So many of several settings are named."""


def config_of(release: Release) -> Config | None:
    """Return the config that made a release, but its paths; None where this version has no such.

    Keys that were not there yet have their defaults.
    """
    tree = json.loads(release.config_json)
    for log in tree["logs"].values():
        if log is not None and log.get("from") is None:
            log["path"] = "."
    try:
        return Config.model_validate_json(json.dumps({"warehouse": ".", **tree}))
    except ValidationError:
        return None


def meaning_of_clicks(config: Config) -> Mapping[str, Any]:
    """Return the settings that decide which clicks history_state has, and of whom and what."""
    tree = config.model_dump(mode="json", by_alias=True)
    positives = config.positives
    return {
        **{name: tree[name] for name in ("calendar_zone", "ids", "identity")},
        # A click without a number where one must be is rejected.
        "positives": {"actions": positives.actions, "values": sorted(positives.values)},
        "logs": _of_logs(config, "clicks"),
    }


def meaning_of_batches(config: Config) -> Mapping[str, Any]:
    """Return the settings that decide which rows are in batches, and what their items are.

    Thinning, seeds and splits are not among them: an estimate follows what they change.
    """
    tree = config.model_dump(mode="json", by_alias=True)
    chosen = {name: of for name, of in tree["positives"].items() if name in _CHOOSING}
    return {
        **{name: tree[name] for name in ("calendar_zone", "ids", "identity", "attribution")},
        "positives": chosen,
        "logs": _of_logs(config, "impressions", "clicks", "item_aliases"),
    }


_CHOOSING = ("actions", "where", "where_not")
"""Keys of positives that say which pairs of impression and click are some at all."""


def _of_logs(config: Config, *names: str) -> dict[str, Any]:
    """Return what rows of logs mean: those of a log that is derived as of the one they lie in."""
    found = {name: config.logs.resolved(name) for name in names}
    trees = {
        name: log.model_dump(mode="json", by_alias=True)
        for name, log in found.items()
        if log is not None
    }
    return {
        name: {part: tree[part] for part in _OF_A_LOG if tree[part]} for name, tree in trees.items()
    }


def other_settings(made: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what was set otherwise when a state was made: ``key value``; of many, some.

    Args:
        made: What the settings were. now: What they are.
    """
    changed = changed_settings(json.dumps(made), json.dumps(now))
    named = [f"{one.key} {one.before or 'not set'}" for one in changed[:_NAMED]]
    more = len(changed) - _NAMED
    return [*named, f"{more} more settings"] if more > 0 else named

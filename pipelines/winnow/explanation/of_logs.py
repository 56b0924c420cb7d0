"""In words: what is read, and in which order the ranking stages follow."""

from collections.abc import Iterator

import yaml

from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.model import Frozen
from winnow.config.tree import Config
from winnow.shown_text import without_secrets


def words_of_logs(config: Config) -> Iterator[str]:
    """Give one sentence for each log, with every setting of it as the config writes it."""
    for name in LOG_NAMES:
        log: LogConfig | None = getattr(config.logs, name)
        if log is not None:
            yield f"{name}: {as_written(log)}"
    if config.logs.item_aliases is not None:
        yield (
            "Ids of items are replaced in every log, before all else, by the one that item_aliases "
            "leads to on D: an item under several ids is one item."
        )
    ids = ", ".join(f"{name} {of}" for name, of in config.ids)
    yield f"Types of ids: {ids}."


def words_of_stages(config: Config) -> Iterator[str]:
    """Give the sentence on the stages; none where no ranking log is read."""
    if config.logs.ranking_log is None:
        return
    stages = [
        stage.name + (f" (ordered by {stage.order_by})" if stage.order_by else "")
        for stage in config.funnel.stages
    ]
    better = "higher" if config.funnel.higher_score_is_better else "lower"
    yield f"Ranking stages in their order: {', '.join(stages)}; a {better} score is better."


def as_written(part: Frozen) -> str:
    """Return a part of a config as YAML in one line, such as ``{path: logs, format: csv}``.

    What addresses hold to prove who one is does not stand in it.
    """
    value = part.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6).strip()
    return without_secrets(text)

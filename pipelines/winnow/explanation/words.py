"""What a config will do, in words: made from the config alone, without an engine."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from winnow.config.json_schema import meanings
from winnow.config.model import Frozen
from winnow.config.tree import Config
from winnow.explanation.of_frequency import words_of_frequency
from winnow.explanation.of_logs import as_written, words_of_logs, words_of_stages
from winnow.explanation.of_negatives import (
    SourceInConfig,
    sources_in_words,
    words_of_mix,
    words_of_seeds,
)
from winnow.explanation.of_pools import words_of_pools
from winnow.explanation.of_positives import (
    words_of_forbidden,
    words_of_popularity,
    words_of_positives,
)
from winnow.shipped_files import shipped_tree

_SAID = {
    "logs",
    "ids",
    "warehouse",
    "tables",
    "carry",
    "seed",
    "epoch",
    "attribution",
    "exclusion",
    "negatives",
    "funnel",
    "variants",
    "in_batch.streaming",
    "in_batch.pool",
    *(f"popularity.{name}" for name in ("window_days", "smoothing", "of", "clicks")),
    *(f"popularity.{name}" for name in ("half_life_days", "until", "on_short_history")),
    *(f"positives.{name}" for name in ("where", "where_not", "downsampling", "upsampling")),
    *(f"positives.{name}" for name in ("actions", "weights", "labels", "values", "weight_by")),
    "positives.per_user_cap",
    "positives.weak",
    "positives.organic",
}
"""Keys of the config that the sections tell, with all that is below them."""


class Words(NamedTuple):
    """A config in words.

    Attributes:
        sections: By title, the sentences. sources: Every source of negatives.
    """

    sections: Mapping[str, tuple[str, ...]]
    sources: tuple[SourceInConfig, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the words as JSON types."""
        sources = [one._asdict() | {"together": list(one.together)} for one in self.sources]
        return {"sections": {k: list(v) for k, v in self.sections.items()}, "sources": sources}


def in_words(config: Config) -> Words:
    """Return what a build of any date will do by a config."""
    sections = {
        "Logs": words_of_logs(config),
        "Positives": words_of_positives(config),
        "Forbidden": words_of_forbidden(config),
        "Popularity": words_of_popularity(config),
        "Stages": words_of_stages(config),
        "Negatives": words_of_mix(config),
        "Chance": words_of_seeds(config),
        "Frequency": words_of_frequency(config),
        "Pools": words_of_pools(config),
        "Tables": _tables(config),
        "Besides": _others(config),
    }
    said = {title: tuple(sentences) for title, sentences in sections.items()}
    words = Words({k: v for k, v in said.items() if v}, tuple(sources_in_words(config)))
    variants = {
        f"Variant {name}": tuple(_differing(in_words(config.variant(name)), words))
        for name in config.variants
    }
    return words._replace(sections={**words.sections, **variants})


def _differing(variant: Words, base: Words) -> Iterator[str]:
    """Give the sentences on a variant that do not stand in those on the whole config."""
    for title, sentences in variant.sections.items():
        yield from (one for one in sentences if one not in base.sections.get(title, ()))
    for source in variant.sources:
        if source not in base.sources:
            asked = "" if source.asked is None else f", {source.asked} of a positive"
            told = (f"{source.name}{asked}: {source.does}", source.formula, source.probability)
            yield f"{'. '.join(filter(None, told))}."
    for source in base.sources:
        if source.name not in {one.name for one in variant.sources}:
            yield f"{source.name}: nothing comes of it."


def _tables(config: Config) -> Iterator[str]:
    where = f"a folder of each variant in {config.warehouse}" if config.variants else None
    yield f"Written to {where or config.warehouse}: {', '.join(config.tables_written)}."
    for table in config.tables_written:
        contract = shipped_tree("schemas", f"{table}.yaml")
        yield f"A row of {table} is {contract['grain']}."
    for log in ("impressions", "clicks", "items", "users"):
        if names := config.carried(log):
            yield f"Carried from {log}: {', '.join(names)}."


def _others(config: Config) -> Iterator[str]:
    """Give every key that no other section tells and that is not as it is by default."""
    known = meanings()
    for key, value, usual in _leaves(config, ()):
        if value != usual and not any(key == one or key.startswith(f"{one}.") for one in _SAID):
            meaning = known.get(key, "").partition(". ")[0].rstrip(".")
            yield f"{key} is {_plain(value)}" + (f": {meaning}." if meaning else ".")


def _leaves(part: Frozen, above: tuple[str, ...]) -> Iterator[tuple[str, Any, Any]]:
    for name, field in type(part).model_fields.items():
        value, key = getattr(part, name), (*above, name)
        usual = field.get_default(call_default_factory=True)
        if isinstance(value, Frozen):
            yield from _leaves(value, key)
        else:
            yield ".".join(key), value, usual


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value)) or "empty"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(of)}" for name, of in value.items())
    if isinstance(value, Frozen):
        return as_written(value)
    return f"{value:g}" if isinstance(value, float) else str(value)

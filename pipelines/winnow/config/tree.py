"""The whole config of a build, as one frozen tree with a fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from winnow.config.agreement import disagreements, is_there_already, tables_that_have
from winnow.config.asked_columns import asked_columns
from winnow.config.asked_negatives import Drawn
from winnow.config.batch_pool import BatchPool
from winnow.config.columns import ZoneName
from winnow.config.entries import EasyEntry
from winnow.config.evaluation import Evaluation
from winnow.config.event_distributions import EventDistributions
from winnow.config.expectations import Expectations
from winnow.config.funnel import Funnel
from winnow.config.gates import GateBounds, gate_faults
from winnow.config.ids import Identity
from winnow.config.ids import Ids as Ids
from winnow.config.ids import IdType as IdType
from winnow.config.in_batch import ExcludeItemIds, InBatch
from winnow.config.ladder import Rung, ladder_of
from winnow.config.logs import LogConfig, Logs
from winnow.config.model import Folder, Frozen, Identifier, named_twice, refuse
from winnow.config.negatives import Negatives
from winnow.config.popularity import Popularity
from winnow.config.positives import Positives
from winnow.config.ranking import Cascade, Ranking
from winnow.config.requests import Requests
from winnow.config.sampling import (
    Attribution,
    Exclusion,
    Split,
)
from winnow.config.table_names import FURTHER_TABLES as FURTHER_TABLES
from winnow.config.table_names import ONLY_IF_NAMED, TableName
from winnow.config.table_names import STATE_TABLES as STATE_TABLES
from winnow.config.table_names import TABLES as TABLES
from winnow.config.variants import VariantName, merged, names_faults, variant_faults
from winnow.errors import ConfigError, Problem
from winnow.storage.object_path import place_of


def _carried(column: str) -> str:
    if tables := tables_that_have(column):
        refuse([is_there_already(column, tables)])
    return column


CarriedColumn = Annotated[Identifier, AfterValidator(_carried)]


class Publishing(Frozen):
    """How long a released version stays readable."""

    retention_days: int = Field(default=400, ge=8, le=3650)


class Config(Frozen):
    """Everything that decides which rows a build makes, and where they go.

    Attributes:
        warehouse: The folder of the published tables; relative to the config file.
        calendar_zone: The zone in which a date begins and ends.
        seed: Names the random choices; another seed gives another, equally good sample.
        epoch: As the seed, but of the negatives alone: counted up it gives fresh ones to the
            same positives.
        in_batch: Which positives make a batch; None leaves that to the trainer.
        exclude_item_ids: Whether rows list what is forbidden to their user, and how much of it.
        tables: Which tables are written; ``rejected`` and ``item_stats`` always are.
        carry: Impression columns that are copied to positives and samples.
        gates: Bounds of gates by name, or by name and subject.
        expectations: Gates of the user's own, of Great Expectations.
        shards: The number of shards that rows are spread over by a keyed hash.
        variants: Several recipes by name, each with the keys in which it differs from this config.
    """

    warehouse: Folder = "warehouse"
    calendar_zone: ZoneName = "UTC"
    seed: int = Field(default=0, ge=0, lt=2**63)
    epoch: int = Field(default=0, ge=0, lt=2**31)
    ids: Ids = Ids()
    logs: Logs
    identity: Identity = Identity()
    attribution: Attribution = Attribution()
    exclusion: Exclusion = Exclusion()
    popularity: Popularity = Popularity()
    positives: Positives = Positives()
    funnel: Funnel = Funnel()
    negatives: Negatives = Negatives()
    in_batch: InBatch | None = None
    exclude_item_ids: ExcludeItemIds | None = None
    ranking: Ranking = Ranking()
    cascade: Cascade = Cascade()
    requests: Requests = Requests()
    evaluation: Evaluation = Evaluation()
    split: Split = Split()
    shards: int = Field(default=16, ge=1, le=100_000)
    tables: tuple[TableName, ...] = tuple(t for t in TABLES if t not in ONLY_IF_NAMED)
    carry: tuple[CarriedColumn, ...] = ()
    publishing: Publishing = Publishing()
    gates: dict[str, GateBounds] = Field(default={})
    expectations: tuple[Expectations, ...] = ()
    variants: dict[VariantName, dict[str, Any]] = Field(default={})

    @field_validator("tables", "carry")
    @classmethod
    def _names_differ(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        refuse(named_twice([name.lower() for name in names]))
        return names

    @field_validator("gates")
    @classmethod
    def _are_gates(cls, gates: dict[str, GateBounds]) -> dict[str, GateBounds]:
        refuse(gate_faults(gates))
        return gates

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        refuse(disagreements(dict(self), dict(self.logs)))
        return self

    @model_validator(mode="after")
    def _variants_fit(self) -> Self:
        known = (*TABLES, *FURTHER_TABLES, "releases", "release_status")
        refuse(names_faults(self.variants, known))
        refuse(
            one
            for name, part in self.variants.items()
            for one in variant_faults(name, part, self._tree_of(name), type(self))
        )
        return self

    def variant(self, name: str, where: str = "variants") -> "Config":
        """Return the config of a variant: this one with the keys in which it differs.

        Its warehouse is a folder of its own, called by its name, in this one's.

        Args:
            name: The variant.
            where: What names it, for the error.

        Raises:
            ConfigError: There is no such variant; names those that there are.
        """
        if name not in self.variants:
            known = f"one of {', '.join(self.variants)}" if self.variants else None
            what = "the config has no such variant" if known else "the config has no variants"
            raise ConfigError(Problem(where, what, name, known))
        return Config.model_validate_json(json.dumps(self._tree_of(name)))

    def _tree_of(self, name: str) -> dict[str, Any]:
        """Return the whole config of a variant as JSON types."""
        said = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"variants"})
        own = str(place_of(self.warehouse) / name)
        return merged(said, self.variants[name]) | {"warehouse": own}

    @property
    def tables_written(self) -> tuple[str, ...]:
        """The tables of a build, in the order in which they are promoted."""
        named = tuple(t for t in TABLES if t in {*self.tables, "rejected", "item_stats"})
        asked = (self.estimates_frequency, self.carries_history, self.pool is not None)
        further = zip(FURTHER_TABLES, asked, strict=True)
        return (*named, *(table for table, is_asked in further if is_asked))

    @property
    def estimates_frequency(self) -> bool:
        """Whether a running estimate of how likely items are in batches is asked for."""
        return self.in_batch is not None and self.in_batch.streaming is not None

    @property
    def carries_history(self) -> bool:
        """Whether the past of users is carried on from date to date."""
        return self.requests.history.carried

    @property
    def pool(self) -> BatchPool | None:
        """The draws that the rows of a batch share; None where none are asked for."""
        return None if self.in_batch is None else self.in_batch.pool

    @property
    def pool_sources(self) -> tuple[Drawn, ...]:
        """The sources of pools; their places are those among ``distributions``."""
        keys = [entry.distribution for entry in self.distributions]
        return () if self.pool is None else self.pool.drawn(keys)

    @property
    def distributions(self) -> tuple[EasyEntry, ...]:
        """All that anything is drawn from: ``Negatives.distributions``, then what pools add."""
        of_pool = () if self.pool is None else self.pool.sources
        every = (*self.negatives.distributions, *of_pool)
        return tuple({entry.distribution: entry for entry in every}.values())

    @property
    def exposed_windows(self) -> tuple[int | None, ...]:
        """The ``days`` of all sources that draw from what anybody was shown, each once."""
        return EventDistributions(self.distributions).exposed_windows

    def carried(self, log: str) -> tuple[str, ...]:
        """Return the columns of a log that are copied to tables, by the names they have there."""
        if log == "impressions":
            return self.carry
        own: LogConfig | None = getattr(self.logs, log)
        return () if own is None else own.carry

    @property
    def joins_earlier_clicks(self) -> bool:
        """Whether clicks of the popularity window have to be joined with their impressions."""
        if self.popularity.clicks != "all":
            return True
        by_impression = any(of.of_clicks is None for of in self.negatives.of_events.market_columns)
        return by_impression and self.popularity.of != "impressions"

    @property
    def asked_for(self) -> Mapping[str, tuple[str, ...]]:
        """What some columns are there for (``when`` in schemas) and this config asks for.

        Each with the names that there is a column for where the contract has a place for one.
        """
        return asked_columns(
            self.positives,
            self.negatives,
            self.popularity,
            self.ranking,
            self.in_batch,
            self.exclude_item_ids,
        )

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The stages of the funnel with what hard negatives take from each."""
        return ladder_of(self.funnel, self.negatives)

    def canonical_json(self) -> str:
        """Return the settings that decide the rows, as JSON with sorted keys.

        Paths are left out: the same logs in another folder make the same rows. So are the gates
        and expectations: they decide whether rows are released, not which. Variants are left out
        as well: each is a config with settings of its own.
        """
        no_rows = {"warehouse", "publishing", "gates", "expectations", "variants"}
        tree = self.model_dump(mode="json", by_alias=True, exclude=no_rows)
        for log in tree["logs"].values():
            if log is not None:
                log.pop("path")
        return json.dumps(tree, sort_keys=True, separators=(",", ":"))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical JSON: equal settings give equal hex digits."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

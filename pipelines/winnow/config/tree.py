"""The whole config of a build, as one frozen tree with a fingerprint."""

import hashlib
import json
from typing import Literal, Self
from urllib.parse import unquote

from pydantic import Field, field_validator, model_validator

from winnow.config.gates import GateBounds, known_gates
from winnow.config.logs import Logs, ZoneName
from winnow.config.model import Frozen, Identifier
from winnow.config.sampling import (
    Attribution,
    Easy,
    Exclusion,
    Hard,
    Mix,
    Popularity,
    Positives,
    Split,
)

IdType = Literal["bigint", "string"]

TABLES = (
    "positives",
    "easy_negatives",
    "hard_negatives",
    "training_samples",
    "training_samples_pointwise",
    "ranking_samples",
    "item_stats",
    "rejected",
)


class Ids(Frozen):
    """The type of each id, declared once: ``bigint`` or ``string``."""

    user: IdType = "bigint"
    item: IdType = "bigint"
    request: IdType = "bigint"
    impression: IdType = "string"


class Identity(Frozen):
    """User ids that mean nobody. They are treated as missing, so they never make one giant user."""

    anonymous_values: tuple[str, ...] = ("", "0", "-1", "null", "NULL", "None")


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
        tables: Which tables are written; ``rejected`` and ``item_stats`` always are.
        carry: Impression columns that are copied to positives and samples.
        gates: Bounds of gates by name, or by name and subject.
        shards: The number of shards that rows are spread over by a keyed hash.
    """

    warehouse: str = "warehouse"
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
    easy: Easy = Easy()
    hard: Hard = Hard()
    mix: Mix = Mix()
    split: Split = Split()
    shards: int = Field(default=16, ge=1, le=100_000)
    tables: tuple[Identifier, ...] = tuple(t for t in TABLES if t != "training_samples_pointwise")
    carry: tuple[Identifier, ...] = ()
    publishing: Publishing = Publishing()
    gates: dict[str, GateBounds] = Field(default={})

    @field_validator("warehouse")
    @classmethod
    def _is_a_folder(cls, warehouse: str) -> str:
        if "://" in warehouse:
            raise ValueError("must be a folder that the driver and all executors see, no address")
        if unquote(warehouse) != warehouse:
            # Libraries take it for the sign that it stands for in an address: another folder.
            raise ValueError("must be a folder without % and two hex digits in its whole path")
        return warehouse

    @field_validator("gates")
    @classmethod
    def _are_gates(cls, gates: dict[str, GateBounds]) -> dict[str, GateBounds]:
        known_gates(gates)
        return gates

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if unknown := sorted(set(self.tables) - set(TABLES)):
            raise ValueError(f"tables: {unknown} are unknown, known are {list(TABLES)}")
        if len(set(self.carry)) < len(self.carry):
            raise ValueError("carry: a column is named twice")
        if unknown := sorted(set(self.attribution.windows) - set(self.positives.actions)):
            raise ValueError(f"attribution.windows: {unknown} are not among positives.actions")
        log = self.logs.ranking_log
        if self.mix.n_hard > 0 and log is None:
            raise ValueError("mix: hard_ratio must be 0 where there is no ranking_log")
        if log is not None and log.sampled and self.hard.cut_known_by == "membership":
            raise ValueError(
                "hard: cut_known_by: membership needs a ranking_log with every row of a request, "
                "but sampled is true"
            )
        return self

    @property
    def tables_written(self) -> tuple[str, ...]:
        """The tables of a build, in the order in which they are promoted."""
        return tuple(t for t in TABLES if t in {*self.tables, "rejected", "item_stats"})

    def canonical_json(self) -> str:
        """Return the settings that decide the rows, as JSON with sorted keys.

        Paths are left out: the same logs in another place make the same rows. So are the gates:
        they decide whether rows are released, not which.
        """
        no_rows = {"warehouse", "publishing", "gates"}
        tree = self.model_dump(mode="json", by_alias=True, exclude=no_rows)
        for log in tree["logs"].values():
            if log is not None:
                log.pop("path")
        return json.dumps(tree, sort_keys=True, separators=(",", ":"))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical JSON: equal settings give equal hex digits."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

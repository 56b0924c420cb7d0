"""What to simulate: one frozen set of settings."""

from datetime import date, timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Simulation(BaseModel):
    """Settings of one simulated recommender. Dates and times are UTC.

    Equal settings, apart from ``out``, give equal rows. Each date is drawn on its own: ``days`` and
    ``history_days`` decide which dates exist, never what is in them.

    The funnel is ``recall_size`` >= ``coarse_size`` >= ``fine_size`` >= ``exposed_size``: how many
    items of one request a stage handles. What a stage passes on is the size of the next.
    A request gets fewer items where recall finds fewer distinct ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path = Field(description="folder that receives logs/ and truth/")
    first_day: date = Field(default=date(2026, 1, 1), ge=date(2000, 1, 1), le=date(2100, 1, 1))
    days: int = Field(default=3, ge=1, le=366)
    history_days: int = Field(default=14, ge=0, le=366, description="dates before first_day")
    seed: int = Field(default=0, ge=0, lt=2**63)
    string_ids: bool = Field(default=False, description="ids like u000123 in place of integers")

    users: int = Field(default=2_000, ge=10, le=100_000_000)
    items: int = Field(default=3_000, ge=100, le=50_000_000)
    categories: int = Field(default=20, ge=3, le=10_000)
    vector_size: int = Field(default=16, ge=2, le=256)
    item_popularity_exponent: float = Field(default=0.9, ge=0.0, le=2.0, description="Zipf")
    user_activity_exponent: float = Field(default=0.6, ge=0.0, le=2.0, description="Zipf")
    turnover_share: float = Field(
        default=0.3, ge=0.0, le=0.9, description="share of items that are born and retired"
    )
    turnover_days: int = Field(
        default=45, ge=1, le=366, description="births spread over first_day +- this many days"
    )
    mean_life_days: float = Field(default=20.0, gt=0.0, le=1_000.0)

    requests_per_day: int = Field(default=4_000, ge=1, le=10_000_000)
    recall_size: int = Field(default=150, ge=1, le=2_000)
    coarse_size: int = Field(default=60, ge=1, le=2_000)
    fine_size: int = Field(default=25, ge=1, le=2_000)
    exposed_size: int = Field(default=10, ge=1, le=999)
    log_recall: bool = Field(default=False, description="ranking_log has rows of stage recall")
    log_candidates: bool = Field(
        default=False, description="a log of candidates: a row for each, with a flag per stage"
    )
    coarse_rows_logged: int | None = Field(
        default=None,
        ge=1,
        description="per request: all that passed and a random rest of those cut; None: all",
    )

    popular_recall_share: float = Field(default=0.35, ge=0.0, le=1.0)
    affinity_recall_share: float = Field(default=0.45, ge=0.0, le=1.0)
    popularity_boost: float = Field(
        default=0.15, ge=0.0, le=5.0, description="score per standard deviation of log popularity"
    )
    coarse_noise: float = Field(default=0.9, ge=0.0, le=10.0, description="standard deviation")
    fine_noise: float = Field(default=0.4, ge=0.0, le=10.0, description="standard deviation")

    click_logit: float = Field(
        default=-3.8, ge=-20.0, le=20.0, description="logit of a click on an item of relevance 0"
    )
    position_exponent: float = Field(
        default=0.5, ge=0.0, le=5.0, description="position p is looked at with chance p ** -this"
    )
    late_click_share: float = Field(default=0.08, ge=0.0, le=1.0)
    late_click_max_hours: float = Field(default=12.0, ge=1.0, le=20.0)
    action_share: float = Field(
        default=0.15, ge=0.0, le=0.5, description="clicks followed by a stronger action"
    )
    rejection_share: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="a log of negative feedback: about half of this share of what was shown",
    )
    dirty_share: float = Field(
        default=0.002, ge=0.0, le=0.5, description="rows added broken, per clean row of each log"
    )

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        sizes = (self.items, self.recall_size, self.coarse_size, self.fine_size, self.exposed_size)
        if list(sizes) != sorted(sizes, reverse=True):
            raise ValueError(
                "expected items >= recall_size >= coarse_size >= fine_size >= exposed_size, "
                f"found {', '.join(map(str, sizes))}"
            )
        logged = self.coarse_rows_logged
        if logged is not None and not self.fine_size <= logged <= self.coarse_size:
            raise ValueError(
                "coarse_rows_logged holds all that passed: expected a number from fine_size "
                f"{self.fine_size} to coarse_size {self.coarse_size}, found {logged}"
            )
        if self.popular_recall_share + self.affinity_recall_share > 1.0:
            raise ValueError(
                "expected popular_recall_share + affinity_recall_share <= 1, found "
                f"{self.popular_recall_share} + {self.affinity_recall_share}"
            )
        return self

    def dates(self) -> tuple[date, ...]:
        """Return the simulated dates in order, those of the history first."""
        start = self.first_day - timedelta(days=self.history_days)
        return tuple(start + timedelta(days=n) for n in range(self.history_days + self.days))

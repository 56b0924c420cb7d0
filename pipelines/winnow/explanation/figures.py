"""In figures: what a config would draw from the logs of a date, and what would fall short."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.building.inputs import open_for_build
from winnow.building.request import BuildRequest
from winnow.contracts.needed_dates import dates_needed, missing_later_dates
from winnow.contracts.rows import chosen_rows, valid_rows
from winnow.errors import InputError, Problem
from winnow.events.item_aliases import with_canonical_items
from winnow.events.user_attributes import staged_users
from winnow.explanation.chosen_items import ChosenItem, chosen_items
from winnow.explanation.lanes import Lane, item_table, lanes_of, told_by_users, weights_in
from winnow.explanation.measuring import (
    Requests,
    requests_with_rows,
    staged_positives,
    sums_of_draws,
)
from winnow.run import Run
from winnow.sampler.catalogue_items import begins
from winnow.sampler.staged_catalogue import StagedCatalogue
from winnow.sampler.steps import stage_pairs_and_catalogue
from winnow.spark.sized import Sized


@dataclass(frozen=True)
class ItemOfSource:
    """How often one source draws an item.

    Attributes:
        source: The source's name.
        q: The chance of one draw from the item's group, before anything is forbidden; 0 outside.
        declared: Draws per 1,000 positives if nothing were forbidden.
        expected: Draws per 1,000 positives, given every user's forbidden set.
        kept: expected / declared; None where the source never draws it.
    """

    source: str
    q: float
    declared: float
    expected: float
    kept: float | None


@dataclass(frozen=True)
class ItemFigures:
    """What happens to one item.

    Attributes:
        role: Why it is told of.
        item_id: The item. clicks: In the popularity window. popularity: f.
        weight: W in the main source, as in item_stats. q: Its share of all W.
        keep_prob: Of its positives.
        positives: Rows of positives that are expected of it.
        forbidden_users: The share of the users with positives to whom it is forbidden.
        sources: Of each source of draws.
    """

    role: str
    item_id: int | str
    clicks: int
    popularity: float
    weight: int
    q: float
    keep_prob: float
    positives: float
    forbidden_users: float
    sources: tuple[ItemOfSource, ...]


@dataclass(frozen=True)
class Figures:
    """What a build of a date would make, as far as it can be known without sampling.

    Attributes:
        ds: The date. missing: Later dates that a build waits for.
        catalogue: How many items may be drawn. users: Those with positives.
        positives: Rows of positives that are expected.
        requests: Those of the date, and how many of them have ranking rows.
        without_group: By source, the share of positives whose item has no group there.
        not_ranked: The share of requests with positives that have no ranking rows; None where
            nothing is chosen from them.
        items: The chosen items.
    """

    ds: str
    missing: tuple[str, ...]
    catalogue: int
    users: int
    positives: float
    requests: Requests
    without_group: Mapping[str, float]
    not_ranked: float | None
    items: tuple[ItemFigures, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)


def in_figures(request: BuildRequest, run: Run) -> Figures:
    """Read the logs of a date as a build would, and count; nothing is sampled or published.

    Args:
        request: The config, the date, the engine, and whom to tell of it.
        run: Where to compute.

    Raises:
        ConfigError, InputError: As a build; or no impression of the date may become a positive.
    """
    progress, config = request.progress, run.config
    with progress.stage("open logs"):
        opened = open_for_build(request)
        later = missing_later_dates(opened, dates_needed(config, request.day))
        logs = with_canonical_items(opened, run)
    with progress.stage("join clicks, weigh items") as stage:
        log = logs["clicks"]
        clicks = Sized(valid_rows(log), log.about_rows)
        users = staged_users(logs, run)
        attributed, staged = stage_pairs_and_catalogue(logs, clicks, run, users)
        stage.rows = attributed.pairs.rows
    catalogue = staged.catalogue
    popularity, since_us = _popularity(staged)
    chosen = chosen_items(popularity, since_us)
    codes = [item.code for item in chosen]
    lanes = lanes_of(catalogue, config, codes)
    with progress.stage("count positives"):
        items = item_table(catalogue, config, lanes)
        pairs = chosen_rows(attributed.pairs.frame, logs["impressions"])
        positives = staged_positives(pairs, items, run, told_by_users(catalogue, config, lanes))
        requests = requests_with_rows(logs, positives, run)
    if requests.shown == 0:
        what, fix = f"no impression of {request.day} was read", "Check path, partition and zone."
        raise InputError(Problem("logs.impressions", what, next_step=fix))
    with progress.stage("count what is forbidden"):
        keys = [int(catalogue.draws.keys.view(np.int64)[code]) for code in codes]
        sums = sums_of_draws(logs, positives, items, lanes, keys, run)
    figures = _Sums(staged, popularity, lanes, sums, run)
    return Figures(
        ds=request.day.isoformat(),
        missing=tuple(f"{one.where}: {one.found}" for one in later),
        catalogue=len(catalogue.ids),
        users=int(sums["users"]),
        positives=sums["positives"],
        requests=requests,
        without_group=figures.without_group(),
        not_ranked=_not_ranked(requests, run),
        items=tuple(figures.of_item(c, item) for c, item in enumerate(chosen)),
    )


@dataclass(frozen=True)
class _Sums:
    """What is known, from which the figures of an item follow."""

    staged: StagedCatalogue
    popularity: NDArray[np.float64]
    lanes: Sequence[Lane]
    sums: Mapping[str, float]
    run: Run

    def of_item(self, c: int, item: ChosenItem) -> ItemFigures:
        catalogue, code, sums = self.staged.catalogue, item.code, self.sums
        draws, weight = catalogue.draws, int(catalogue.draws.weights[item.code])
        sources = self.run.config.negatives.drawn
        return ItemFigures(
            role=item.role,
            item_id=catalogue.ids[code].as_py(),
            clicks=int(catalogue.clicks[code]),
            popularity=float(self.popularity[code]),
            weight=weight,
            q=weight / catalogue.total_weight,
            keep_prob=float(draws.keep_prob_of(draws.keys[[code]])[0]),
            positives=sums[f"positives_{c}"],
            forbidden_users=sums[f"forbidden_{c}"] / max(sums["users"], 1.0),
            sources=tuple(
                self._of_source(c, code, one.name, one.asked, one.distribution)
                for one in sources
                if one.asked
            ),
        )

    def _of_source(
        self, c: int, code: int, name: str, asked: int, distribution: int
    ) -> ItemOfSource:
        catalogue, sums, n = self.staged.catalogue, self.sums, max(self.sums["positives"], 1e-300)
        q = declared = expected = 0.0
        for i, lane in enumerate(self.lanes):
            if lane.distribution != distribution:
                continue
            weight = int(weights_in(catalogue, lane)[code])
            q = max(q, weight / lane.total)
            declared += asked * sums[f"using_{i}"] / n * weight / lane.total
            expected += asked * sums[f"draws_{c}_{i}"] / n * weight
        kept = expected / declared if declared else None
        return ItemOfSource(name, q, 1_000 * declared, 1_000 * expected, kept)

    def without_group(self) -> dict[str, float]:
        n = max(self.sums["positives"], 1e-300)
        return {
            one.name: self.sums[f"none_{one.distribution}"] / n
            for one in self.run.config.negatives.drawn
            if one.asked and f"none_{one.distribution}" in self.sums
        }


def _popularity(staged: StagedCatalogue) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return f and when each item became valid, by code."""
    frame = staged.eligibility
    names = ["item_id", "eligible_from"]
    names += ["popularity"] if "popularity" in frame.columns else []
    rows = frame.select(*names).toArrow().sort_by("item_id")
    measured = "popularity" in rows.column_names
    f = rows["popularity"].to_numpy() if measured else staged.catalogue.clicks
    return f.astype(np.float64), begins(rows["eligible_from"])


def _not_ranked(requests: Requests, run: Run) -> float | None:
    if run.config.negatives.n_of_stages == 0 or requests.positive == 0:
        return None
    return 1.0 - requests.positive_ranked / requests.positive

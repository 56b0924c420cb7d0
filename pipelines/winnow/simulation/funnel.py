"""The funnel: recalled items are scored and cut twice; what remains is shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow.simulation.config import Simulation
from winnow.simulation.recall import Shelf, recall
from winnow.simulation.requests import Requests
from winnow.simulation.world import World


@dataclass(frozen=True)
class Ranking:
    """One stage: arrays of shape (requests, items), best first: column r has rank r + 1.

    ``items`` are item numbers. ``scores`` is None where the stage does not score. Only entries with
    ``present`` exist, and they lead their row. ``passed`` means that the item went on to the next
    stage; for the last one: that it was shown. ``logged`` marks the rows of the ranking log.
    """

    items: NDArray[np.int64]
    scores: NDArray[np.float64] | None
    present: NDArray[np.bool_]
    passed: NDArray[np.bool_]
    logged: NDArray[np.bool_]


@dataclass(frozen=True)
class Funnel:
    """All stages of some requests; ``relevance`` is the true one, in the order of ``fine``."""

    recalled: Ranking
    coarse: Ranking
    fine: Ranking
    relevance: NDArray[np.float64]

    @property
    def exposed(self) -> NDArray[np.bool_]:
        """Return which entries of ``fine`` were shown; column p was shown at position p + 1."""
        return self.fine.passed


def run_funnel(
    simulation: Simulation,
    world: World,
    shelf: Shelf,
    requests: Requests,
    rng: np.random.Generator,
) -> Funnel:
    """Return what each stage did with each request.

    score = relevance + ``popularity_boost`` * standardised log popularity + noise of the stage.
    """
    items, present = recall(simulation, world, shelf, requests, rng)
    passed = _leading(present, simulation.coarse_size)
    logged = present if simulation.log_recall else np.zeros_like(present)
    recalled = Ranking(items, None, present, passed, logged)

    entered = _judge(simulation, world, requests, items, present)
    scores, scored = _rank(entered, simulation.coarse_noise, rng)
    refined_scores, refined = _rank(scored.first(simulation.fine_size), simulation.fine_noise, rng)
    exposed = _leading(refined.present, simulation.exposed_size)
    fine = Ranking(refined.items, refined_scores, refined.present, exposed, refined.present)

    # Drawn last: how much is logged must not change what happens.
    passed = _leading(scored.present, simulation.fine_size)
    logged = _coarse_log(simulation, scored.present, passed, rng)
    coarse = Ranking(scored.items, scores, scored.present, passed, logged)
    return Funnel(recalled=recalled, coarse=coarse, fine=fine, relevance=refined.relevance)


@dataclass(frozen=True)
class _Candidates:
    """What a stage scores: arrays of one shape. ``merit`` is the score without its noise."""

    items: NDArray[np.int64]
    present: NDArray[np.bool_]
    relevance: NDArray[np.float64]
    merit: NDArray[np.float64]

    def first(self, size: int) -> "_Candidates":
        """Return the first ``size`` entries of each request."""
        cut = np.s_[:, :size]
        return _Candidates(self.items[cut], self.present[cut], self.relevance[cut], self.merit[cut])

    def in_order(self, order: NDArray[np.int64]) -> "_Candidates":
        """Return the entries of each request in another order."""
        return _Candidates(
            np.take_along_axis(self.items, order, axis=1),
            np.take_along_axis(self.present, order, axis=1),
            np.take_along_axis(self.relevance, order, axis=1),
            np.take_along_axis(self.merit, order, axis=1),
        )


def _judge(
    simulation: Simulation,
    world: World,
    requests: Requests,
    items: NDArray[np.int64],
    present: NDArray[np.bool_],
) -> _Candidates:
    """Return the recalled items that coarse ranking scores, with what is true about them."""
    size = simulation.coarse_size
    items, present = items[:, :size], present[:, :size]
    users = world.users.vectors[requests.users]
    products = np.matmul(world.items.vectors[items], users[:, :, None])
    relevance = products[:, :, 0].astype(np.float64)
    logs = np.log(world.items.weights)
    popularity = (logs - logs.mean()) / max(float(logs.std()), 1e-12)
    merit = relevance + simulation.popularity_boost * popularity[items]
    return _Candidates(items, present, relevance, merit)


def _rank(
    entered: _Candidates, noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], _Candidates]:
    """Return noisy scores and the candidates, both best first; absent entries come last."""
    scores = entered.merit + noise * rng.standard_normal(entered.merit.shape)
    scores = np.where(entered.present, scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, order, axis=1), entered.in_order(order)


def _leading(present: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    return present & (np.arange(present.shape[1]) < size)


def _coarse_log(
    simulation: Simulation,
    present: NDArray[np.bool_],
    passed: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return the coarse rows to log: all that passed, and a random rest up to the set number."""
    size = simulation.coarse_rows_logged
    if size is None or size == present.shape[1]:
        return present
    draws = np.where(passed, -1.0, np.where(present, rng.random(present.shape), 2.0))
    last = np.partition(draws, size - 1, axis=1)[:, size - 1 : size]
    return present & (draws <= last)

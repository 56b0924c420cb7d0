"""Clicks and stronger actions on what was shown, and how late they come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow.simulation.clock import HOUR_US, SECOND_US
from winnow.simulation.config import Simulation
from winnow.simulation.funnel import Funnel
from winnow.simulation.requests import Requests

ACTIONS = ("click", "favourite", "cart", "buy")

# The stronger actions split the follow-ups in these shares.
_FOLLOW_UP_BOUNDS = (0.5, 0.8)
_SCENE_LOGITS = (0.0, 0.4, -0.3)
_SOON_MEDIAN_SECONDS, _SOON_SPREAD, _SOON_MAX_SECONDS = 12.0, 1.0, 300.0
_FOLLOW_UP_MEDIAN_SECONDS, _FOLLOW_UP_MAX_SECONDS = 60.0, 1_800.0


@dataclass(frozen=True)
class Clicks:
    """One entry per row of the click log.

    ``requests`` and ``columns`` say which entry of the funnel's ``fine`` was clicked; ``actions``
    index ``ACTIONS``; ``times_us`` are microseconds, UTC.
    """

    requests: NDArray[np.int64]
    columns: NDArray[np.int64]
    actions: NDArray[np.int64]
    times_us: NDArray[np.int64]


def click_chances(
    simulation: Simulation, requests: Requests, funnel: Funnel
) -> NDArray[np.float64]:
    """Return the chance of a click, for each entry of ``funnel.fine``, shown or not.

    P(click) = p ** -``position_exponent`` * sigmoid(``click_logit`` + relevance + scene), where p
    is the position from 1: the chance to look, times the chance to like what is seen.
    """
    positions = np.arange(1.0, funnel.relevance.shape[1] + 1)
    scene = np.array(_SCENE_LOGITS)[requests.scenes][:, None]
    liked = _sigmoid(simulation.click_logit + funnel.relevance + scene)
    return positions**-simulation.position_exponent * liked


def make_clicks(
    simulation: Simulation,
    requests: Requests,
    funnel: Funnel,
    shown_us: NDArray[np.int64],
    rng: np.random.Generator,
) -> Clicks:
    """Return the clicks, and one further row for each that a stronger action follows.

    Args:
        simulation: Rates and delays.
        requests: The requests.
        funnel: What was shown.
        shown_us: When each request's items were shown, in microseconds.
        rng: The stream of these requests' clicks.
    """
    draws = rng.random(funnel.exposed.shape)
    clicked = funnel.exposed & (draws < click_chances(simulation, requests, funnel))
    rows, columns = np.nonzero(clicked)
    times = shown_us[rows] + _click_delays_us(simulation, len(rows), rng)

    # Twice the share times a chance of about one half: the more relevant, the likelier.
    satisfied = 2 * _sigmoid(funnel.relevance[rows, columns] - 2.0)
    followed = np.flatnonzero(rng.random(len(rows)) < simulation.action_share * satisfied)
    kinds = 1 + np.searchsorted(_FOLLOW_UP_BOUNDS, rng.random(len(followed)), side="right")
    waits = _FOLLOW_UP_MEDIAN_SECONDS * np.exp(rng.standard_normal(len(followed)))
    waits = np.minimum(waits, _FOLLOW_UP_MAX_SECONDS)
    return Clicks(
        requests=np.concatenate([rows, rows[followed]]),
        columns=np.concatenate([columns, columns[followed]]),
        actions=np.concatenate([np.zeros(len(rows), dtype=np.int64), kinds]),
        times_us=np.concatenate([times, times[followed] + _to_us(waits)]),
    )


def _click_delays_us(
    simulation: Simulation, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return delays: most of seconds, the late share from minutes to hours, alike per factor."""
    soon = _SOON_MEDIAN_SECONDS * np.exp(_SOON_SPREAD * rng.standard_normal(count))
    soon = np.minimum(soon, _SOON_MAX_SECONDS)
    longest = simulation.late_click_max_hours * HOUR_US / SECOND_US
    late = _SOON_MAX_SECONDS * (longest / _SOON_MAX_SECONDS) ** rng.random(count)
    return _to_us(np.where(rng.random(count) < simulation.late_click_share, late, soon))


def _to_us(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    # Whole milliseconds, and at least one: a click never has the time of its impression.
    return (np.floor(seconds * 1_000).astype(np.int64) + 1) * 1_000


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return chances

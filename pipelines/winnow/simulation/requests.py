"""Requests: who asks, when, and on which scene."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from winnow.simulation.clock import DAY_US, HOUR_US, SECOND_US, epoch_day
from winnow.simulation.config import Simulation
from winnow.simulation.streams import stream
from winnow.simulation.world import Users

SCENES = ("home", "search", "detail")
REQUEST_IDS_PER_DAY = 100_000_000

_SCENE_SHARES = (0.6, 0.3, 0.1)
_TRAFFIC_BY_HOUR = (3, 2, 1, 1, 1, 1, 2, 4, 5, 5, 5, 5, 6, 6, 5, 5, 5, 6, 7, 8, 10, 11, 9, 6)
# A request is answered and shown within seconds: the last ones of a date are shown on that date.
_LAST_REQUEST_US = DAY_US - 5 * SECOND_US


@dataclass(frozen=True)
class Requests:
    """Some requests of one date, in the order of time; all arrays have one entry per request.

    ``ids`` are unique over all dates and start at (days since 1970) * ``REQUEST_IDS_PER_DAY``.
    ``users`` are user numbers, ``scenes`` index ``SCENES``, ``times_us`` are microseconds, UTC.
    """

    ids: NDArray[np.int64]
    users: NDArray[np.int64]
    scenes: NDArray[np.int64]
    times_us: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.ids)

    def part(self, start: int, stop: int) -> "Requests":
        """Return the requests from ``start`` up to, not including, ``stop``."""
        cut = slice(start, stop)
        return Requests(self.ids[cut], self.users[cut], self.scenes[cut], self.times_us[cut])


def make_requests(simulation: Simulation, users: Users, day: date) -> Requests:
    """Return the requests of one date: active users ask often, and most ask in the evening."""
    number, count = epoch_day(day), simulation.requests_per_day
    rng = stream(simulation.seed, "requests", number)
    traffic = np.concatenate([[0.0], np.cumsum(_TRAFFIC_BY_HOUR)])
    hours = np.interp(rng.random(count) * traffic[-1], traffic, np.arange(25.0))
    offsets = np.minimum((hours * HOUR_US).astype(np.int64), _LAST_REQUEST_US)
    activity = np.cumsum(users.weights)
    asking = np.searchsorted(activity, rng.random(count) * activity[-1], side="right")
    scene_bounds = np.cumsum(_SCENE_SHARES)[:-1]
    return Requests(
        ids=number * REQUEST_IDS_PER_DAY + np.arange(count, dtype=np.int64),
        users=np.minimum(asking, len(activity) - 1),
        scenes=np.searchsorted(scene_bounds, rng.random(count), side="right"),
        times_us=number * DAY_US + np.sort(offsets),
    )

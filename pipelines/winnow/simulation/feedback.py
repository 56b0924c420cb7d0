"""What users reject of what they were shown: hidden, disliked, soon after."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.simulation.clock import DAY_US
from winnow.simulation.config import Simulation
from winnow.simulation.funnel import Funnel
from winnow.simulation.requests import Requests
from winnow.simulation.schemas import FEEDBACK, TIME, labels

TYPES = ("hide", "dislike")

_LONGEST_WAIT_US = 60_000_000
_MILLISECOND_US = 1_000


def feedback_table(
    simulation: Simulation,
    requests: Requests,
    funnel: Funnel,
    shown_us: NDArray[np.int64],
    rng: np.random.Generator,
) -> pa.Table:
    """Return one row per shown item that its user rejected, within a minute and the same date.

    An item of relevance 0 is rejected with half of the chance ``rejection_share``: the less
    relevant, the likelier. Whether an item was clicked does not matter, as with people.

    Args:
        simulation: The share.
        requests: The requests. funnel: What was shown.
        shown_us: When each request's items were shown, in microseconds.
        rng: The stream of these requests' feedback.
    """
    disliked = 1.0 / (1.0 + np.exp(funnel.relevance))
    draws = rng.random(funnel.exposed.shape)
    rows, columns = np.nonzero(funnel.exposed & (draws < simulation.rejection_share * disliked))
    waits = rng.integers(1, _LONGEST_WAIT_US // _MILLISECOND_US, len(rows)) * _MILLISECOND_US
    kinds, times = rng.integers(0, len(TYPES), len(rows)), shown_us[rows] + waits
    of_date = times // DAY_US == requests.times_us[rows] // DAY_US
    rows, columns, kinds, times = rows[of_date], columns[of_date], kinds[of_date], times[of_date]
    return pa.table(
        [
            requests.ids[rows],
            requests.users[rows] + 1,
            funnel.fine.items[rows, columns] + 1,
            pa.array(times, TIME),
            labels(kinds, TYPES),
        ],
        schema=FEEDBACK,
    )

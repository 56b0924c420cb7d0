"""How many rows of a user come before a moment."""

import numpy as np

from winnow.tables.group_lists import Int64s


def n_before(user: Int64s, at_us: Int64s, asking: Int64s, until_us: Int64s) -> Int64s:
    """Return how many rows come before each who asks: of users before, or its own, earlier ones.

    Args:
        user: Shape (m,), ascending. at_us: Ascending within a user, shape (m,).
        asking: Users, shape (n,). until_us: The first microsecond that is too late, shape (n,).
    """
    n = len(user)
    late = np.concatenate([np.ones(n, np.int8), np.zeros(len(asking), np.int8)])
    times, users = np.concatenate([at_us, until_us]), np.concatenate([user, asking])
    # At one time those who ask come first: what happens then is not before.
    order = np.lexsort((late, times, users))
    is_row = order < n
    before = np.cumsum(is_row)
    found = np.empty(len(asking), np.int64)
    found[order[~is_row] - n] = before[~is_row]
    return found

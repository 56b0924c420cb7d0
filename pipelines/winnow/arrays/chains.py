"""Chains of things that each stand for another one: where they end, and which run in a circle."""

import numpy as np
from numpy.typing import NDArray


def ends_of_chains(next_of: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each chain ends, and which never do, shape (n,) each.

    Args:
        next_of: Of each number below n the one that it stands for, shape (n,); an end stands for
            itself.

    Returns:
        The end that each number leads to, arbitrary where there is none; and whether there is none.
    """
    ends = next_of
    # Each round doubles the steps: no chain is longer than there are numbers.
    for _ in range(max(len(next_of), 1).bit_length()):
        further = ends[ends]
        if np.array_equal(further, ends):
            break
        ends = further
    return ends, next_of[ends] != ends


def one_circle(next_of: NDArray[np.int64], start: int) -> list[int]:
    """Return the numbers of the circle that a chain without an end leads into, the least first."""
    seen: dict[int, int] = {}
    at = start
    while at not in seen:
        seen[at] = len(seen)
        at = int(next_of[at])
    circle = [number for number, place in seen.items() if place >= seen[at]]
    least = circle.index(min(circle))
    return circle[least:] + circle[:least]

"""Kinds of events: what a row of the one frame that is shuffled stands for."""

FORBIDDEN = 0
"""Kind of an event: the user was shown or clicked the item."""
PAIR = 1
"""Kind of an event: where an impression with a click in its attribution window is described."""
FIRST_CANDIDATE = 2
"""Kind of an event: FIRST_CANDIDATE + 2 · stage (+ 1 where the row may become a negative)."""

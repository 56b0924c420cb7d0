"""Kinds of events: what a row of the one frame that is shuffled by user stands for.

All of that frame crosses the network, so it is narrow: two keys, a kind, and what orders a row of
the ranking log. What the two keys are depends on the kind:

    kind          owner_key                              item_key
    FORBIDDEN     the user                               the item
    CLICKED       the user                               the item
    REJECTED      the user                               the item
    PAIR          the file that describes the pair       the row in that file
    of a stage    the request, as one of its user's      the item
    RECALLED      the request, as one of its user's      the item
    REQUEST       the file that describes the request    the row in that file

Of a pair much more is known than two keys: ids, times, the columns that tables carry. As columns of
the events all of it would be NULL in nearly every row. It waits in files that tasks read, and the
event tells where: ``sampler/pair_files.py`` tells the whole story. So does the id of a request.
"""

FORBIDDEN = 0
"""Kind of an event: the user was shown or clicked the item."""
CLICKED = -2
"""Kind of an event: the user clicked the item, which forbids it as well. Clicks are told apart only
where that matters: where negatives may be items that the user rejected."""
REJECTED = -3
"""Kind of an event: the user rejected the item, at ``event_us``."""
REQUEST = -4
"""Kind of an event: the user had the request on the date. Told only where negatives may be of other
requests than the positive's."""
PAIR = 1
"""Kind of an event: an impression with a click in its attribution window."""
FIRST_RANKED = 2
"""Kind of an event: FIRST_RANKED + 2 · stage (+ 1 where the row may become a negative)."""

RECALLED = -1
"""Kind of an event: the ranking log has the item of the request, in a row that says no more."""

WEAK = -1
"""The code of the action of a pair without a click: a weak positive's."""

ORGANIC = -120
"""What is added to the code of the action of a click without an impression: there are 100 at most,
so it lies below ``WEAK``, and the strongest one is still the largest."""

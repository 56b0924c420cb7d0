"""The forbidden set F(u): every item that the user was shown or clicked in the exclusion window."""

from pipelines.arrays.compiled import compiled
from pipelines.sampling.events import FORBIDDEN, find_slot


@compiled
def mark_forbidden(events, rows, first, last, table, marks, mark, codes):  # type: ignore[no-untyped-def]
    """Mark the catalogue items that one user may not get as negatives.

    Args:
        events: The partition's events. rows[first:last] are those of one user.
        table: The draw table; items outside the catalogue need no mark, as nothing draws them.
        marks: int32, shape (catalogue,): set to ``mark`` for every forbidden code.
        codes: int32, at least as long as the user's events: receives the forbidden codes.

    Returns:
        (n_forbidden, weight): how many codes were marked and the sum of their weights.
    """
    n, weight = 0, 0
    for x in range(first, last):
        row = rows[x]
        if events.kind[row] == FORBIDDEN:
            code = table.slots[find_slot(table.slots, table.keys, events.item[row])]
            if code >= 0 and marks[code] != mark:
                marks[code] = mark
                codes[n] = code
                n += 1
                weight += table.weights[code]
    return n, weight

"""Easy negatives of all positives: draws by popularity, none of what is forbidden to the user."""

import numpy as np

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.draw_table import draw_allowed, draw_complement, log_prob
from winnow.sampler.kernels.forbidden import mark
from winnow.sampler.kernels.hashing import EASY_STREAM, FILL_STREAM, U, fold
from winnow.sampler.kernels.logarithm import natural_log
from winnow.sampler.kernels.mix import mixed


@compiled
def draw_easy(hashes, positives_of_user, forbidden, table, spec, n_hard):  # type: ignore[no-untyped-def]
    """Draw the easy negatives of positives, and the fills that stand in for hard ones.

    Args:
        hashes: uint64, shape (p,), by positive. positives_of_user: As in ``Owners``.
        forbidden: As ``forbidden_codes`` returns it.
        table: The draw table. spec: The mix.
        n_hard: int32, shape (p,): how many hard negatives each positive has.

    Returns:
        ``n_easy``, ``n_fill`` and ``shortfall`` as in ``Groups``, and the fields of ``Drawn``.
        The forbidden codes of a user may change their order.
    """
    n_positives, n_items = len(hashes), len(table.keys)
    n_easy, n_fill, shortfall = (
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
    )
    most = n_positives * (spec.n_easy + (spec.n_hard if spec.fill else 0))
    codes, log_q, attempts = (
        np.empty(most, np.int32),
        np.empty(most, np.float64),
        np.empty(most, np.int32),
    )
    marks = np.zeros(n_items, np.int32)
    total = table.before[-1] + table.weights[-1] if n_items > 0 else 0
    own, other, log_weight = table.own, table.other, table.log_weight
    rejections, at = spec.max_rejections, 0
    for u in range(len(positives_of_user) - 1):
        first, last = forbidden.starts[u], forbidden.starts[u + 1]
        mark(forbidden.codes, first, last, marks, u)
        allowed = total - forbidden.weights[u]
        log_allowed = natural_log(float(allowed)) if allowed > 0 else 0.0
        in_order = False
        for p in range(positives_of_user[u], positives_of_user[u + 1]):
            n_easy[p], n_fill[p], shortfall[p] = mixed(
                spec.n_easy, spec.n_hard, n_hard[p], spec.fill, allowed > 0
            )
            # A fill draws from a stream of its own, so that one missing hard negative more or
            # less changes no easy negative.
            easy, fill = fold(hashes[p], EASY_STREAM), fold(hashes[p], FILL_STREAM)
            for draw in range(n_easy[p] + n_fill[p]):
                key = fold(easy if draw < n_easy[p] else fill, U(draw))
                code, tried = draw_allowed(own, other, total, marks, u + 1, key, rejections)
                if code < 0:
                    if not in_order:
                        forbidden.codes[first:last].sort()
                        in_order = True
                    tried += 1
                    code = draw_complement(
                        table.before,
                        table.weights,
                        allowed,
                        forbidden.codes,
                        first,
                        last,
                        key,
                        rejections,
                    )
                codes[at] = code
                log_q[at] = log_prob(log_weight[code], log_allowed)
                attempts[at] = tried
                at += 1
    return n_easy, n_fill, shortfall, codes[:at], log_q[:at], attempts[:at]

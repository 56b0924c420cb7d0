"""The keyed hashes of positives, written down a second time: SplitMix64 over seed and keys."""

import numpy as np
from numpy.typing import NDArray

Uint64s = NDArray[np.uint64]

_STEP = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def hashes_of(seed: int, *keys: Uint64s, epoch: int = 0) -> Uint64s:
    """Return the hash of a seed and the keys of positives, shape (n,).

    Between them stands the epoch where the hashes are for negatives, else a 0.
    """
    state = _mixed(np.array([seed], np.uint64))
    for key in (np.array([epoch], np.uint64), *keys):
        state = followed_by(state, key)
    return state


def followed_by(state: Uint64s, value: Uint64s | int) -> Uint64s:
    """Return the hash of what was hashed, and one value more."""
    step = np.uint64(_STEP)
    return _mixed((state + step) ^ _mixed(np.atleast_1d(np.asarray(value, np.uint64)) + step))


def units_of(hashes: Uint64s) -> NDArray[np.float64]:
    """Return the numbers in [0, 1) that the upper 53 bits of hashes are."""
    return (hashes >> np.uint64(11)).astype(np.float64) / 2.0**53


def _mixed(x: Uint64s) -> Uint64s:
    """Return the output function of SplitMix64, variant 13 of Stafford's mixers."""
    for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(multiplier)
    return x ^ (x >> np.uint64(31))

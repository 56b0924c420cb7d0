"""Random streams that depend on what they are for, and on nothing else."""

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """Return the generator of one purpose, such as the clicks of one chunk of one date.

    The stream depends on (seed, purpose, keys) only. So no date and no purpose can shift the
    draws of another. ``keys`` are not negative.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(purpose.encode()), *keys]))

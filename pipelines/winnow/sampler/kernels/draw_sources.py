"""What is drawn for a positive, and in which order."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Sources(NamedTuple):
    """The sources of draws, in the order of their negatives; the last one may be that of fills.

    Attributes:
        asked: int32, shape (s,): draws of a positive; of fills it does not matter.
        code: int8, shape (s,): as in neg_source.
        stream: uint64, shape (s,): names the hashes of the draws.
        not_recalled: bool, shape (s,): whether what was recalled for the positive's request is
            forbidden as well. One that fills draws where nothing is known of that, too.
        distinct: bool, shape (s,): whether a positive gets no item twice of the source. ``log_q``
            is then that of each draw given the ones before it; it is not together with mixtures.
        behind: int32, shape (s,): of a distinct one that fills, the source before it of whose
            draws it repeats none either, which draws from the same groups; -1: none.
    """

    asked: NDArray[np.int32]
    code: NDArray[np.int8]
    stream: NDArray[np.uint64]
    not_recalled: NDArray[np.bool_]
    distinct: NDArray[np.bool_]
    behind: NDArray[np.int32]

"""The kernels of the audit, loaded or compiled: a negative is compared, and found in a list."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from winnow.audit.recompute.drawable import Drawable, Weighed, only
from winnow.audit.recompute.draws import Negatives, examine
from winnow.audit.recompute.kernels.ranking_lists import Logged, StageRules, Stated, look_up


def load_audit_kernels() -> None:
    """Load the kernels: compare one negative with one impression, find it in a list of one."""
    one, user = np.ones(1, np.int64), np.zeros(1, np.int32)
    # A kernel is another one for arrays that cannot be written, as Arrow's.
    source = pa.array([0], pa.int8()).to_numpy()
    zero, none = np.zeros(1, np.int64), np.zeros(0)
    negatives = Negatives(user, one, source, np.zeros(1), one, zero, none)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "drawable.arrow"
        only(Weighed(one, one), ("popularity", 0)).save(path)
        examine(1, (user, one), (user, one), negatives, Drawable.load(str(path)))
    request, yes = np.zeros(1, np.int64), np.ones(1, np.bool_)
    logged = Logged(request, request, one, np.zeros(1), one, one, yes)
    ones = np.ones(1)
    rules = StageRules(yes, yes, one, ones, ones, yes, True, False, False)
    look_up(1, logged, Stated(request, one, request, np.zeros(1), one, one), rules)

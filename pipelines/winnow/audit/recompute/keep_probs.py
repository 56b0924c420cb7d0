"""How likely positives are to stay: the documented formulas, written down a second time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.distinct import distinct
from winnow.config.positives import Downsampling


def recomputed_keep(clicks: NDArray[Any], rule: Downsampling) -> NDArray[np.float64]:
    """Return keep_prob of each item's positives by the formulas of design section 5, shape (n,)."""
    counted, number = distinct(clicks)
    return _of_counts(counted, clicks, rule)[number]


def _of_counts(
    counted: NDArray[Any], clicks: NDArray[Any], rule: Downsampling
) -> NDArray[np.float64]:
    """Return keep_prob by the distinct counts of clicks, shape (k,)."""
    if rule.rule.startswith("word2vec"):
        share = counted / (float(clicks.sum()) or 1.0)
        with np.errstate(divide="ignore"):
            root = np.sqrt(rule.threshold_share / share)
        chance = root if rule.rule == "word2vec_paper" else root * (1.0 + root)
        return np.asarray(np.minimum(1.0, chance), np.float64)
    exponent = {"none": 0.0, "sqrt": 0.5, "cap": 1.0, "power": rule.power}[rule.rule]
    clicked = clicks[clicks > 0]
    if rule.threshold_clicks is not None:
        t = rule.threshold_clicks
    elif len(clicked):
        t = float(np.quantile(clicked, rule.threshold_quantile, method="inverted_cdf"))
    else:
        t = 1.0
    ratio = t / np.where(counted > 0, counted, 1)
    return np.where(counted > 0, np.minimum(1.0, ratio**exponent), 1.0)

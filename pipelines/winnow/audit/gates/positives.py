"""The positives beside what was shown and clicked."""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from winnow.audit.evidence import Evidence
from winnow.audit.gate import (
    INPUTS,
    POPULARITY,
    POSITIVES,
    Figure,
    Measurement,
    at_most,
    none_of,
)
from winnow.audit.gates.keep_rates import keep_rates, top_share
from winnow.audit.recompute.compared_positives import ComparedPositives, compared_positives
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.draws import MOST_OFF
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.staged_rows import positives_of

POSITIVES_NOT_CLICKED = none_of(
    "positives_not_clicked",
    POSITIVES,
    "positives that the logs do not show as shown and clicked at those times within the window",
)
POSITIVES_MISSING = none_of(
    "positives_missing",
    POSITIVES,
    "shown and clicked items that down-sampling always keeps, of users whom no cap touches, but "
    "that are no positives",
)
CLICKS_OUTSIDE_WINDOW = none_of(
    "clicks_outside_window",
    POSITIVES,
    "positives whose click precedes the impression or lies beyond the attribution window",
)
KEEP_PROB_DIFFERS = none_of(
    "keep_prob_differs",
    POSITIVES,
    "positives whose keep_prob is not the one that follows from the clicks in the logs",
)
UNDO_WEIGHT_DIFFERS = none_of(
    "undo_weight_differs",
    POSITIVES,
    "positives whose undo_weight is not 1 / (keep_prob · cap_prob · repeat_expect), those of them "
    "that there are",
)
POS_LOG_Q_DIFFERS = none_of(
    "pos_log_q_differs",
    POSITIVES,
    "positives whose pos_log_q is not the logarithm of their item's share of the weights",
)
ITEM_CLICKS_DIFFER = none_of(
    "item_clicks_differ",
    POSITIVES,
    "positives whose item_clicks are not those that the logs hold before the date",
)
ACTION_TYPE_DIFFERS = none_of(
    "action_type_differs",
    POSITIVES,
    "positives whose action_type is not the strongest action of their clicks in the window",
)
ACTION_LABELS_DIFFER = none_of(
    "action_labels_differ",
    POSITIVES,
    "rows whose labels of single actions, or their delays, are not those of the clicks in the "
    "window",
)
CLICK_VALUES_DIFFER = none_of(
    "click_values_differ",
    POSITIVES,
    "rows whose values are not the largest, or the sum, of those of their clicks in the window",
)
POSITION_DIFFERS = none_of(
    "position_differs",
    POSITIVES,
    "positives whose position is not that of the impression that the logs hold",
)
POSITIVES_OUTSIDE_CATALOGUE = at_most(
    "positives_outside_catalogue",
    POSITIVES,
    "share",
    "positives whose item cannot be drawn",
    warn=0.1,
)
POSITIVES_WITHOUT_HISTORY = at_most(
    "positives_without_history",
    POSITIVES,
    "share",
    "positives whose item has clicks before the date in what was read of the click log, but none "
    "of them counts as popularity",
    warn=0.1,
)
REQUEST_IDS_REUSED = at_most(
    "request_ids_reused",
    INPUTS,
    "share",
    "clicked items that one request id of one user shows more than an hour apart, as ids do that "
    "begin anew each day or session, to the clicked items of the date: such showings count as one "
    "request, of the earliest one's date",
    warn=0.01,
)
IN_BATCH_Q_DIFFERS = none_of(
    "in_batch_q_differs",
    POPULARITY,
    "items whose in_batch_q is not their share of the positives",
    "items",
)
ITEM_POSITIVES_DIFFER = none_of(
    "item_positives_differ",
    POPULARITY,
    "items whose number of positives in item_stats is not that of the positives",
    "items",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the positives, in whichever table they are; what it does not know is not judged."""
    positives = positives_of(evidence.staged)
    if positives is None:
        return
    names = positives.rows.columns
    promised = [POSITIVES_NOT_CLICKED.promised()]
    promised += [CLICKS_OUTSIDE_WINDOW.promised()] if "click_ts" in names else []
    yield Measurement(
        promised,
        lambda: positive_figures(compared_positives(evidence), date_items(evidence), names),
    )
    if positives.complete:
        yield Measurement(
            [POSITIVES_MISSING.promised()],
            lambda: complete_figures(compared_positives(evidence), date_items(evidence)),
        )


def positive_figures(
    compared: ComparedPositives, items: Items, names: Collection[str]
) -> list[Figure]:
    """Count the positives that the logs do not hold as they are, by the columns that are there."""
    column, of_item = compared.column, compared.of_item
    keep, clicks = of_item(items.keep, 1.0), of_item(items.clicks, 0.0)
    unused = of_item(items.unused, 0.0)
    total = max(items.total_weight, 1.0)
    with np.errstate(divide="ignore"):
        log_q = of_item(np.log(items.weight / total), -np.inf)
    listed = of_item(items.listed, 0.0) > 0
    drawable = of_item(items.eligible & items.listed, 0.0) > 0
    kept, n = column("kept"), max(float(column("kept").sum()), 1.0)

    def off(name: str, wanted: NDArray[np.float64], most: float) -> NDArray[np.bool_]:
        ends = [column(f"{end}_{name}") for end in ("least", "most")]
        near = [np.abs(end - wanted) <= most for end in ends]
        return (kept > 0) & ~(near[0] & near[1])

    def total_of(name: str) -> int:
        return int(column(name).sum())

    wrong_log_q = np.where(
        listed,
        off("log_q", log_q, MOST_OFF) | (column("with_log_q") != kept),
        column("with_log_q") > 0,
    )
    by_column = {
        "click_ts": CLICKS_OUTSIDE_WINDOW.figure(total_of("outside")),
        "action_type": ACTION_TYPE_DIFFERS.figure(total_of("weaker")),
        "position": POSITION_DIFFERS.figure(total_of("misplaced")),
        "keep_prob": KEEP_PROB_DIFFERS.figure(int(kept[off("declared", keep, 1e-9)].sum())),
        "undo_weight": UNDO_WEIGHT_DIFFERS.figure(total_of("not_undone")),
        "pos_log_q": POS_LOG_Q_DIFFERS.figure(int(kept[wrong_log_q].sum())),
        "item_clicks": ITEM_CLICKS_DIFFER.figure(
            int(kept[off("stated_clicks", clicks, 0.5)].sum())
        ),
    }
    asked = {"mislabelled": ACTION_LABELS_DIFFER, "misvalued": CLICK_VALUES_DIFFER}
    known = [name for name in asked if name in compared.rows.column_names]
    reused, clicked = total_of("again"), max(total_of("candidates"), 1)
    without_history = kept[(clicks == 0) & (unused > 0)]
    return [
        POSITIVES_NOT_CLICKED.figure(total_of("unfounded")),
        REQUEST_IDS_REUSED.figure(reused / clicked, detail=f"{reused:,} items of requests"),
        *(figure for name, figure in by_column.items() if name in names),
        *(asked[name].figure(total_of(name)) for name in known),
        POSITIVES_OUTSIDE_CATALOGUE.figure(float(kept[~drawable].sum()) / n),
        POSITIVES_WITHOUT_HISTORY.figure(float(without_history.sum()) / n),
    ]


def complete_figures(compared: ComparedPositives, items: Items) -> list[Figure]:
    """Count what is missing, and what item_stats says of positives, where all of them are known."""
    keep, kept = compared.of_item(items.keep, 1.0), compared.column("kept")
    unlike = items.listed & (items.positives != compared.rows_of_items)
    n_rows = kept.sum() if compared.written is None else compared.written.sum()
    share = items.positives / max(float(n_rows), 1.0)
    wrong_share = items.listed & ~(np.abs(items.in_batch_q - share) <= 1e-9 * share)
    return [
        ITEM_POSITIVES_DIFFER.figure(int(unlike.sum())),
        IN_BATCH_Q_DIFFERS.figure(int(wrong_share.sum())),
        POSITIVES_MISSING.figure(int(compared.column("dropped")[keep >= 1.0].sum())),
        *keep_rates(compared, items),
        *top_share(compared.uncapped, items),
    ]

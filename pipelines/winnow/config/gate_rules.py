# ruff: noqa: E501 - a table reads best with one row to a line.
"""Which gates there are, what they mean, and the figures that they allow unless the config says so.

A gate on one of the six truths is *absolute*: its bound is no setting. The others have bounds to
fail or to warn at, which ``gates:`` in the config changes, for a gate or for one of its subjects
(``rejected_reason_share.clicks.orphan``).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Between:
    """The allowed figures, both ends included; None is open."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class GateRule:
    """One kind of gate.

    Attributes:
        name: Snake case. A gate that is judged for several logs, tables or reasons adds its
            subject: ``rejected_share.clicks``.
        group: The part of a release that it judges.
        unit: What the figure counts.
        meaning: What the figure says, as a sentence without its end.
        fail, warn: Allowed figures; outside of them the gate fails or warns. None never does.
        absolute: Whether no setting may change the bounds.
    """

    name: str
    group: str
    unit: str
    meaning: str
    fail: Between | None = None
    warn: Between | None = None
    absolute: bool = False


def _none_of(name: str, group: str, meaning: str, unit: str = "rows") -> GateRule:
    return GateRule(name, group, unit, meaning, fail=Between(0, 0), absolute=True)


def _at_most(
    name: str, group: str, unit: str, meaning: str, warn: float | None, fail: float | None = None
) -> GateRule:
    return GateRule(
        name,
        group,
        unit,
        meaning,
        fail=None if fail is None else Between(most=fail),
        warn=None if warn is None else Between(most=warn),
    )


def _at_least(name: str, group: str, unit: str, meaning: str, warn: float) -> GateRule:
    return GateRule(name, group, unit, meaning, warn=Between(least=warn))


_POSITIVES, _EASY, _HARD = "positives", "easy negatives", "hard negatives"

GATE_RULES: tuple[GateRule, ...] = (
    # Inputs: nothing vanishes silently.
    _none_of("rows_unaccounted", "inputs", "rows read that are neither valid, duplicate, rejected, filtered nor of another date"),
    _none_of("quarantine_differs", "inputs", "rows in the table rejected, less those that the rules of the log rejected"),
    _none_of("clicks_unaccounted", "inputs", "valid clicks of the date that are neither joined to an impression nor rejected (orphan, user_differs)"),
    _at_most("rejected_share", "inputs", "share", "rejected rows among all rows of the date that are not filtered", 0.05, 0.5),
    _at_most("rejected_reason_share", "inputs", "share", "rows rejected for this reason among all rows of the date that are not filtered", 0.05, 0.5),
    _at_most("clicks_of_other_users", "inputs", "share", "clicks that name another user than the impression that they count for, as after a login in between, among all that were joined", 0.05),
    _at_most("shared_ids", "inputs", "ids", "request ids (impression ids, where clicks join on them) that several users have in the impression log, looked for where a click names another user than the impression that it fits: such clicks count for nobody, unless attribution.users has another answer", 0),
    _at_most("anonymous_share", "inputs", "share", "rows that one entry of identity.anonymous_values drops, among all rows of the date that `where` keeps: it may be a person", 0.05),
    _at_most("suspicious_user_share", "inputs", "share", "rows of users whose id may mean nobody (nan, undefined, an all-zero UUID, ...) and is not in identity.anonymous_values", 0.001),
    _at_most("clicked_share", "inputs", "share", "shown items of the date that were clicked: where nearly all are, the log holds clicks only, or every candidate was taken as clicked", 0.9),
    _at_most("top_user_share", "inputs", "share", "rows that a single user holds, beyond an even share and what chance gives: it may stand for many", 0.1, 0.25),
    _at_most("request_ids_reused", "inputs", "share", "clicked items that one request id of one user shows more than an hour apart, as ids do that begin anew each day or session, to the clicked items of the date: such showings count as one request, of the earliest one's date", 0.01),
    _at_least("history_share", "inputs", "share", "dates of the popularity window that the click log has", 1.0),
    _at_least("logged_request_share", "inputs", "share", "requests with a positive that have ranking rows", 0.9),
    _at_most("unordered_rows", "inputs", "share", "rows of a stage, of which places decide, without the score or rank that would tell their place", 0.0, 0.5),
    # Positives.
    GateRule("rows", "tables", "rows", "rows of the table: an empty one proves nothing", fail=Between(least=1)),
    _none_of("positives_not_clicked", _POSITIVES, "positives that the logs do not show as shown and clicked at those times within the window"),
    _none_of("positives_missing", _POSITIVES, "shown and clicked items that down-sampling always keeps, but that are no positives"),
    _none_of("clicks_outside_window", _POSITIVES, "positives whose click precedes the impression or lies beyond the attribution window"),
    _none_of("keep_prob_differs", _POSITIVES, "positives whose keep_prob is not the one that follows from the clicks in the logs"),
    _none_of("undo_weight_differs", _POSITIVES, "positives whose undo_weight is not 1 / keep_prob"),
    _none_of("pos_log_q_differs", _POSITIVES, "positives whose pos_log_q is not the logarithm of their item's share of the weights"),
    _none_of("item_clicks_differ", _POSITIVES, "positives whose item_clicks are not those that the logs hold before the date"),
    _none_of("action_type_differs", _POSITIVES, "positives whose action_type is not the strongest action of their clicks in the window"),
    _none_of("position_differs", _POSITIVES, "positives whose position is not that of the impression that the logs hold"),
    _none_of("sample_weight_differs", _POSITIVES, "rows whose sample_weight is not the configured weight of their action_type"),
    _at_most("keep_rate_p", _POSITIVES, "-log10 p", "how unlikely the kept number of thinned positives is under keep_prob, all together", 4.0),
    _at_most("keep_rate_bias", _POSITIVES, "share", "kept positives off their expected number, where p is below 1e-9", None, 0.02),
    _at_most("keep_rate_hottest_p", _POSITIVES, "-log10 p", "how unlikely the kept number is for the most surprising of the 100 hottest items, corrected for their number", 4.0),
    _at_most("keep_rate_hottest_bias", _POSITIVES, "share", "the same item's kept positives off their expected number, where p is below 1e-9", None, 0.05),
    _at_most("top_item_share_gain", _POSITIVES, "share", "what the most clicked 1 % of items hold of the positives, after less before down-sampling", 0.001),
    _at_most("positives_outside_catalogue", _POSITIVES, "share", "positives whose item cannot be drawn", 0.1),
    _at_most("positives_without_history", _POSITIVES, "share", "positives whose item has clicks before the date in what was read of the click log, but none of them counts as popularity", 0.1),
    # The catalogue and its weights.
    _none_of("catalogue_differs", "popularity", "items in item_stats or eligible by the logs, but not both", "items"),
    _none_of("popularity_differs", "popularity", "items whose clicks are not those that the logs hold before the date", "items"),
    _none_of("popularity_knows_the_date", "popularity", "items whose clicks are right only when those of the date itself are counted", "items"),
    _none_of("weights_differ", "popularity", "items whose weight is not (clicks + smoothing)^alpha, rounded, on one common scale", "items"),
    _none_of("item_q_differs", "popularity", "items whose q is not their share of the weights", "items"),
    _none_of("item_index_differs", "popularity", "items whose item_idx is not 3 and their place by the clicks that the logs hold, the most clicked first, then by id", "items"),
    _none_of("item_impressions_differ", "popularity", "items whose impressions are not the rows that ranking_samples has of them", "items"),
    _none_of("in_batch_q_differs", "popularity", "items whose in_batch_q is not their share of the positives", "items"),
    _none_of("item_positives_differ", "popularity", "items whose number of positives in item_stats is not that of the positives", "items"),
    _at_most("unclicked_weight_share", "popularity", "share", "weight of items without a click in the popularity window", 0.5),
    # Easy negatives.
    _none_of("shown_negatives", _EASY, "negatives, easy or hard, that their user was shown in the exclusion window"),
    _none_of("clicked_negatives", _EASY, "negatives, easy or hard, that their user clicked in the exclusion window"),
    _at_most("negatives_in_dropped_rows", _EASY, "negatives", "negatives, easy or hard, that their user has in the exclusion window in rows which logs.impressions.where drops: it is for rows that are no impressions; to take positives from some of them, use positives.where", 0),
    _none_of("ineligible_negatives", _EASY, "negatives, easy or hard, that are not in the catalogue of the date"),
    _none_of("log_q_invalid", _EASY, "easy draws without a finite log_q of at most 0, or hard negatives with one"),
    _none_of("log_q_differs", _EASY, "easy draws whose log_q is not the probability, given the user's forbidden set as the logs hold it"),
    _none_of("q_differs", _EASY, "rows of easy_negatives whose q is not the item's share of the weights"),
    _at_most("easy_draws_p", _EASY, "-log10 p", "how unlikely the drawn items are under their exact probabilities (chi-square)", 4.0),
    _at_most("easy_draws_bias", _EASY, "share", "largest total variation between drawn and expected items that the chi-square beyond chance allows, where p is below 1e-9", None, 0.01),
    _at_most("coverage_p", _EASY, "-log10 p", "how unlikely the number of different items drawn is", 4.0),
    _at_most("coverage_bias", _EASY, "share", "different items drawn off their expected number, where p is below 1e-9", None, 0.02),
    # Hard negatives.
    _at_most("requests_of_several_users", _HARD, "share", "request ids of positives that the impression log has for several users, while the ranking log names no user: whose candidates they were is not known (map ranking_log.user_id, or say attribution.users: impression)", 0.0, 0.01),
    _none_of("hard_not_logged", _HARD, "hard negatives that the ranking log does not hold for that request, stage and value"),
    _none_of("hard_not_cut", _HARD, "hard negatives that the ranking log does not show as cut or low at their stage"),
    _none_of("hard_went_on", _HARD, "hard negatives whose item a later stage of the same request has as well"),
    _none_of("hard_rank_differs", _HARD, "hard negatives whose rank or stage size is not what the ranking log's own score or rank tells"),
    _at_most("hard_outside_by_other", _HARD, "share", "low hard negatives that the log's other column, score or rank, has outside of their band", 0.01),
    _none_of("hard_band_differs", _HARD, "hard negatives whose rank does not fit the band or the size of their stage, or is not known where the band needs it"),
    _none_of("incl_prob_differs", _HARD, "rows whose incl_prob cannot be drawn / pool: in (0, 1] and the same for all of a positive where chance chose, else NULL"),
    # The mix.
    _none_of("negatives_unaccounted", "mix", "positives whose easy, hard, fill and missing negatives do not add up to the request"),
    _none_of("lists_uneven", "mix", "positives whose lists of negatives differ in length from their counts"),
    _none_of("shortfall_unexplained", "mix", "positives whose reasons do not add up to fill and shortfall"),
    _none_of("mix_differs", "mix", "positives whose easy or hard negatives, with those that are missing for a reason, are not as many as configured"),
    GateRule("hard_share", "mix", "share", "hard negatives found among those asked for, less one, of requests with ranking rows", warn=Between(-0.1, 0.0)),
    _at_most("shortfall_share", "mix", "share", "negatives missing for this reason, filled or not, among all asked for", 0.1),
    # The tables as such.
    _none_of("duplicate_keys", "tables", "rows that repeat the key of another row"),
    _none_of("rows_differ", "tables", "rows of the table, less those that were sampled or shown"),
    _none_of("tables_disagree", "tables", "rows or values that this table and training_samples do not share"),
    _none_of("sample_id_differs", "tables", "rows whose sample_id is not the hash of user, request and item"),
    _none_of("shuffle_key_differs", "tables", "rows whose shuffle_key is not the keyed hash that it should be"),
    _none_of("schema_differs", "tables", "columns that are not as in the contract", "columns"),
    GateRule("reader_protocol", "tables", "version", "Delta reader protocol: 1 is known to every reader", fail=Between(most=1), absolute=True),
    _none_of("split_differs", "tables", "rows whose split is not the one of their user's hash, or of their date"),
    _none_of("shard_differs", "tables", "rows whose shard is not the one of the hash of their key"),
    _none_of("mature_differs", "tables", "rows that are called mature though later dates of a window are missing, or the other way round"),
    _none_of("impressions_differ", "tables", "rows that the impression log does not hold with that time, place (of ranking_samples) and carried columns"),
    _none_of("labels_differ", "tables", "clicked rows of ranking_samples, with click and action, that the logs joined again do not have, or the other way round"),
    _none_of("click_columns_differ", "tables", "rows of ranking_samples whose label, click_ts, action_type and click_delay_ms do not fit together"),
    # Against earlier releases.
    _none_of("history_unread", "history", "measurements against earlier releases that broke", "measurements"),
    _at_most("volume_deviation", "history", "robust sd", "ratio to the median of earlier releases, up or down, in units of how far they lie from it themselves", 6.0, 30.0),
    _at_most("item_drift", "history", "PSI", "population stability index of positives by popularity of their items, against the release of the date before, beyond what chance among users gives", 0.25, 2.0),
)  # fmt: skip
"""Every gate, in the order of the suite and of the report."""

RULE_OF = {rule.name: rule for rule in GATE_RULES}

"""Builds that are broken on purpose: each with the gates that must notice it."""

from collections.abc import Callable
from typing import NamedTuple

from tests.audit import (
    broken_cascade,
    broken_columns,
    broken_distinct,
    broken_draws,
    broken_evidence,
    broken_feedback,
    broken_margins,
    broken_others,
    broken_pools,
    broken_popularity,
    broken_ranking,
    broken_recall,
    broken_rows,
    broken_sense,
    broken_sources,
    broken_tables,
)
from tests.audit.workbench import Bench, Broken


class Mutant(NamedTuple):
    """One mistake.

    Attributes:
        name: What is wrong, in words.
        make: Makes it.
        caught_by: Gates that must fail; others may as well.
        alone: Whether no other gate notices it.
    """

    name: str
    make: Callable[[Bench], Broken]
    caught_by: tuple[str, ...]
    alone: bool = False


def _of(module: object, **caught: str) -> list[Mutant]:
    return [
        Mutant(
            name.replace("_", " "),
            vars(module)[name],
            tuple(gates.split()),
            alone=module in (broken_columns, broken_evidence),
        )
        for name, gates in caught.items()
    ]


def _of_tables(gate: str) -> str:
    return " ".join(f"{gate}.{table}" for table in broken_columns.PLACED)


MUTANTS: list[Mutant] = [
    *_of(
        broken_draws,
        nothing_is_forbidden="shown_negatives clicked_negatives log_q_differs",
        only_exposures_are_forbidden="clicked_negatives log_q_differs",
        only_one_scene_is_forbidden="shown_negatives log_q_differs",
        only_clicks_are_forbidden="shown_negatives log_q_differs",
        exclusion_looks_back_one_date_less="shown_negatives log_q_differs",
        exclusion_looks_back_one_date_more="log_q_differs",
        alpha_is_1="weights_differ",
        weights_are_coarse="weights_differ",
        draws_are_uniform="easy_draws_bias.popularity",
        draws_come_from_a_sorted_head="easy_draws_bias.popularity coverage_bias",
        popularity_knows_the_date="popularity_knows_the_date popularity_differs weights_differ",
        popularity_window_is_one_date_less="popularity_differs weights_differ",
        popularity_window_is_one_date_more="popularity_differs weights_differ",
        retired_items_are_drawn="catalogue_differs ineligible_negatives",
        keep_prob_is_not_applied="keep_rate_bias",
        keep_prob_is_applied_twice="keep_rate_bias",
        hot_items_are_not_thinned="keep_prob_differs",
        repeats_are_rounded_up="repeats_differ",
        repeats_count_from_1="repeats_differ",
        the_cap_is_one_more="user_caps_differ",
        the_cap_takes_the_earliest="user_caps_differ",
        cap_prob_is_forgotten="user_caps_differ",
        hot_items_are_thinned_by_another_rule="keep_prob_differs",
        a_partition_of_events_is_lost="positives_missing",
        mix_is_60_to_40="mix_differs",
        low_is_the_better_half="hard_band_differs.hard_negatives",
        scores_are_ranked_the_wrong_way="hard_rank_differs",
        stages_are_ordered_by_item="hard_rank_differs hard_not_logged",
        what_went_on_is_taken_as_cut="hard_not_cut hard_went_on",
    ),
    *_of(
        broken_rows,
        log_q_is_not_conditioned="log_q_differs",
        log_q_has_the_wrong_sign="log_q_invalid",
        negatives_are_mixed_up_between_rows="shown_negatives log_q_differs",
        hard_negatives_of_another_request="hard_not_logged",
        shown_items_as_hard_negatives="shown_negatives",
        a_negative_that_no_catalogue_has="ineligible_negatives",
        a_score_is_off="hard_not_logged",
        a_rank_is_off="hard_rank_differs",
        a_rank_stands_for_the_score="hard_not_logged",
        ranks_are_among_those_that_stopped="hard_rank_differs",
        a_place_that_is_known_is_not_told="hard_rank_differs",
        a_low_one_without_its_place="hard_rank_differs hard_band_differs.hard_negatives",
        shortfall_is_not_counted="negatives_unaccounted mix_differs",
        shortfall_without_a_reason="mix_differs",
        fills_are_called_popularity="mix_differs",
        groups_are_doubled="duplicate_keys.positives duplicate_keys.training_samples",
        users_are_mixed_up="positives_not_clicked",
        requests_are_mixed_up="positives_not_clicked",
        a_positive_that_was_never_clicked="positives_not_clicked",
        a_click_before_its_impression="clicks_outside_window",
        a_click_beyond_the_window="clicks_outside_window",
        not_the_earliest_click="positives_not_clicked",
        pos_log_q_is_of_another_distribution="pos_log_q_differs",
        item_clicks_are_of_today="item_clicks_differ",
    ),
    *_of(
        broken_tables,
        rejected_rows_are_lost="quarantine_differs.clicks",
        a_row_is_not_counted="rows_unaccounted.impressions",
        sample_id_is_wrong="sample_id_differs.positives tables_disagree.positives",
        undo_weight_is_upside_down="undo_weight_differs",
        q_is_conditioned="q_differs",
        easy_negatives_are_doubled="duplicate_keys.easy_negatives tables_disagree.easy_negatives",
        easy_negatives_are_lost="rows_differ.easy_negatives tables_disagree.easy_negatives",
        a_pointwise_row_has_no_log_q="tables_disagree.training_samples_pointwise",
        hardness_is_another="tables_disagree.hard_negatives",
        reasons_are_counted_twice="shortfall_unexplained mix_differs",
        a_list_is_short="lists_uneven",
        ranking_rows_are_lost="rows_differ.ranking_samples",
        items_are_lost="catalogue_differs",
        items_become_valid_a_day_earlier="eligible_from_differs",
        items_count_no_positives="item_positives_differ",
        positives_are_empty="rows.positives positives_missing",
        a_column_has_another_type="schema_differs.positives",
    ),
    *_of(
        broken_sense,
        one_user_has_nearly_every_positive="top_user_share.positives",
        one_user_was_shown_nearly_everything="top_user_share.impressions",
    ),
    *_of(
        broken_evidence,
        an_attributed_click_is_not_counted="clicks_unaccounted",
        earlier_volumes_are_no_numbers="history_unread",
        a_stage_has_neither_score_nor_rank="unordered_rows.fine",
        a_table_wants_a_newer_reader="reader_protocol",
    ),
    *_of(
        broken_ranking,
        scores_are_of_another_stage="stage_scores_differ",
        scores_are_of_another_item="stage_scores_differ",
        ranks_count_from_0="stage_scores_differ",
        a_score_is_made_up_where_the_log_has_none="stage_scores_differ",
        one_score_is_lost="stage_scores_differ",
        places_are_examined_as_the_one_before="examination_differs.ranking_samples",
        places_beyond_the_table_are_examined_as_the_last="examination_differs.ranking_samples",
    ),
    *_of(
        broken_cascade,
        items_of_a_request_are_lost="cascade_rows_differ rows_differ.cascade_samples",
        items_are_of_another_request="cascade_rows_differ",
        what_was_shown_is_called_cut="cascade_values_differ",
        clicks_are_one_rung_with_the_others="cascade_values_differ",
        rungs_count_from_1="cascade_values_differ",
        stops_are_known_the_other_way_round="cascade_values_differ",
        scores_go_up_the_ladder="cascade_values_differ",
        one_rank_is_lost="cascade_values_differ",
        requests_are_spread_over_shards="shard_differs.cascade_samples",
        a_request_is_there_twice="duplicate_keys.cascade_samples rows_differ.cascade_samples",
    ),
    *_of(
        broken_columns,
        the_first_action_in_place_of_the_strongest="action_type_differs sequence_differs",
        labels_say_the_strongest_action_only="action_labels_differ",
        delays_of_labels_are_of_the_click="action_labels_differ.ranking_samples",
        labels_of_what_was_not_clicked="click_columns_differ.ranking_samples",
        half_of_a_sum_is_lost="click_values_differ sample_weight_differs.positives "
        "sample_weight_differs.training_samples",
        values_of_impressions_are_lost="click_values_differ.ranking_samples",
        weights_know_no_unit="sample_weight_differs.positives "
        "sample_weight_differs.training_samples tables_disagree.training_samples_pointwise",
        positions_count_from_0="position_differs",
        undo_weights_are_multiplied_in="sample_weight_differs.positives "
        "sample_weight_differs.training_samples",
        splits_go_by_request=_of_tables("split_differs"),
        shards_go_by_user=_of_tables("shard_differs"),
        q_has_no_sum_of_1="item_q_differs",
        in_batch_q_is_of_shown_items="in_batch_q_differs",
        the_least_clicked_item_comes_first="item_index_differs",
        items_have_the_category_of_the_next_one="carried_differs.items",
        what_is_carried_of_users_is_of_the_next_one="carried_differs.users.positives "
        "carried_differs.users.ranking_samples",
        what_is_carried_is_of_the_strongest_click="carried_differs.clicks",
        duplicates_count_as_impressions="item_impressions_differ",
        places_of_impressions_count_from_0="impressions_differ.ranking_samples "
        "examination_differs.ranking_samples",
        impressions_are_an_hour_late="impressions_differ.ranking_samples",
        carried_columns_are_swapped="impressions_differ.ranking_samples "
        "impressions_differ.positives",
        rows_are_mature_too_early="mature_differs.positives mature_differs.training_samples "
        "mature_differs.training_samples_pointwise mature_differs.ranking_samples "
        "mature_differs.cascade_samples mature_differs.user_sequences",
        clicks_of_one_user_are_lost="labels_differ",
        labels_are_of_another_impression="labels_differ impressions_differ.ranking_samples",
        labels_know_the_latest_click="labels_differ",
        rows_lie_in_the_order_of_users="shuffle_key_differs.training_samples "
        "shuffle_key_differs.ranking_samples shuffle_key_differs.cascade_samples",
        another_hash_shuffles="shuffle_key_differs.training_samples "
        "shuffle_key_differs.ranking_samples shuffle_key_differs.cascade_samples",
        easy_negatives_have_an_order_of_their_own="tables_disagree.easy_negatives",
        negatives_are_of_the_date="tables_disagree.easy_negatives tables_disagree.hard_negatives",
        delays_are_in_seconds="click_columns_differ.ranking_samples",
        labels_without_clicks="click_columns_differ.ranking_samples labels_differ",
        incl_prob_is_a_constant="incl_prob_differs.training_samples",
        incl_prob_is_turned_over="incl_prob_differs.training_samples "
        "incl_prob_differs.hard_negatives incl_prob_differs.training_samples_pointwise",
    ),
]

SAMPLED: list[Mutant] = _of(
    broken_ranking,
    clicked_rows_go_as_well="labels_differ",
    kept_rows_without_a_click_are_lost="rows_differ.ranking_samples",
    half_of_what_is_said_is_kept="rows_differ.ranking_samples negative_keep_bias",
    clicked_rows_say_the_chance_of_the_others="negative_keep_differs.ranking_samples",
    another_hash_keeps="negative_keep_differs.ranking_samples",
)
"""Mistakes in a build that keeps only some of the rows of ranking_samples without a click."""

POPULAR: list[Mutant] = _of(
    broken_popularity,
    old_clicks_count_as_new_ones="item_popularity_differs",
    half_lives_are_days="item_popularity_differs",
    a_purchase_counts_as_a_click="item_popularity_differs",
    users_count_in_place_of_actions="item_popularity_differs",
    popularity_knows_one_hour_more="item_popularity_differs popularity_differs",
    positives_begin_at_midnight="positives_before_popularity",
)
"""Mistakes in a build where actions of earlier hours and dates make items popular."""

SOURCED: list[Mutant] = [
    *_of(
        broken_sources,
        draws_are_of_another_positives_category="drawn_outside_group",
        draws_of_a_category_come_from_everywhere="drawn_outside_group",
        uniform_draws_are_by_popularity="log_q_differs q_differs mixture_log_q_differs",
        uniform_draws_leave_out_half_of_the_items="easy_draws_bias.uniform",
        the_mixture_is_that_of_the_own_source="mixture_log_q_differs",
        the_mixture_is_by_what_was_asked_for="mixture_log_q_differs",
        one_more_is_uniform_and_one_less_popular="sources_differ",
        one_more_is_cut_and_one_less_low="sources_differ",
        quotas_are_one_pool="sources_differ",
    ),
    *_of(
        broken_margins,
        margins_are_not_applied="hard_within_margin",
        margins_are_half_of_what_is_said="hard_within_margin",
        pools_are_those_before_the_margin="hard_candidates_beyond_margin",
        hard_ones_by_score_are_chosen_evenly="hard_order_differs",
        the_temperature_is_half="hard_order_differs",
    ),
]
"""Mistakes in a build of several sources of draws, and of quotas per stage."""

POOLED: list[Mutant] = _of(
    broken_pools,
    exposed_ones_know_the_date="drawn_outside_group log_q_differs",
    exposed_ones_are_of_one_date_less="log_q_differs",
    exposed_ones_are_of_one_date_more="drawn_outside_group log_q_differs",
    exposed_ones_are_drawn_evenly="log_q_differs",
    exposed_ones_are_those_that_were_clicked="drawn_outside_group log_q_differs",
    exposed_ones_are_drawn_from_everything="drawn_outside_group log_q_differs",
    weights_are_of_another_segment="log_q_differs mixture_log_q_differs",
    segments_are_weighed_as_everybody="log_q_differs",
    segments_know_the_date="log_q_differs",
    segments_know_one_date_less="log_q_differs",
    users_of_no_segment_draw_by_the_first="drawn_outside_group",
)
"""Mistakes in a build whose draws come from pools that events of the logs make."""

RECALLED: list[Mutant] = _of(
    broken_recall,
    what_was_recalled_is_drawn="recalled_negatives log_q_differs",
    log_q_knows_nothing_of_the_request="log_q_differs",
    broken_rows_were_not_recalled="recalled_negatives log_q_differs",
    only_the_last_stage_was_recalled="recalled_negatives log_q_differs",
    requests_of_another_user_were_recalled="recalled_negatives log_q_differs",
    draws_of_requests_that_nothing_is_known_of="recalled_negatives",
    requests_are_lost_on_the_way="recall_unknown_differs",
    the_mixture_is_that_of_the_own_source="mixture_log_q_differs",
)
"""Mistakes in a build whose draws must not be of what the ranking log has of the request."""

REJECTING: list[Mutant] = _of(
    broken_feedback,
    what_was_shown_counts_as_rejected="negatives_not_rejected feedback_candidates_differ",
    rejections_are_of_another_user="negatives_not_rejected feedback_candidates_differ",
    rejections_know_the_future="negatives_not_rejected feedback_candidates_differ",
    what_was_clicked_counts_as_rejected="clicked_negatives feedback_candidates_differ",
    what_was_clicked_is_nothing_else_than_shown="clicked_negatives log_q_differs",
    rejections_look_back_one_date_more="negatives_not_rejected feedback_candidates_differ",
    rejections_look_back_one_date_less="feedback_candidates_differ",
    rejections_are_of_any_type="negatives_not_rejected feedback_candidates_differ",
    rejected_items_call_themselves_cut="shown_negatives hard_not_logged sources_differ",
    pools_of_rejections_are_twice_as_large="feedback_candidates_differ",
    the_latest_are_chosen_where_chance_should="feedback_candidates_differ "
    "incl_prob_differs.training_samples",
    one_is_chosen_where_two_should="feedback_candidates_differ sources_differ",
)
"""Mistakes in a build that takes what users rejected as negatives."""

OTHERS: list[Mutant] = _of(
    broken_others,
    requests_are_of_another_user="other_request_unfounded other_requests_candidates_differ",
    half_of_the_requests_are_lost="other_requests_candidates_differ",
    half_of_the_last_stage_is_lost="hard_rank_differs other_requests_candidates_differ",
    requests_of_the_whole_date_count="other_request_unfounded other_requests_candidates_differ",
    requests_of_fewer_hours_count="other_requests_candidates_differ",
    later_requests_count="other_request_unfounded other_requests_candidates_differ",
    the_nearest_are_chosen_where_chance_should="other_requests_candidates_differ "
    "incl_prob_differs.training_samples",
    one_is_chosen_where_three_should="other_requests_candidates_differ sources_differ",
    items_of_others_call_themselves_cut="hard_not_logged sources_differ",
    items_say_they_are_of_the_own_request="other_request_unfounded hard_not_logged",
    items_are_of_the_own_request="other_request_unfounded other_requests_candidates_differ",
    pools_of_others_are_twice_as_large="other_requests_candidates_differ",
)
"""Mistakes in a build that takes what other requests of the user cut or put low as negatives."""

DISTINCT: list[Mutant] = _of(
    broken_distinct,
    draws_are_repeated="repeated_draws log_q_differs",
    log_q_knows_nothing_of_earlier_draws="log_q_differs",
    fills_repeat_what_was_drawn="repeated_draws",
    nothing_says_that_log_q_is_conditional="log_q_conditional_differs.training_samples "
    "log_q_conditional_differs.easy_negatives",
)
"""Mistakes in a build whose positives must get no item twice of a source."""

NONSENSE: list[Mutant] = [
    *_of(
        broken_sense,
        every_impression_is_clicked="clicked_share",
        a_person_is_taken_for_nobody="anonymous_share.impressions",
        nobody_is_taken_for_a_person="suspicious_user_share.clicks",
        one_user_has_a_fifth_of_the_positives="top_user_share.positives",
    ),
]
"""Builds that are right by the logs, of logs or settings that make no sense: gates that warn."""

//! The contract of the ports, as test cases. Every implementation passes all of them.

#![expect(clippy::unwrap_used, reason = "these are tests, though they are compiled for other crates")]

pub mod answers;
pub mod audit;
pub mod batches;
pub mod budgets;
pub mod control;
pub mod datasets;
pub mod deferrals;
pub mod evaluations;
pub mod events;
pub mod executors;
pub mod feed;
pub mod front_door;
pub mod judges;
pub mod leader;
pub mod leases;
pub mod logs;
pub mod providers;
pub mod rescoring;
pub mod retention;
pub mod runs;
pub mod scaling;
pub mod scores;
pub mod series;
pub mod settings;
pub mod tenants;
pub mod tokens;
pub mod transitions;
pub mod trials;
pub mod webhooks;
mod world;

use std::any::Any;

use crate::SharedStore;

/// One database, opened by two processes, or by one if only one can open it.
pub struct Stores {
    pub one: SharedStore,
    pub other: SharedStore,
    _database: Box<dyn Any + Send>,
}

impl Stores {
    /// Keeps `database` and drops it last, because the stores use it.
    pub fn new(one: SharedStore, other: SharedStore, database: impl Any + Send) -> Self {
        Self { one, other, _database: Box::new(database) }
    }
}

/// Makes one test for each case, so that a failure names the case and the store. `$make` is a future of [`Stores`].
#[macro_export]
macro_rules! store_conformance {
    ($make:expr) => {
        $crate::store_conformance! { $make;
            answers {
                answers_are_indexed_once_until_the_run_ends_again,
                an_answer_is_found_by_the_hash_of_its_request,
                the_newest_run_has_the_answer_and_names_the_run_that_was_called,
                answers_of_what_a_provider_was_before_are_not_found,
                a_removed_run_takes_its_answers_from_the_index,
                only_answers_of_the_same_model_that_are_short_are_found,
            }
            audit {
                entries_are_paged_newest_first_and_by_tenant,
                old_entries_are_deleted,
            }
            batches {
                a_file_comes_back_until_it_is_hidden,
                a_batch_comes_back_with_its_run,
                a_repeated_request_finds_its_batch,
                a_batch_is_overdue_until_its_run_is_canceled,
                a_refused_batch_goes_with_its_dataset,
                a_file_in_use_is_not_removed,
                an_answer_says_why_it_ended_and_what_it_used,
            }
            budgets {
                slices_are_granted_up_to_the_limit,
                what_comes_back_can_be_taken_and_a_debt_counts_above_the_limit,
                a_budget_begins_with_what_was_used_before,
                no_two_takers_get_the_same_slice,
                budgets_that_are_long_unused_are_forgotten,
                a_recovered_run_begins_its_budget_anew_with_what_its_calls_have_used,
                a_run_whose_own_budget_is_used_up_goes_on_after_a_change_of_that_budget_alone,
                a_run_whose_providers_day_is_used_up_resumes_by_itself,
            }
            control {
                a_graceful_cancel_becomes_a_plain_one_and_never_the_other_way,
                settings_change_while_a_run_runs,
                a_changed_run_is_still_the_answer_to_its_request,
                failed_jobs_of_some_kinds_are_tried_again,
                an_ended_run_goes_on_with_more_samples,
                a_run_in_progress_gets_more_samples_and_a_canceled_one_none,
                a_cancel_that_came_too_late_is_forgotten_when_the_run_goes_on,
            }
            datasets {
                a_dataset_comes_back_with_its_lines_in_order,
                a_bad_line_ends_the_upload_and_nothing_is_stored,
                an_id_that_occurs_twice_is_named_with_its_line,
                an_empty_dataset_is_refused,
                the_oldest_dataset_with_the_same_content_is_found,
                datasets_are_paged_by_id,
                items_are_paged_by_ordinal,
                items_above_the_inline_bound_travel_by_reference,
                a_dataset_of_many_chunks_is_complete,
                an_abandoned_upload_leaves_nothing,
            }
            deferrals {
                a_deferral_schedules_a_retry_once_for_a_batch,
                a_deferral_that_says_so_pauses_the_run,
                a_paused_run_resumes_at_the_earliest_moment_of_the_batch,
                a_stop_that_was_decided_before_the_run_was_resumed_is_fed_again_at_once,
                a_result_ends_the_deferral_of_its_job,
                a_job_with_a_result_is_not_deferred,
                a_deferral_after_the_end_is_only_a_call,
            }
            evaluations {
                a_run_of_lighteval_is_made_once_with_a_dataset_and_a_token_of_its_own,
                of_two_executors_one_has_a_run,
                a_run_that_is_given_back_is_claimed_at_once_and_nobody_died,
                a_run_over_which_executors_died_fails,
                samples_become_items_and_results,
                the_log_is_told_once,
                what_an_earlier_claim_sent_does_not_count,
                a_failure_ends_the_run_with_its_reason,
                a_canceled_run_is_taken_from_its_executor,
                a_run_of_lighteval_neither_pauses_nor_tries_again,
                a_run_that_has_ended_leaves_no_token_and_takes_its_evaluation_with_it,
                samples_that_cannot_be_are_refused,
            }
            events {
                events_are_read_from_any_seq_on,
                nothing_is_read_after_a_seq_that_cannot_be,
                events_are_read_about_as_many_as_asked_for,
                status_events_are_read_alone,
                versions_are_those_of_active_and_lately_ended_runs,
                rows_of_many_runs_are_read_together,
            }
            executors {
                an_executor_is_as_it_last_reported,
                an_executor_reads_what_the_others_say,
                executors_that_are_gone_are_forgotten,
            }
            feed {
                active_runs_are_all_that_have_not_ended,
                the_first_feeding_starts_the_run,
                fed_never_moves_back,
                due_jobs_are_those_longest_due_first,
                feeding_a_deferred_job_clears_the_retry,
                a_job_deferred_anew_before_its_feeding_is_recorded_stays_deferred,
                a_deferred_job_keeps_its_failures_and_a_lost_one_has_none,
                a_lost_job_is_due_once,
                the_lost_jobs_of_a_large_run_are_found,
                lost_jobs_are_deferred_up_to_the_limit,
                a_canceled_run_ends_though_its_jobs_are_lost,
                a_canceled_run_is_ended_by_force_only_when_asked_long_ago,
            }
            front_door {
                a_clients_call_is_charged_to_its_run_and_is_no_result,
                an_interactive_run_lasts_until_its_day_is_over,
                an_interactive_run_is_made_once_with_a_dataset_of_its_own,
                a_canceled_interactive_run_ends_at_once,
                a_removed_interactive_run_takes_its_calls_with_it,
                use_is_summed_by_day_tenant_token_provider_and_model,
                use_is_paged_in_the_order_of_its_keys,
                use_of_days_before_a_day_is_forgotten_day_by_day,
                writers_of_one_day_do_not_lose_what_they_add,
            }
            leader {
                one_leads_until_it_releases,
                a_lease_that_is_not_renewed_is_taken_over,
                a_lease_lasts_while_it_is_renewed,
                each_lead_has_a_greater_term,
            }
            leases {
                a_share_that_grows_needs_the_newest_decision,
                a_share_is_renewed_and_shrinks_without_a_decision,
                a_lease_at_its_end_is_renewed_only_by_a_decision,
                an_executor_that_holds_nothing_may_say_so_at_any_time,
                a_claim_does_not_replace_a_later_one,
                of_decisions_at_once_one_is_accepted,
                an_executor_has_shares_until_its_calls_are_at_an_end,
                a_decision_replaces_the_lanes_that_it_names,
                an_executor_is_not_forgotten_while_its_calls_may_be_open,
                an_executor_whose_process_is_gone_is_deleted_unless_it_renewed,
            }
            logs {
                a_batch_is_recorded_as_it_came,
                a_batch_written_again_changes_nothing,
                a_batch_written_in_parts_again_changes_nothing,
                a_job_has_one_result,
                overlapping_batches_of_two_writers_count_once,
                the_last_result_completes_the_run,
                a_result_before_its_feeding_starts_the_run,
                a_message_of_an_unknown_run_is_an_orphan,
                a_message_of_a_job_that_its_run_does_not_have_is_refused,
                what_a_model_asked_to_call_and_its_log_probabilities_come_back,
                a_canceled_run_ends_with_its_last_job_in_the_queue,
                a_result_after_the_cancellation_is_recorded,
                progress_is_at_most_five_a_second,
                every_message_has_its_events,
                a_nul_from_a_model_loses_nothing,
                an_empty_batch_is_written,
                results_and_invocations_are_paged,
                results_are_found_by_outcome_error_score_and_item,
                items_and_invocations_are_read_by_their_places,
                results_are_read_with_their_calls_and_items,
                a_page_of_long_texts_ends_early,
            }
            providers {
                a_provider_comes_back_as_it_was_stored,
                what_a_provider_says_for_itself_comes_back,
                a_name_is_taken_once,
                an_update_replaces_the_row_and_its_secrets,
                an_update_of_an_older_version_is_a_conflict,
                providers_are_paged_by_id,
                a_deleted_provider_is_gone_with_its_secrets,
                a_provider_stays_while_a_run_of_it_has_not_ended,
                secrets_are_paged_by_id,
                a_secret_is_resealed_only_from_what_it_was,
            }
            judges {
                the_run_of_a_judge_has_the_items_of_its_run,
                a_run_ends_when_its_judges_have,
                a_run_whose_judge_was_canceled_is_canceled,
                recorded_answers_are_read_for_a_judge,
            }
            rescoring {
                a_run_is_shown_by_its_newest_scores_until_it_goes_on,
                another_scorer_takes_the_place_of_the_one_under_way,
                further_scorers_score_the_answers_whenever_the_run_has_ended,
                a_scorer_that_a_user_asks_for_goes_before_the_further_ones,
                only_an_ended_run_is_scored_anew,
                answers_are_paged,
            }
            retention {
                a_removed_run_is_gone_with_all_that_is_stored_of_it,
                only_a_run_that_has_ended_is_removed,
                a_log_of_a_removed_run_is_an_orphan,
                the_rows_of_many_removed_runs_are_deleted_little_by_little,
                runs_that_ended_before_a_time_are_paged_by_id,
                a_dataset_is_removed_with_its_items_once_no_run_uses_it,
                unused_datasets_are_paged_by_id,
                what_has_no_row_left_is_swept_at_once,
            }
            runs {
                a_run_comes_back_as_it_was_created,
                an_idempotency_key_stands_for_its_first_run,
                an_idempotency_key_with_another_request_is_a_conflict,
                one_key_at_the_same_time_makes_one_run,
                a_run_needs_its_provider_and_dataset,
                runs_are_paged_newest_first,
                the_newest_run_of_a_key_prefix_is_found,
            }
            scaling {
                the_largest_need_of_an_interval_is_kept_until_it_is_old,
            }
            scores {
                samples_of_an_item_are_no_independent_scores,
                scores_are_paged_with_fields_of_their_items,
            }
            series {
                what_calls_did_is_kept_by_interval,
                a_removed_run_takes_its_series_with_it,
            }
            settings {
                settings_begin_as_the_defaults,
                each_change_of_settings_grows_their_version,
            }
            tenants {
                what_belongs_to_a_tenant_says_so,
                lists_have_one_tenants_rows_or_all,
                a_shared_provider_is_listed_for_every_tenant,
                names_of_providers_are_taken_in_their_tenant,
            }
            tokens {
                a_token_comes_back_without_its_text,
                two_tokens_differ_in_their_prefixes,
                tokens_are_paged_by_id_and_by_tenant,
                a_token_is_revoked_once,
                the_last_use_of_a_token_is_kept,
                an_active_run_has_the_budget_of_its_token,
            }
            trials {
                a_run_that_was_never_answered_waits_for_a_person,
                an_answer_in_flight_ends_the_pause_of_a_run_without_answers,
                an_unreachable_provider_only_defers_a_run_that_it_has_answered,
                a_run_whose_first_calls_failed_alike_pauses_with_what_they_said,
                a_resumed_trial_begins_anew_with_what_failed,
                a_trial_with_a_job_in_flight_goes_on_in_its_pass,
                a_change_resumes_only_what_no_user_paused,
            }
            transitions {
                canceling_an_idle_run_ends_it,
                canceling_waits_for_what_is_in_the_queue,
                canceling_drops_what_was_deferred,
                pausing_is_metadata_and_resuming_ends_it,
                resuming_makes_deferred_jobs_due,
                only_a_run_that_waits_for_it_resumes_by_itself,
                what_a_user_asks_for_ends_the_wait_to_resume,
                failed_jobs_are_tried_again_in_a_new_pass,
                a_result_of_an_earlier_pass_is_only_a_call,
                recovering_makes_what_was_in_the_queue_due,
                what_contradicts_the_run_is_a_conflict,
                a_run_that_is_not_there_is_not_found,
            }
            webhooks {
                a_webhook_is_made_with_its_run_and_goes_with_it,
                a_webhook_is_due_from_the_end_of_its_run_on,
                what_is_delivered_or_abandoned_is_not_due,
                a_run_that_goes_on_tells_its_next_end_too,
            }
        }
    };
    ($make:expr; $($module:ident { $($case:ident,)+ })+) => { $(
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::conformance::$module::$case(&$make.await).await;
                }
            )+
        }
    )+ };
}

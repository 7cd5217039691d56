//! Test cases that every [`Broker`](crate::Broker) passes. An implementation runs them with
//! [`broker_conformance!`](crate::broker_conformance), which makes one test for each case, on a broker of its own whose
//! queues take [`QUEUE_LENGTH_MAX`] messages.

#![expect(clippy::unwrap_used, reason = "a case ends where it fails")]

mod control;
mod fixture;
mod publishing;
mod redelivery;
mod requests;
mod streams;
mod taking;

pub use control::*;
pub use publishing::*;
pub use redelivery::*;
pub use requests::*;
pub use streams::*;
pub use taking::*;

/// The `queue_length_max` of the brokers under test: enough for every case, and small enough to be filled by one.
pub const QUEUE_LENGTH_MAX: usize = 200;

/// The limit of the broker under test in [`a_message_that_is_too_large_is_refused_alone`], in bytes.
pub const MESSAGE_SIZE_MAX: u64 = 100_000;

/// Time-out of a case, longer than any case takes on a slow machine. So a missing wake-up is a failure and not a
/// hang.
pub const CASE_MAX: std::time::Duration = std::time::Duration::from_mins(1);

/// Makes one `#[tokio::test]` for each case, so that a failure names the case. `$make` is a future of a broker.
#[macro_export]
macro_rules! broker_conformance {
    ($make:expr) => {
        $crate::broker_conformance! { $make;
            a_published_message_arrives_as_it_was_sent,
            messages_arrive_in_order,
            publishing_to_a_queue_that_nobody_declared_is_unroutable,
            only_what_has_no_queue_is_unroutable,
            a_full_queue_rejects,
            a_message_waits_for_a_subscription,
            no_more_than_the_prefetch_is_held,
            an_ack_makes_room_for_the_next,
            a_larger_prefetch_takes_more,
            a_smaller_prefetch_counts_what_is_held,
            a_smaller_prefetch_leaves_the_surplus_to_others,
            a_prefetch_of_zero_takes_nothing_and_leaves_what_is_held,
            a_prefetch_changed_often_holds_no_more,
            two_subscriptions_share_a_queue,
            next_is_cancel_safe,
            ack_through_acks_the_earlier_ones_and_no_later_one,
            what_was_acked_does_not_come_again,
            many_acks_just_before_the_end_all_count,
            an_ack_after_ack_through_changes_nothing,
            ack_through_ignores_a_delivery_of_another_subscription,
            a_stopped_subscription_ends_and_leaves_the_rest_to_others,
            what_is_in_hand_can_be_settled_after_stop,
            unsettled_messages_come_again_in_order_and_counted,
            a_delivery_settled_after_its_subscription_has_no_effect,
            what_is_handed_back_comes_before_the_rest,
            what_is_rejected_comes_again_and_counted,
            a_message_rejected_too_often_is_a_dead_letter,
            what_is_handed_back_often_is_no_dead_letter,
            what_many_subscriptions_left_unsettled_is_no_dead_letter,
            a_dead_letter_keeps_its_message_and_its_reason,
            a_dead_letter_can_be_handed_back,
            a_broadcast_reaches_every_listener_and_nobody_after,
            a_listener_hears_in_order,
            a_process_is_present_while_it_listens,
            an_answer_reaches_who_asked,
            an_answer_to_a_message_that_is_no_request_is_not_an_error,
            answers_reach_the_right_askers,
            a_request_that_nobody_answers_times_out,
            answering_someone_who_has_gone_is_not_an_error,
            many_answers_arrive_in_order,
            streams_of_two_requesters_are_kept_apart,
            a_requester_that_has_gone_disturbs_no_other,
            a_request_that_comes_again_is_answered_to_the_same_requester,
            a_request_that_nobody_takes_says_so,
            a_reply_to_a_message_that_is_no_request_has_no_requester,
            a_closed_broker_ends_the_answers,
            a_closed_broker_ends_its_streams_and_takes_nothing,
        }
    };
    ($make:expr; $($case:ident,)+) => { $(
        #[tokio::test]
        async fn $case() {
            let broker = $make.await;
            let case = $crate::conformance::$case(&broker);
            ::tokio::time::timeout($crate::conformance::CASE_MAX, case).await.expect("the case hangs");
        }
    )+ };
}

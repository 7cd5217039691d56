//! Budgets around an attempt: its estimate is reserved before the lane admits it, and settled when it has ended.

use runmill_proto::{ErrorKind, message::Attempt};
use runmill_quota::budget::{CallUse, Reservation};
use tokio::time::timeout_at;

use crate::{ModelError, layer::Context, tracker::AttemptTracker};

/// Waits until the budgets of the call allow the attempt, and not longer than until its deadline. Returns `None` if the
/// call has no budgets.
pub(super) async fn reserve(cx: Context<'_>) -> Result<Option<Reservation>, ModelError> {
    let Some(budgets) = cx.policies.budgets() else { return Ok(None) };
    let tokens = cx.request.estimated_tokens(cx.policies.estimated_output());
    let reserving = budgets.purses().reserve(|| budgets.draws(tokens));
    let reserved = match cx.deadline {
        None => reserving.await,
        Some(deadline) => timeout_at(deadline, reserving).await.map_err(|_| ModelError::DeadlinePassed)?,
    };
    reserved.map_err(|used_up| budgets.used_up(&used_up))
}

/// Settles the reservation of an attempt. `attempt` is its record, if a request was made.
pub(super) fn settle(reservation: Reservation, attempt: Option<&Attempt>, tracker: &AttemptTracker) {
    let Some(attempt) = attempt.filter(|attempt| !attempt.unsent) else {
        return reservation.settle(CallUse::NOTHING);
    };
    let is_answered = attempt.error_kind.is_none();
    let tokens = attempt.usage.map(|usage| usage.total_tokens());
    // A request that was refused has used nothing. One that was cut has used an unknown amount.
    let is_cut = attempt.error_kind.is_some_and(is_of_cut) || tracker.state().first_token.is_some();
    let nanousd = attempt.cost_nanousd.map(i64::unsigned_abs);
    let nothing = (!is_answered && !is_cut).then_some(0);
    reservation.settle(CallUse {
        calls: 1,
        tokens: tokens.or(nothing),
        nanousd: nanousd.or(nothing),
        is_answered,
    });
}

/// Returns true for the errors of attempts that were given up while the provider worked on them.
const fn is_of_cut(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::FirstTokenTimeout
            | ErrorKind::IdleTimeout
            | ErrorKind::TotalTimeout
            | ErrorKind::Interrupted
            | ErrorKind::TruncatedStream
    )
}

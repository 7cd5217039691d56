//! Rate of answered calls before and after faults.

use std::sync::Arc;

use jiff::Timestamp;
use runmill_gateway::CallRecord;

use crate::checker::Span;

/// Length in microseconds of the windows whose rates are compared.
const WINDOW: i64 = 2_000_000;
/// Distance in microseconds between the starts of two windows.
const STEP: i64 = 250_000;
/// Share of the rate before that counts as recovered, in percent.
const SHARE: usize = 90;

/// Returns the seconds from the end of the faults until the rate was back, or until the run ended.
#[expect(clippy::cast_precision_loss, reason = "microseconds of a scenario")]
pub fn recovery(calls: &[Arc<CallRecord>], faults: Span, finished_at: Option<Timestamp>) -> Option<f64> {
    let mut ends: Vec<i64> = calls.iter().filter(|call| call.status == 200).map(|call| call.out_us).collect();
    ends.sort_unstable();
    let within = |from: i64| ends.iter().filter(|end| (from..from + WINDOW).contains(end)).count();
    let (began, ended) = (faults.began.as_microsecond(), faults.ended.as_microsecond());
    let before = within(began - WINDOW);
    let finished = finished_at.map(Timestamp::as_microsecond);
    let last = finished.or(ends.last().copied())?.max(ended);
    let mut start = ended;
    while start < last {
        if within(start) * 100 >= before * SHARE {
            return Some((start - ended) as f64 / 1e6);
        }
        start += STEP;
    }
    finished.map(|finished| (finished - ended).max(0) as f64 / 1e6)
}

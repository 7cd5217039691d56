use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runmill_llm::{Delta, DeltaSink};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

/// Time for which parts add up after one was taken. Each event costs the broker, the executor and the dispatcher their
/// work, and a model may write hundreds of tokens a second.
const ADD_UP: Duration = Duration::from_millis(50);

/// Parts of an answer on their way from the model client to the broker. They add up while the broker is busy, so that
/// there are never more than one answer of them, whose size the model client limits.
#[derive(Default)]
pub(super) struct Deltas {
    sum: Mutex<Delta>,
    changed: Notify,
    ended: CancellationToken,
}

impl Deltas {
    /// Ends the parts after those that wait.
    pub fn end(&self) {
        self.ended.cancel();
        self.changed.notify_one();
    }

    /// Returns the token that is cancelled by [`Deltas::end`].
    pub const fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Returns the sum of the parts since the last one, or `None` after the end. Only one task at a time may wait here.
    /// Cancel safe.
    pub async fn next(&self) -> Option<Delta> {
        loop {
            let is_last = self.ended.is_cancelled();
            let sum = std::mem::take(&mut *self.lock());
            if !sum.is_empty() {
                return Some(sum);
            }
            if is_last {
                return None;
            }
            self.changed.notified().await;
        }
    }

    /// Waits while the next parts add up, for a moment or until the end.
    pub async fn add_up(&self) {
        let _ended = timeout(ADD_UP, self.ended.cancelled()).await;
    }

    fn lock(&self) -> MutexGuard<'_, Delta> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeltaSink for Deltas {
    fn delta(&self, delta: Delta) {
        self.lock().append(delta);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    fn text(text: &str) -> Delta {
        Delta { text: text.into(), ..Delta::default() }
    }

    #[tokio::test]
    async fn parts_that_arrive_while_none_is_taken_add_up() {
        let deltas = Deltas::default();
        deltas.delta(text("a"));
        assert_eq!(deltas.next().await, Some(text("a")));

        deltas.delta(text("b"));
        deltas.delta(text("c"));
        deltas.end();

        assert_eq!(deltas.next().await, Some(text("bc")));
        assert_eq!(deltas.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn parts_add_up_for_a_moment_after_each_that_is_taken() {
        let (deltas, began) = (Deltas::default(), Instant::now());
        let model = async {
            for _ in 0..100 {
                deltas.delta(text("a"));
                sleep(Duration::from_millis(10)).await;
            }
            deltas.end();
        };
        let reader = async {
            let mut parts = Vec::new();
            while let Some(part) = deltas.next().await {
                parts.push(part.text.len());
                deltas.add_up().await;
            }
            parts
        };
        let ((), parts) = tokio::join!(model, reader);

        assert_eq!((parts[0], parts.iter().sum::<usize>()), (1, 100));
        assert!((20..=22).contains(&parts.len()), "{parts:?}");
        assert_eq!(began.elapsed(), Duration::from_secs(1), "the end does not wait");
    }
}

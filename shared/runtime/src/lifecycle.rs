use std::{
    any::Any,
    fmt,
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::Readiness;

/// Owns every long-lived task of the process, and stops them in three steps:
///
/// 1. [`stop`](Self::stop): finish what you hold and take nothing new, for as long as the grace period;
/// 2. [`kill`](Self::kill): time is up, drop what you hold, within [`Self::KILL_GRACE`];
/// 3. what has not ended then is dropped where it awaits.
///
/// A task that ends before it was asked to, by an error, a panic or simply so, stops all: half a service is
/// worse than a restart. Cheap to clone; clones are the same lifecycle.
#[derive(Clone, Default)]
pub struct Lifecycle {
    pub stop: CancellationToken,
    pub kill: CancellationToken,
    drop: CancellationToken,
    tasks: TaskTracker,
    fault: Arc<OnceLock<Fault>>,
}

/// Why the process ends by itself: the first task that went wrong, the cause of the others' end.
#[derive(Debug)]
struct Fault {
    task: &'static str,
    reason: String,
}

/// How the process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Asked to stop; every task ended well and in time.
    OnRequest,
    /// This task failed, panicked, or ended while nobody had asked it to.
    TaskEnded { task: &'static str, reason: String },
    /// The grace period was over before so many tasks had ended.
    TasksLeft(usize),
    /// A second signal did not let them finish.
    Killed,
}

impl Lifecycle {
    /// What a task has after [`kill`](Self::kill), to write down what it drops.
    pub const KILL_GRACE: Duration = Duration::from_secs(2);

    /// Runs `task` next to the others.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(self.clone().watch(name, task));
    }

    /// Runs `task` until all others have ended, and then drops it: for what must still answer during the
    /// drain, such as the endpoint for metrics.
    pub fn spawn_aside(
        &self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        tokio::spawn(self.clone().watch(name, task));
    }

    /// Not ready from the stop on, so that nobody sends what would be refused.
    pub fn readiness(&self) -> Readiness {
        let stop = self.stop.clone();
        let mut readiness = Readiness::default();
        readiness.add("lifecycle", move || if stop.is_cancelled() { Err("stopping".into()) } else { Ok(()) });
        readiness
    }

    /// Waits for a signal, for [`stop`](Self::stop) or for a task to end; then for the others, `grace` at most. A second
    /// signal ends the wait at once. When it returns, no task is left but one that blocks its thread.
    pub async fn run_until(self, signals: impl Stream<Item = ()> + Unpin, grace: Duration) -> Exit {
        let mut signals = signals.chain(stream::pending());
        tokio::select! {
            _ = signals.next() => tracing::info!(event = "process.stopping", "asked to stop"),
            () = self.stop.cancelled() => tracing::info!(event = "process.stopping", "stopping"),
        }
        self.stop.cancel();
        self.tasks.close();
        let cut_short = tokio::select! {
            done = timeout(grace, self.tasks.wait()) => done.err().map(|_| Exit::TasksLeft(self.tasks.len())),
            _ = signals.next() => Some(Exit::Killed),
        };
        self.end(cut_short.as_ref()).await;
        cut_short.or_else(|| self.fault.get().map(Fault::exit)).unwrap_or(Exit::OnRequest)
    }

    async fn end(&self, cut_short: Option<&Exit>) {
        self.kill.cancel();
        if let Some(exit) = cut_short {
            tracing::warn!(event = "process.cut_short", tasks_left = self.tasks.len(), "{exit}");
        }
        if matches!(cut_short, Some(Exit::TasksLeft(_))) {
            // Whether they made it or not, they are dropped now.
            let _ = timeout(Self::KILL_GRACE, self.tasks.wait()).await;
        }
        self.drop.cancel();
    }

    async fn watch(self, name: &'static str, task: impl Future<Output = anyhow::Result<()>>) {
        let span = tracing::info_span!("task", task = name);
        let caught = AssertUnwindSafe(task.instrument(span)).catch_unwind();
        let Some(end) = self.drop.run_until_cancelled(caught).await else { return };
        let reason = match end {
            Ok(Ok(())) if self.stop.is_cancelled() => {
                tracing::debug!(event = "task.ended", task = name, "task ended");
                return;
            }
            Ok(Ok(())) => "ended before it was asked to".to_owned(),
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => format!("panicked: {}", panic_text(&*panic)),
        };
        tracing::error!(event = "task.failed", task = name, error = %reason, "task failed");
        // Only the first counts: the others' ends are often its consequence.
        let _ = self.fault.set(Fault { task: name, reason });
        self.stop.cancel();
    }
}

impl Fault {
    fn exit(&self) -> Exit {
        Exit::TaskEnded { task: self.task, reason: self.reason.clone() }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnRequest => f.write_str("stopped as asked"),
            Self::TaskEnded { task, reason } => write!(f, "task {task}: {reason}"),
            Self::TasksLeft(count) => write!(f, "the grace period is over, and {count} tasks have not ended"),
            Self::Killed => f.write_str("a second signal: not waiting"),
        }
    }
}

/// 0 only for [`Exit::OnRequest`]; otherwise 1.
impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::OnRequest => Self::SUCCESS,
            Exit::TaskEnded { .. } | Exit::TasksLeft(_) | Exit::Killed => Self::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::{sync::mpsc, time::Instant};

    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    /// Signals as a test sends them.
    fn signals(count: usize) -> impl Stream<Item = ()> + Unpin {
        stream::repeat(()).take(count)
    }

    async fn until(token: CancellationToken) -> anyhow::Result<()> {
        token.cancelled().await;
        Ok(())
    }

    fn ended(task: &'static str, reason: &str) -> Exit {
        Exit::TaskEnded { task, reason: reason.into() }
    }

    /// Sends when it is dropped.
    struct Dropped(mpsc::Sender<()>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.try_send(()).expect("one place for the one drop");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_stops_the_tasks_and_waits_for_them() {
        let life = Lifecycle::default();
        let stop = life.stop.clone();
        life.spawn("slow", async move {
            stop.cancelled().await;
            tokio::time::sleep(GRACE / 2).await;
            Ok(())
        });
        let start = Instant::now();

        assert_eq!(life.run_until(signals(1), GRACE).await, Exit::OnRequest);

        assert_eq!(start.elapsed(), GRACE / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_from_within_needs_no_signal() {
        let life = Lifecycle::default();
        life.spawn("worker", until(life.stop.clone()));
        life.stop.cancel();

        assert_eq!(life.run_until(signals(0), GRACE).await, Exit::OnRequest);
    }

    #[tokio::test(start_paused = true)]
    async fn one_task_that_ends_stops_all() {
        type Task = futures::future::BoxFuture<'static, anyhow::Result<()>>;
        let table: [(Task, &str); 3] = [
            (Box::pin(ready(Ok(()))), "ended before it was asked to"),
            (Box::pin(async { Err(anyhow::anyhow!("inner").context("outer")) }), "outer: inner"),
            (Box::pin(async { panic!("a {} of state", "lie") }), "panicked: a lie of state"),
        ];
        for (task, reason) in table {
            let life = Lifecycle::default();
            life.spawn("worker", until(life.stop.clone()));
            life.spawn("broken", task);

            assert_eq!(life.run_until(signals(0), GRACE).await, ended("broken", reason));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_fails_while_stopping_is_no_clean_exit() {
        let life = Lifecycle::default();
        let stop = life.stop.clone();
        life.spawn("writer", async move {
            stop.cancelled().await;
            anyhow::bail!("disk full")
        });

        assert_eq!(life.run_until(signals(1), GRACE).await, ended("writer", "disk full"));
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_grace_period_tasks_are_told_to_drop_what_they_hold() {
        let life = Lifecycle::default();
        life.spawn("deaf to stop", until(life.kill.clone()));
        let start = Instant::now();

        assert_eq!(life.run_until(signals(1), GRACE).await, Exit::TasksLeft(1));

        assert_eq!(start.elapsed(), GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_hears_nothing_is_dropped() {
        let life = Lifecycle::default();
        let (sender, mut dropped) = mpsc::channel(1);
        let guard = Dropped(sender);
        life.spawn("deaf", async move {
            let _guard = guard;
            pending().await
        });
        let start = Instant::now();

        assert_eq!(life.run_until(signals(1), GRACE).await, Exit::TasksLeft(1));

        assert_eq!(timeout(GRACE, dropped.recv()).await, Ok(Some(())));
        assert_eq!(start.elapsed(), GRACE + Lifecycle::KILL_GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_it_at_once() {
        let life = Lifecycle::default();
        life.spawn("deaf", pending());
        let start = Instant::now();

        assert_eq!(life.run_until(signals(2), GRACE).await, Exit::Killed);

        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_aside_lives_until_the_others_have_ended() {
        let life = Lifecycle::default();
        let (sender, mut dropped) = mpsc::channel(1);
        let guard = Dropped(sender);
        life.spawn_aside("metrics", async move {
            let _guard = guard;
            pending().await
        });
        let (release, released) = tokio::sync::oneshot::channel();
        life.spawn("worker", async move { Ok(released.await?) });
        let stop = life.stop.clone();
        let run = tokio::spawn(life.run_until(signals(1), GRACE));

        stop.cancelled().await;
        assert!(dropped.try_recv().is_err(), "still there during the drain");
        release.send(()).unwrap();

        assert_eq!(run.await.unwrap(), Exit::OnRequest);
        assert_eq!(timeout(GRACE, dropped.recv()).await, Ok(Some(())));
    }

    #[test]
    fn a_stopping_process_is_not_ready() {
        let life = Lifecycle::default();
        let readiness = life.readiness();
        assert!(readiness.unready().is_empty());

        life.stop.cancel();

        assert_eq!(readiness.unready()[0].reason, "stopping");
    }
}

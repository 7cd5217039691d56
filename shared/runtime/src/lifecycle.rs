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

/// Owns the long-lived tasks of a process or of one service in it, and stops them in three steps:
///
/// 1. [`stop`](Self::stop) asks tasks to finish their work and to accept no more, within the grace period;
/// 2. [`kill`](Self::kill) asks the remaining tasks to abandon their work, within [`Self::KILL_GRACE`];
/// 3. tasks that have not ended then are dropped at the point where they await.
///
/// If a task ends before it is asked to, by an error, by a panic or by returning, all are stopped, because half a
/// service is worse than a restart. Cheap to clone; clones are the same lifecycle.
#[derive(Clone, Default)]
pub struct Lifecycle {
    pub stop: CancellationToken,
    pub kill: CancellationToken,
    drop: CancellationToken,
    tasks: TaskTracker,
    fault: Arc<OnceLock<Fault>>,
}

/// The first task that failed. It is the cause of the shutdown.
#[derive(Debug)]
struct Fault {
    task: &'static str,
    reason: String,
}

/// Result of a lifecycle's shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// The lifecycle was asked to stop, and every task ended without an error and in time.
    OnRequest,
    /// This task failed, panicked, or ended without being asked to.
    TaskEnded { task: &'static str, reason: String },
    /// The grace period was over before this many tasks had ended.
    TasksLeft(usize),
    /// A second signal ended the grace period.
    Killed,
}

impl Lifecycle {
    /// Time that tasks have after [`kill`](Self::kill) to record the work that they abandon.
    pub const KILL_GRACE: Duration = Duration::from_secs(2);

    /// Runs `task` next to the others.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(self.clone().watch(name, task));
    }

    /// Runs `task` until all others have ended, and then drops it. It is meant for tasks that must still work during
    /// the drain, such as the metrics endpoint.
    pub fn spawn_aside(
        &self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        tokio::spawn(self.clone().watch(name, task));
    }

    /// Returns the readiness of the process, which fails as soon as a stop is requested, so that load balancers send no
    /// further requests to it.
    pub fn readiness(&self) -> Readiness {
        let stop = self.stop.clone();
        let mut readiness = Readiness::default();
        readiness.add("lifecycle", move || if stop.is_cancelled() { Err("stopping") } else { Ok(()) });
        readiness
    }

    /// Waits for a signal, for [`stop`](Self::stop) or for a task to end; then waits at most `grace` for the other tasks. A
    /// second signal ends this wait at once. Afterwards no task is left except one that blocks its thread.
    pub async fn run_until(self, signals: impl Stream<Item = ()> + Unpin, grace: Duration) -> Shutdown {
        let mut signals = signals.chain(stream::pending());
        tokio::select! {
            _ = signals.next() => tracing::info!(event = "process.stopping", "asked to stop"),
            () = self.stop.cancelled() => tracing::info!(event = "process.stopping", "stopping"),
        }
        self.stop.cancel();
        self.tasks.close();
        let cut_short = tokio::select! {
            done = timeout(grace, self.tasks.wait()) => done.err().map(|_| Shutdown::TasksLeft(self.tasks.len())),
            _ = signals.next() => Some(Shutdown::Killed),
        };
        self.end(cut_short.as_ref()).await;
        cut_short.or_else(|| self.fault.get().map(Fault::shutdown)).unwrap_or(Shutdown::OnRequest)
    }

    async fn end(&self, cut_short: Option<&Shutdown>) {
        self.kill.cancel();
        if let Some(shutdown) = cut_short {
            tracing::warn!(event = "process.cut_short", tasks_left = self.tasks.len(), "{shutdown}");
        }
        if matches!(cut_short, Some(Shutdown::TasksLeft(_))) {
            // Tasks that have not ended within this time are dropped below.
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
        // Only the first failure counts: later ones are often its consequence.
        let _ = self.fault.set(Fault { task: name, reason });
        self.stop.cancel();
    }
}

impl Fault {
    fn shutdown(&self) -> Shutdown {
        Shutdown::TaskEnded { task: self.task, reason: self.reason.clone() }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnRequest => f.write_str("stopped as asked"),
            Self::TaskEnded { task, reason } => write!(f, "task {task}: {reason}"),
            Self::TasksLeft(1) => f.write_str("the grace period is over, and 1 task has not ended"),
            Self::TasksLeft(count) => write!(f, "the grace period is over, and {count} tasks have not ended"),
            Self::Killed => f.write_str("a second signal ended the grace period"),
        }
    }
}

/// The exit code is 0 only for [`Shutdown::OnRequest`]; otherwise it is 1.
impl From<Shutdown> for ExitCode {
    fn from(shutdown: Shutdown) -> Self {
        match shutdown {
            Shutdown::OnRequest => Self::SUCCESS,
            Shutdown::TaskEnded { .. } | Shutdown::TasksLeft(_) | Shutdown::Killed => Self::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::{sync::mpsc, time::Instant};

    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    /// Returns a stream that yields `count` signals at once.
    fn signals(count: usize) -> impl Stream<Item = ()> + Unpin {
        stream::repeat(()).take(count)
    }

    async fn until(token: CancellationToken) -> anyhow::Result<()> {
        token.cancelled().await;
        Ok(())
    }

    fn ended(task: &'static str, reason: &str) -> Shutdown {
        Shutdown::TaskEnded { task, reason: reason.into() }
    }

    /// Sends a message when it is dropped.
    struct Dropped(mpsc::Sender<()>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.try_send(()).expect("the channel has room for the one message");
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

        assert_eq!(life.run_until(signals(1), GRACE).await, Shutdown::OnRequest);

        assert_eq!(start.elapsed(), GRACE / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_from_within_needs_no_signal() {
        let life = Lifecycle::default();
        life.spawn("worker", until(life.stop.clone()));
        life.stop.cancel();

        assert_eq!(life.run_until(signals(0), GRACE).await, Shutdown::OnRequest);
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

        assert_eq!(life.run_until(signals(1), GRACE).await, Shutdown::TasksLeft(1));

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

        assert_eq!(life.run_until(signals(1), GRACE).await, Shutdown::TasksLeft(1));

        assert_eq!(timeout(GRACE, dropped.recv()).await, Ok(Some(())));
        assert_eq!(start.elapsed(), GRACE + Lifecycle::KILL_GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_it_at_once() {
        let life = Lifecycle::default();
        life.spawn("deaf", pending());
        let start = Instant::now();

        assert_eq!(life.run_until(signals(2), GRACE).await, Shutdown::Killed);

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

        assert_eq!(run.await.unwrap(), Shutdown::OnRequest);
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

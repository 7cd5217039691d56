use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time};
use tokio_util::sync::CancellationToken;

use super::{
    backoff,
    faults::Faults,
    link::Link,
    session::{ConsumerEvent, Session},
    shared::Shared,
    subscription::Command,
    watchdog::Watchdog,
};
use crate::{BrokerError, Queue};

/// Keeps one subscription alive: runs a session until it is lost and opens the next, until the subscription is dropped
/// or the broker closed.
pub(super) struct Supervisor {
    pub link: Arc<Link>,
    pub queue: Queue,
    pub shared: Arc<Shared>,
    pub watchdog: Watchdog,
    pub faults: Arc<Faults>,
    pub commands: mpsc::Receiver<Command>,
    pub closing: CancellationToken,
}

enum Event {
    /// An event of a consumer, with the number of the consumer.
    Consumer((u32, ConsumerEvent)),
    /// A delivery of a cancelled consumer was settled. The prefetch may now allow another consumer.
    LeftoverSettled,
    Command(Command),
    Silence,
    ConnectionLost,
    /// The subscription was dropped or the broker closed.
    Closed,
}

/// Reason why a session ended.
enum End {
    Lost(BrokerError),
    /// The subscription was stopped or dropped, or the broker was closed.
    Closed,
}

impl Supervisor {
    pub async fn run(mut self, first: Session) {
        let mut next = Some(first);
        while let Some(mut session) = next {
            next = match self.serve(&mut session).await {
                End::Closed => {
                    session.finish().await;
                    None
                }
                End::Lost(error) => {
                    let with_connection = session.up.is_lost();
                    session.close().await;
                    if with_connection {
                        // The link says once for all subscriptions that the connection is lost, and that it is back.
                        tracing::debug!(%error, queue = ?self.queue, "subscription lost");
                    } else {
                        tracing::warn!(%error, queue = ?self.queue, "subscription lost");
                    }
                    self.reopen().await
                }
            };
        }
        self.shared.unacked.end();
    }

    /// Handles the events of a session until its end.
    async fn serve(&mut self, session: &mut Session) -> End {
        let Self { shared, watchdog, commands, closing, link, .. } = self;
        let lost = session.up.lost.clone();
        let mut silence = pin!(watchdog.silence(&shared.unacked));
        loop {
            let event = tokio::select! {
                event = session.event() => Event::Consumer(event),
                () = shared.unacked.leftover_settled.notified() => Event::LeftoverSettled,
                command = commands.recv() => command.map_or(Event::Closed, Event::Command),
                () = &mut silence => Event::Silence,
                () = lost.cancelled() => Event::ConnectionLost,
                () = closing.cancelled() => Event::Closed,
            };
            let handled = match event {
                Event::Consumer(event) => session.take(event).and_then(|()| session.take_ready()),
                Event::LeftoverSettled => Ok(()),
                Event::Command(command) => run(command, session, shared).await,
                Event::Silence => {
                    silence.set(watchdog.silence(&shared.unacked));
                    session.check_silence().await
                }
                Event::ConnectionLost => Err(link.unreachable()),
                Event::Closed => return End::Closed,
            };
            let adjusted = match handled {
                Ok(()) => session.adjust(false).await,
                Err(error) => Err(error),
            };
            match adjusted {
                Ok(()) => {}
                Err(_) if shared.unacked.has_ended() => return End::Closed,
                Err(error) => return End::Lost(error),
            }
        }
    }

    /// Opens the next session, with backoff between attempts. Returns `None` if the subscription ends meanwhile.
    async fn reopen(&mut self) -> Option<Session> {
        let mut failures = 0;
        loop {
            failures += 1;
            let opened = self.open_after(backoff::delay(failures, rand::random())).await?;
            self.faults.note_attempt(self.watchdog.queue.as_str(), failures, &opened);
            if let Ok(session) = opened {
                tracing::debug!(queue = ?self.queue, failures, "subscription re-established");
                return Some(session);
            }
        }
    }

    async fn open_after(&mut self, delay: Duration) -> Option<Result<Session, BrokerError>> {
        let Self { shared, commands, closing, link, queue, .. } = self;
        let mut opening = pin!(async {
            time::sleep(delay).await;
            Session::open(link.up().await?, *queue, shared.clone()).await
        });
        loop {
            let command = tokio::select! {
                opened = &mut opening => return Some(opened),
                command = commands.recv() => command?,
                () = closing.cancelled() => return None,
            };
            match command {
                Command::SetPrefetch(prefetch, done) => {
                    shared.unacked.set_prefetch(prefetch);
                    let _gone = done.send(());
                }
                // Without a session, no delivery is left that could still be settled.
                Command::Stop(_done) => return None,
            }
        }
    }
}

async fn run(command: Command, session: &mut Session, shared: &Shared) -> Result<(), BrokerError> {
    let (result, done) = match command {
        Command::SetPrefetch(prefetch, done) => {
            shared.unacked.set_prefetch(prefetch);
            (session.adjust(true).await, done)
        }
        Command::Stop(done) => (session.stop().await, done),
    };
    // If the command failed, the next session starts with the state that the command has set.
    let _gone = done.send(());
    result
}

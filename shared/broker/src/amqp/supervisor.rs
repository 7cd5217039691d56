use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time};
use tokio_util::sync::CancellationToken;

use super::{
    backoff,
    link::Link,
    session::{Arrival, Session},
    settle::Desk,
    subscription::Command,
    watchdog::Watchdog,
};
use crate::{BrokerError, Queue};

/// Keeps one subscription alive: works a session until it is lost and opens the next, until the subscription is
/// dropped or the broker closed.
pub(super) struct Supervisor {
    pub link: Arc<Link>,
    pub queue: Queue,
    pub desk: Arc<Desk>,
    pub watchdog: Watchdog,
    pub commands: mpsc::Receiver<Command>,
    pub closing: CancellationToken,
}

enum Event {
    Arrival((u32, Arrival)),
    /// A cancelled consumer owes less than before.
    Repaid,
    Asked(Command),
    Silence,
    ConnectionLost,
    Over,
}

/// Why a session is over.
enum End {
    Lost(BrokerError),
    /// Nobody wants its deliveries any more.
    Over,
}

impl Supervisor {
    pub async fn run(mut self, first: Session) {
        let mut next = Some(first);
        while let Some(mut session) = next {
            next = match self.work(&mut session).await {
                End::Over => {
                    session.finish().await;
                    None
                }
                End::Lost(error) => {
                    session.close().await;
                    tracing::warn!(%error, queue = ?self.queue, "subscription lost");
                    self.reopen().await
                }
            };
        }
        self.desk.hand.end();
    }

    /// Works a session until its end.
    async fn work(&mut self, session: &mut Session) -> End {
        let Self { desk, watchdog, commands, closing, link, .. } = self;
        let lost = session.up.lost.clone();
        let mut silence = pin!(watchdog.silence(&desk.hand));
        loop {
            let event = tokio::select! {
                arrival = session.arrival() => Event::Arrival(arrival),
                () = desk.hand.repaid.notified() => Event::Repaid,
                command = commands.recv() => command.map_or(Event::Over, Event::Asked),
                () = &mut silence => Event::Silence,
                () = lost.cancelled() => Event::ConnectionLost,
                () = closing.cancelled() => Event::Over,
            };
            let handled = match event {
                Event::Arrival(arrival) => session.take(arrival).and_then(|()| session.take_ready()),
                Event::Repaid => Ok(()),
                Event::Asked(command) => obey(command, session, desk).await,
                Event::Silence => {
                    silence.set(watchdog.silence(&desk.hand));
                    session.question().await
                }
                Event::ConnectionLost => Err(link.unreachable()),
                Event::Over => return End::Over,
            };
            let adjusted = match handled {
                Ok(()) => session.adjust(false).await,
                Err(error) => Err(error),
            };
            match adjusted {
                Ok(()) => {}
                Err(_) if desk.hand.has_ended() => return End::Over,
                Err(error) => return End::Lost(error),
            }
        }
    }

    /// The next session; none, when nobody wants it any more.
    async fn reopen(&mut self) -> Option<Session> {
        let mut failures = 0;
        loop {
            failures += 1;
            match self.open_after(backoff::delay(failures, rand::random())).await? {
                Ok(session) => {
                    tracing::info!(queue = ?self.queue, failures, "subscription made again");
                    return Some(session);
                }
                Err(error) => {
                    tracing::warn!(%error, queue = ?self.queue, failures, "subscription still away");
                }
            }
        }
    }

    async fn open_after(&mut self, delay: Duration) -> Option<Result<Session, BrokerError>> {
        let Self { desk, commands, closing, link, queue, .. } = self;
        let mut opening = pin!(async {
            time::sleep(delay).await;
            Session::open(link.up().await?, *queue, desk.clone()).await
        });
        loop {
            let command = tokio::select! {
                opened = &mut opening => return Some(opened),
                command = commands.recv() => command?,
                () = closing.cancelled() => return None,
            };
            match command {
                Command::SetPrefetch(prefetch, done) => {
                    desk.hand.set_prefetch(prefetch);
                    let _gone = done.send(());
                }
                // Nothing is held that could still be settled.
                Command::Stop(_done) => return None,
            }
        }
    }
}

async fn obey(command: Command, session: &mut Session, desk: &Desk) -> Result<(), BrokerError> {
    let (obeyed, done) = match command {
        Command::SetPrefetch(prefetch, done) => {
            desk.hand.set_prefetch(prefetch);
            (session.adjust(true).await, done)
        }
        Command::Stop(done) => (session.stop().await, done),
    };
    // If that failed, the next session begins as it was asked.
    let _gone = done.send(());
    obeyed
}

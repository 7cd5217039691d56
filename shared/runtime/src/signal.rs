use std::{io, task::Poll};

use futures::{Stream, stream};
use tokio::signal::unix::{SignalKind, signal};

/// Returns a stream of the SIGTERMs, SIGINTs and SIGHUPs that the process receives from now on, which never ends. Two
/// signals that arrive before the first is taken from the stream are one item.
///
/// From now on none of these signals ends the process by itself. A SIGHUP comes when the terminal of a command is closed.
pub fn stop_signals() -> io::Result<impl Stream<Item = ()> + Send + Unpin> {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let mut signals = kinds.into_iter().map(signal).collect::<io::Result<Vec<_>>>()?;
    Ok(stream::poll_fn(move |context| {
        // All streams are polled, so that each can wake this task.
        let polled = signals.iter_mut().map(|signal| signal.poll_recv(context));
        polled.fold(Poll::Pending, |first, next| if first.is_ready() { first } else { next })
    }))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use futures::StreamExt;

    use super::*;

    fn send(signal: &str) {
        let pid = std::process::id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    #[tokio::test]
    async fn each_signal_is_yielded() {
        let mut signals = stop_signals().unwrap();

        for signal in ["TERM", "INT", "HUP", "TERM"] {
            send(signal);
            assert_eq!(signals.next().await, Some(()), "SIG{signal}");
        }
    }
}

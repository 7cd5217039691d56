use std::io;

use futures::{Stream, stream};
use tokio::signal::unix::{SignalKind, signal};

/// Returns a stream of the SIGTERMs and SIGINTs that the process receives from now on, which never ends. Two signals that
/// arrive before the first is taken from the stream are one item.
///
/// From now on neither signal ends the process by itself.
pub fn stop_signals() -> io::Result<impl Stream<Item = ()> + Send + Unpin> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(stream::poll_fn(move |context| {
        // Both streams are polled, so that each can wake this task.
        let (term, int) = (term.poll_recv(context), int.poll_recv(context));
        if term.is_ready() { term } else { int }
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

        for signal in ["TERM", "INT", "TERM"] {
            send(signal);
            assert_eq!(signals.next().await, Some(()), "SIG{signal}");
        }
    }
}

use std::time::Duration;

use tokio::time::Instant;

use crate::client::ClientError;

/// Longest time that a server may be unreachable before the command fails.
const UNREACHABLE_MAX: Duration = Duration::from_secs(30);

/// Contact with a server that may be away for a while. Its loss and its return are told once each.
pub struct Contact {
    answered: Instant,
    /// Address of the server, from the loss to the return.
    lost: Option<String>,
}

impl Default for Contact {
    fn default() -> Self {
        Self { answered: Instant::now(), lost: None }
    }
}

impl Contact {
    /// Notes an answer. Returns the text that tells of the server's return, if it was away.
    pub fn answered(&mut self) -> Option<String> {
        self.answered = Instant::now();
        self.lost.take().map(|url| format!("runmill at {url} answers again"))
    }

    /// Notes a failed request. Returns the text that tells of the loss, if it is new, or the error if it is another one or
    /// lasts too long.
    pub fn failed(&mut self, error: ClientError) -> Result<Option<String>, ClientError> {
        let ClientError::Unreachable { url, reason } = &error else { return Err(error) };
        let left = UNREACHABLE_MAX.saturating_sub(self.answered.elapsed());
        if left.is_zero() {
            return Err(error);
        }
        if self.lost.is_some() {
            return Ok(None);
        }
        self.lost = Some(url.clone());
        let seconds = left.as_secs_f64();
        Ok(Some(format!("could not reach runmill at {url}: {reason}; trying again for {seconds:.0} s")))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn away() -> ClientError {
        ClientError::Unreachable { url: "http://x".into(), reason: "refused".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loss_and_a_return_are_told_once_each() {
        let mut contact = Contact::default();
        for _ in 0..2 {
            assert_eq!(contact.answered(), None);
            let told: Vec<_> = (0..5).filter_map(|_| contact.failed(away()).unwrap()).collect();
            assert_eq!(told, ["could not reach runmill at http://x: refused; trying again for 30 s"]);
            assert_eq!(contact.answered().as_deref(), Some("runmill at http://x answers again"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_loss_and_other_errors_end_the_wait() {
        let mut contact = Contact::default();
        assert!(contact.failed(away()).unwrap().is_some());
        tokio::time::advance(UNREACHABLE_MAX).await;
        assert!(contact.failed(away()).is_err());
        contact.answered();
        let refused = ClientError::Refused { status: StatusCode::NOT_FOUND, detail: "no such run".into() };
        assert!(contact.failed(refused).is_err());
    }
}

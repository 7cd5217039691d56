use std::{sync::Arc, time::Duration};

use lapin::uri::AMQPUri;
use runmill_tls::ClientTls;
use secrecy::{ExposeSecret, SecretString};

use super::tls;
use crate::BrokerError;

/// Address of the broker, names, and time-outs.
#[derive(Clone, Debug)]
pub struct AmqpSettings {
    /// URL as `amqp://user:password@host:port/vhost`, or with `amqps://` for TLS. `?heartbeat=` sets the heartbeat in
    /// seconds. With TLS, `cacertfile` is a file of authorities, in place of the system's; `certfile` and `keyfile` are the
    /// client's certificate and its key; and `verify=verify_none` accepts any certificate.
    pub url: SecretString,
    /// Name of this process in the broker's list of connections.
    pub name: String,
    /// First part of the name of every queue and exchange.
    pub prefix: String,
    /// Time after which the broker deletes an unused queue, and exchanges that have no queue left. `None` means
    /// never. For tests.
    pub queue_expires: Option<Duration>,
    /// Number of ready messages at which a queue rejects more; it may take somewhat more before the broker notices.
    /// Part of the queue's declaration, so it must be the same in every process, for ever.
    pub queue_length_max: u32,
    /// Longest time that opening a connection may take, from TCP to the end of the handshake.
    pub connect_timeout: Duration,
    /// Longest time that the broker may take to confirm a message or to answer any other call.
    pub answer_timeout: Duration,
    /// Interval of the check for dead consumers. A subscription that has room, and gets nothing for about two
    /// intervals although its queue has messages, is replaced.
    pub watchdog_period: Duration,
}

impl AmqpSettings {
    /// Heartbeat interval in seconds. A dead peer is detected after two of them. The server's default would be 60.
    const HEARTBEAT_S: u16 = 15;

    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            name: "runmill".into(),
            prefix: "runmill".into(),
            queue_expires: None,
            queue_length_max: 1_000_000,
            connect_timeout: Duration::from_secs(8),
            answer_timeout: Duration::from_secs(10),
            watchdog_period: Duration::from_secs(30),
        }
    }

    /// Returns the URL with the password, for lapin. It must not be printed.
    pub(super) fn uri(&self) -> Result<AMQPUri, BrokerError> {
        // The parser's message may repeat the whole URL, so it is dropped.
        let mut uri: AMQPUri = self.url.expose_secret().parse().map_err(|_| BrokerError::BadUrl)?;
        uri.query.heartbeat.get_or_insert(Self::HEARTBEAT_S);
        Ok(uri)
    }

    /// Returns the TLS that the URL asks for.
    pub(super) fn tls(&self) -> Result<Option<Arc<ClientTls>>, BrokerError> {
        tls::of_address(self.url.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_settings_nor_errors_show_the_password() {
        for url in ["amqp://me:hunter2@host/v", "amqp:hunter2", "http://me:hunter2@host"] {
            let settings = AmqpSettings::new(url);
            let error = settings.uri().err().map(|error| error.to_string());

            assert!(!format!("{settings:?} {error:?}").contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn a_heartbeat_in_the_url_wins() {
        for (url, heartbeat_s) in [("amqp://host", 15), ("amqp://host/%2f?heartbeat=5", 5)] {
            assert_eq!(AmqpSettings::new(url).uri().unwrap().query.heartbeat, Some(heartbeat_s));
        }
    }
}

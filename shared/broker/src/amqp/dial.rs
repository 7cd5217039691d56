use std::{io, sync::Arc, time::Duration};

use lapin::{
    Connection, ConnectionProperties,
    tcp::{AMQPUriTcpExt, TLSConfig},
    uri::AMQPUri,
};
use runmill_tls::ClientTls;
use tokio::time;

use super::{AmqpSettings, tls};
use crate::BrokerError;

/// Opens connections for one purpose, publishing or consuming.
pub(super) struct Dialer {
    /// URI with the password, which must never be printed.
    uri: AMQPUri,
    tls: Option<Arc<ClientTls>>,
    name: String,
    connect_timeout: Duration,
    answer_timeout: Duration,
    /// Host and port of the broker.
    address: String,
}

impl Dialer {
    pub fn new(settings: &AmqpSettings, purpose: &str) -> Result<Self, BrokerError> {
        let uri = settings.uri()?;
        let address = format!("{}:{}", uri.authority.host, uri.authority.port);
        Ok(Self {
            uri,
            tls: settings.tls()?,
            name: format!("{} {purpose}", settings.name),
            connect_timeout: settings.connect_timeout,
            answer_timeout: settings.answer_timeout,
            address,
        })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn answer_timeout(&self) -> Duration {
        self.answer_timeout
    }

    pub fn unreachable(&self, reason: String) -> BrokerError {
        BrokerError::Unreachable { address: self.address.clone(), reason }
    }

    pub async fn dial(&self) -> Result<Connection, BrokerError> {
        match time::timeout(self.connect_timeout, self.handshake()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.unreachable(tls::explained(error.to_string(), self.tls.is_some()))),
            // A broker that has used up its open files accepts the connection and does not answer.
            Err(_elapsed) => Err(self.unreachable(format!(
                "no answer within {:?}; check that RabbitMQ listens there and has open files left",
                self.connect_timeout
            ))),
        }
    }

    async fn handshake(&self) -> lapin::Result<Connection> {
        let connect_timeout = self.connect_timeout;
        let runtime = lapin::runtime::default_runtime()?;
        let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        // lapin connects on a thread of its own. The time-out of `dial` does not end that thread, and the operating
        // system's time-out takes two minutes.
        let tls = self.tls.clone();
        Connection::connector(
            self.uri.clone(),
            runtime,
            async move |uri: AMQPUri, runtime| {
                let connected = async {
                    let plain = tls::without_tls(&uri);
                    let plain = plain.connect_with_config_async(TLSConfig::default(), &runtime).await?;
                    tls::secure(plain, tls.as_deref(), &uri.authority.host).await
                };
                let connected = time::timeout(connect_timeout, connected).await.map_err(io::Error::from);
                connected.flatten().map_err(lapin::Error::from)
            },
            properties,
        )
        .await
    }
}

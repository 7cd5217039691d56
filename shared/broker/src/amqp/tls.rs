//! TLS of the connections, by the parameters that RabbitMQ's clients have in an address: `cacertfile`, `certfile`,
//! `keyfile`, `verify`.

use std::{io, sync::Arc};

use futures::{AsyncRead, AsyncWrite};
use lapin::{
    tcp::{AsyncTcpStream, RustlsConnector},
    uri::{AMQPScheme, AMQPUri},
};
use runmill_tls::{ClientFiles, ClientTls, HandshakeFault, Identity, PeerCheck, SettingNames};
use url::Url;

use crate::BrokerError;

const NAMES: SettingNames = SettingNames {
    authorities: "`cacertfile` of AMQP_URL",
    identity: "`certfile` and `keyfile` of AMQP_URL",
    address: "AMQP_URL",
};

/// Returns the TLS that an address asks for, or `None` for `amqp://`.
pub fn of_address(address: &str) -> Result<Option<Arc<ClientTls>>, BrokerError> {
    let url = Url::parse(address).map_err(|_| BrokerError::BadUrl)?;
    if url.scheme() != "amqps" {
        return Ok(None);
    }
    let parameter =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let check = match parameter("verify").as_deref() {
        None | Some("verify_peer") => PeerCheck::AuthorityAndName,
        Some("verify_none") => PeerCheck::Nothing,
        Some(_) => return Err(bad("`verify` must be verify_peer or verify_none")),
    };
    let identity = match (parameter("certfile"), parameter("keyfile")) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(Identity { certificate: certificate.into(), key: key.into() }),
        _ => return Err(bad("`certfile` and `keyfile` are required together")),
    };
    let files = ClientFiles { check, authorities: parameter("cacertfile").map(Into::into), identity };
    ClientTls::load(files).map(|tls| Some(Arc::new(tls))).map_err(|error| bad(&error.to_string()))
}

fn bad(reason: &str) -> BrokerError {
    BrokerError::BadTls { reason: reason.to_owned() }
}

/// Adds to the reason of a failed connection how to correct it, if TLS failed.
pub fn explained(reason: String, over_tls: bool) -> String {
    // A server that refuses a client may end the connection before its words have arrived.
    let was_ended = || over_tls && reason.contains("reset by peer");
    match HandshakeFault::find(&reason).or_else(|| was_ended().then_some(HandshakeFault::CertificateRefused))
    {
        Some(fault) => format!("{reason}: {}", fault.advice(&NAMES)),
        None => reason,
    }
}

/// Returns the address for a connection without TLS, which [`secure`] adds.
pub fn without_tls(uri: &AMQPUri) -> AMQPUri {
    AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() }
}

/// Makes a connection one over TLS, if its address asks for it.
pub async fn secure<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    plain: AsyncTcpStream<S>,
    tls: Option<&ClientTls>,
    host: &str,
) -> io::Result<AsyncTcpStream<S>> {
    match tls {
        None => Ok(plain),
        Some(tls) => plain.into_rustls(&RustlsConnector::from(tls.current()), host).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_amqps_has_tls() {
        assert!(of_address("amqp://host/%2f?cacertfile=/nowhere").unwrap().is_none());
        assert!(of_address("amqps://host?verify=verify_none").unwrap().is_some());
    }

    #[test]
    fn a_fault_is_told_without_the_password() {
        let table = [
            ("cacertfile=/no/such/file", "/no/such/file: No such file"),
            ("certfile=/a", "required together"),
            ("verify=maybe", "verify_peer or verify_none"),
        ];
        for (query, want) in table {
            let error =
                of_address(&format!("amqps://me:hunter2@host/%2f?{query}")).err().unwrap().to_string();
            assert!(error.contains(want) && !error.contains("hunter2"), "{error}");
        }
    }
}

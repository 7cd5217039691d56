//! TLS of the connections, by the parameters that libpq has in an address: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.

use std::{io, sync::Arc};

use percent_encoding::percent_decode_str;
use runmill_tls::{ClientFiles, ClientTls, HandshakeFault, Identity, PeerCheck, SettingNames, TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

const NAMES: SettingNames = SettingNames {
    authorities: "`sslrootcert` of DATABASE_URL",
    identity: "`sslcert` and `sslkey` of DATABASE_URL",
    address: "DATABASE_URL",
};

/// Value of `sslrootcert` that means the authorities of the system.
const SYSTEM: &str = "system";

/// Makes the TLS of each connection from the files as they are then.
#[derive(Clone)]
pub struct Connector(Arc<ClientTls>);

impl Connector {
    pub fn new(files: ClientFiles) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(ClientTls::load(files).map_err(|error| unusable(&error))?)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<S>>::Stream;
    type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, io::Error> {
        let config = (*self.0.current()).clone();
        MakeTlsConnect::<S>::make_tls_connect(&mut MakeRustlsConnect::new(config), host)
            .map_err(io::Error::other)
    }
}

fn unusable(error: &TlsError) -> StoreError {
    StoreError::Broken(format!("the address of PostgreSQL: {error}"))
}

/// Adds to the reason of a failed connection how to correct it, if TLS failed.
pub fn explained(reason: String) -> String {
    match HandshakeFault::find(&reason) {
        Some(fault) => format!("{reason}: {}", fault.advice(&NAMES)),
        None => reason,
    }
}

/// Takes the parameters of TLS out of an address without its scheme. Returns them, and the address for the driver, which
/// knows no stricter mode than `require`, and no files.
pub fn parameters(address: &str) -> Result<(ClientFiles, String), StoreError> {
    let (base, query) = address.split_once('?').unwrap_or((address, ""));
    let (mut mode, mut root, mut certificate, mut key) = (None, None, None, None);
    let mut others = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let slot = match name {
            "sslmode" => &mut mode,
            "sslrootcert" => &mut root,
            "sslcert" => &mut certificate,
            "sslkey" => &mut key,
            _ => {
                others.push(parameter);
                continue;
            }
        };
        *slot = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
    }
    let mode = mode.unwrap_or_else(|| "prefer".to_owned());
    let (check, driver_mode) = check(&mode, root.as_deref())?;
    let files = ClientFiles {
        check,
        authorities: root.filter(|root| root != SYSTEM).map(Into::into),
        identity: identity(certificate, key)?,
    };
    let driver_mode = format!("sslmode={driver_mode}");
    others.push(&driver_mode);
    Ok((files, format!("{base}?{}", others.join("&"))))
}

/// Returns what of the certificate is checked, and the mode for the driver.
///
/// As with libpq, a file of authorities makes every mode check the authority. Without one, `require` checks as `verify-full`
/// does, which is more than libpq does.
fn check(mode: &str, root: Option<&str>) -> Result<(PeerCheck, &'static str), StoreError> {
    let by_file = if root.is_some() { PeerCheck::Authority } else { PeerCheck::Nothing };
    Ok(match mode {
        "disable" => (PeerCheck::Nothing, "disable"),
        "require" | "verify-ca" if root == Some(SYSTEM) => (PeerCheck::AuthorityAndName, "require"),
        "prefer" | "allow" => (by_file, "prefer"),
        "require" if root.is_some() => (by_file, "require"),
        "verify-ca" => (PeerCheck::Authority, "require"),
        "require" | "verify-full" => (PeerCheck::AuthorityAndName, "require"),
        _ => {
            let known = "disable, allow, prefer, require, verify-ca or verify-full";
            return Err(StoreError::Broken(format!("the address of PostgreSQL: `sslmode` must be {known}")));
        }
    })
}

fn identity(certificate: Option<String>, key: Option<String>) -> Result<Option<Identity>, StoreError> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(Identity { certificate: certificate.into(), key: key.into() }))
        }
        _ => Err(StoreError::Broken(
            "the address of PostgreSQL: `sslcert` and `sslkey` are required together".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sslmode_has_its_meaning() {
        use PeerCheck::{Authority, AuthorityAndName, Nothing};
        let table = [
            ("", Nothing, "prefer"),
            ("sslmode=disable", Nothing, "disable"),
            ("sslmode=prefer", Nothing, "prefer"),
            ("sslmode=allow", Nothing, "prefer"),
            ("sslmode=require", AuthorityAndName, "require"),
            ("sslmode=verify-ca", Authority, "require"),
            ("sslmode=verify-full", AuthorityAndName, "require"),
            ("sslrootcert=ca.pem", Authority, "prefer"),
            ("sslrootcert=ca.pem&sslmode=require", Authority, "require"),
            ("sslmode=verify-ca&sslrootcert=ca.pem", Authority, "require"),
            ("sslmode=verify-full&sslrootcert=ca.pem", AuthorityAndName, "require"),
            ("sslmode=require&sslrootcert=system", AuthorityAndName, "require"),
        ];
        for (query, check, mode) in table {
            let (files, driver) = parameters(&format!("db/runs?{query}")).unwrap();
            assert_eq!((files.check, driver), (check, format!("db/runs?sslmode={mode}")), "{query}");
        }
    }

    #[test]
    fn files_are_taken_out_of_the_address_and_the_rest_is_kept() {
        let query = "application_name=x&sslrootcert=/a%20b/ca.pem&sslcert=me.pem&sslkey=me.key";
        let (files, driver) = parameters(&format!("u:p@db/runs?{query}")).unwrap();

        assert_eq!(driver, "u:p@db/runs?application_name=x&sslmode=prefer");
        assert_eq!(files.authorities, Some("/a b/ca.pem".into()));
        let identity = Identity { certificate: "me.pem".into(), key: "me.key".into() };
        assert_eq!(files.identity, Some(identity));
    }

    #[test]
    fn a_fault_is_told() {
        for (query, want) in [("sslmode=full", "`sslmode` must be disable"), ("sslcert=a", "together")] {
            let error = parameters(&format!("db/runs?{query}")).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}

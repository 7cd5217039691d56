use std::{io, path::PathBuf};

/// Error of files from which no TLS can be set up. It names the file, and never shows its content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} has no certificate; each one begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate { path: PathBuf },
    #[error("{path} has a certificate that cannot be read: {reason}")]
    BadCertificate { path: PathBuf, reason: String },
    #[error(
        "{path} has no private key that can be read; it begins with -----BEGIN PRIVATE KEY----- and has no passphrase"
    )]
    NoKey { path: PathBuf },
    #[error("the key in {key} and the certificate in {certificate} cannot be used together: {reason}")]
    BadIdentity { certificate: PathBuf, key: PathBuf, reason: String },
    #[error("no certificate of an authority of this system can be read; name a file with authorities")]
    NoSystemAuthorities,
    #[error("TLS cannot be set up: {0}")]
    Unusable(String),
}

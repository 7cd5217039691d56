use std::{
    fs,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::TlsError;

/// Files of a certificate with its chain, and of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Identity {
    pub(crate) fn paths(&self) -> [&Path; 2] {
        [&self.certificate, &self.key]
    }

    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&self.certificate)
    }

    /// Returns the time at which the first certificate of the chain ends, in seconds since 1970, as far as they can be
    /// read.
    pub(crate) fn ends_at(&self) -> Result<Option<i64>, TlsError> {
        let ends = |certificate: CertificateDer<'_>| {
            let (_, read) = X509Certificate::from_der(&certificate).ok()?;
            Some(read.validity().not_after.timestamp())
        };
        Ok(self.chain()?.into_iter().filter_map(ends).min())
    }

    pub(crate) fn private_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let pem = read(&self.key)?;
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::NoKey { path: self.key.clone() })
    }

    pub(crate) fn unusable(&self, error: &rustls::Error) -> TlsError {
        TlsError::BadIdentity {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason: error.to_string(),
        }
    }
}

/// Reads the authorities of a file.
pub fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| bad(path, &error))?;
    }
    Ok(roots)
}

/// Reads the authorities that this system trusts. The variables `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them.
pub fn system_authorities() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() { Err(TlsError::NoSystemAuthorities) } else { Ok(roots) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| bad(path, &error))?;
    if found.is_empty() { Err(TlsError::NoCertificate { path: path.to_owned() }) } else { Ok(found) }
}

pub fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

fn bad(path: &Path, error: &impl ToString) -> TlsError {
    TlsError::BadCertificate { path: path.to_owned(), reason: error.to_string() }
}

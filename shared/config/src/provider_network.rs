use std::{io, path::Path};

use runmill_address::Proxy;
use rustls_pki_types::{
    CertificateDer,
    pem::{Error, PemObject},
};

use crate::{Env, reader::Reader, variable};

/// Settings of the way of the calls to providers.
#[derive(Clone, Debug, Default)]
pub struct ProviderNetwork {
    pub proxy: Proxy,
    /// Value of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Certificates that are trusted beside those of the system.
    pub roots: Vec<CertificateDer<'static>>,
}

/// Error for a file from which no certificates can be read.
#[derive(Debug, thiserror::Error)]
enum CertificatesError {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("is not PEM: {0}")]
    NotPem(Error),
    #[error("has no certificate; each one begins with -----BEGIN CERTIFICATE-----")]
    Empty,
}

pub(crate) fn provider_network(read: &mut Reader, env: &Env) -> ProviderNetwork {
    ProviderNetwork {
        // The value may have a password.
        proxy: read.secret(&variable::PROVIDER_PROXY, Proxy::parse).unwrap_or_default(),
        no_proxy: read.text(&variable::NO_PROXY).or_else(|| env.get("no_proxy")).map(str::to_owned),
        roots: read
            .parse(&variable::PROVIDER_CA_FILE, |path| certificates(Path::new(path)))
            .unwrap_or_default(),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    let pem = std::fs::read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(CertificatesError::NotPem)?;
    if found.is_empty() { Err(CertificatesError::Empty) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{Config, ConfigError};

    fn load(variables: &[(&str, &str)]) -> Result<ProviderNetwork, ConfigError> {
        Config::load(&variables.iter().copied().collect::<Env>()).map(|config| config.provider_network)
    }

    #[test]
    fn the_proxies_of_other_programs_are_not_read() {
        let others = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
        let network = load(&others.map(|name| (name, "http://proxy:3128"))).unwrap();
        assert_eq!(network.proxy, Proxy::Direct);
    }

    #[test]
    fn a_proxy_has_exceptions_in_either_spelling() {
        let proxy = ("RUNMILL_PROVIDER_PROXY", "socks5h://me:pw@proxy:1080");
        for name in ["NO_PROXY", "no_proxy"] {
            let network = load(&[proxy, (name, "internal.example,10.0.0.0/8")]).unwrap();
            assert!(matches!(network.proxy, Proxy::Through(_)));
            assert_eq!(network.no_proxy.as_deref(), Some("internal.example,10.0.0.0/8"));
        }
    }

    #[test]
    fn a_faulty_proxy_is_named_without_its_password() {
        let error = load(&[("RUNMILL_PROVIDER_PROXY", "ftp://me:secret@proxy")]).unwrap_err();
        assert!(error.problems[0].starts_with("RUNMILL_PROVIDER_PROXY: must be `none` or"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn certificates_come_from_a_file_that_has_some() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let variable = [("RUNMILL_PROVIDER_CA_FILE", path.as_str())];
        assert!(load(&variable).unwrap_err().to_string().contains("has no certificate"));
        assert!(load(&[("RUNMILL_PROVIDER_CA_FILE", "/no/such/file")]).is_err());

        for _ in 0..2 {
            file.write_all(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").unwrap();
        }

        assert_eq!(load(&variable).unwrap().roots.len(), 2);
    }
}

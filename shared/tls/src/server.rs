use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{ServerConfig, crypto::ring, server::WebPkiClientVerifier};

use crate::{
    Reload, TlsError,
    files::{Identity, authorities},
    reloaded::{Reloaded, Source},
};

/// Files of a listener's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    pub identity: Identity,
    /// Authorities of which each client must have a certificate. If `None`, no client is asked for one.
    pub client_authorities: Option<PathBuf>,
}

/// Settings of a listener, made of its files.
pub struct Made {
    config: Arc<ServerConfig>,
    ends_at: Option<i64>,
}

/// TLS of a listener.
pub struct ServerTls(Reloaded<ServerFiles>);

impl ServerTls {
    pub fn load(files: ServerFiles) -> Result<Self, TlsError> {
        Reloaded::load(files).map(Self)
    }

    /// Returns the settings for a new connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.0.current().config.clone()
    }

    /// Returns the time at which the first certificate of the chain in use ends, in seconds since 1970, or `None` if it
    /// cannot be read.
    pub fn ends_at(&self) -> Option<i64> {
        self.0.current().ends_at
    }

    /// Reads the files again, which blocks. Returns an error once for each content that cannot be used; then the former
    /// content is used still.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        self.0.reload()
    }

    /// Returns true if the files have changed and cannot be used.
    pub fn is_stale(&self) -> bool {
        self.0.is_stale()
    }
}

impl Source for ServerFiles {
    type Made = Made;

    fn paths(&self) -> Vec<&Path> {
        self.identity.paths().into_iter().chain(self.client_authorities.as_deref()).collect()
    }

    fn make(&self) -> Result<Made, TlsError> {
        let unusable = |error: &dyn std::error::Error| TlsError::Unusable(error.to_string());
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| unusable(&error))?;
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| unusable(&error))?)
            }
        };
        let made = builder.with_single_cert(self.identity.chain()?, self.identity.private_key()?);
        let mut config = made.map_err(|error| self.identity.unusable(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Made { config: Arc::new(config), ends_at: self.identity.ends_at()? })
    }
}

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
};

use crate::{
    TlsError,
    files::{Identity, authorities, system_authorities},
    reloaded::{Reload, Reloaded, Source},
    verifier::{Anyone, WithoutName},
};

/// Part of a server's certificate that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCheck {
    /// Nothing but that the server has the certificate's key: against those who listen, not against those who pretend.
    Nothing,
    /// The authority that issued it, and its dates.
    Authority,
    /// As [`Self::Authority`], and that it names the server.
    AuthorityAndName,
}

/// Files of the TLS of connections to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    pub check: PeerCheck,
    /// Authorities that are trusted. If `None`, those of the system are.
    pub authorities: Option<PathBuf>,
    /// Certificate that is shown to a server that asks.
    pub identity: Option<Identity>,
}

/// TLS of connections to a server.
pub struct ClientTls(Reloaded<ClientFiles>);

impl ClientTls {
    pub fn load(files: ClientFiles) -> Result<Self, TlsError> {
        Reloaded::load(files).map(Self)
    }

    /// Returns the settings for a new connection. Reads the files, which blocks for a moment. If they have changed and
    /// cannot be used, the log says so, and the former ones are used still.
    pub fn current(&self) -> Arc<ClientConfig> {
        match self.0.reload() {
            Ok(Reload::Unchanged) => {}
            Ok(Reload::Changed) => {
                tracing::info!(event = "tls.reloaded", "new connections use the changed certificates");
            }
            Err(error) => {
                tracing::warn!(event = "tls.reload_failed", %error, "the former certificates are used still");
            }
        }
        self.0.current()
    }
}

impl Source for ClientFiles {
    type Made = ClientConfig;

    fn paths(&self) -> Vec<&Path> {
        let identity = self.identity.iter().flat_map(Identity::paths);
        self.authorities.as_deref().into_iter().chain(identity).collect()
    }

    fn make(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let builder = builder.dangerous().with_custom_certificate_verifier(self.verifier(provider)?);
        let Some(identity) = &self.identity else { return Ok(builder.with_no_client_auth()) };
        let made = builder.with_client_auth_cert(identity.chain()?, identity.private_key()?);
        made.map_err(|error| identity.unusable(&error))
    }
}

impl ClientFiles {
    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        if self.check == PeerCheck::Nothing {
            return Ok(Arc::new(Anyone(provider)));
        }
        let roots = self.authorities.as_deref().map_or_else(system_authorities, authorities)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let verifier = verifier.map_err(|error| TlsError::Unusable(error.to_string()))?;
        Ok(if self.check == PeerCheck::Authority { Arc::new(WithoutName(verifier)) } else { verifier })
    }
}

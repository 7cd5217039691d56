use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// Server certificates that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Any certificate, as with libpq's `prefer`: any encryption is better than none, and distributions start PostgreSQL with
    /// a self-signed certificate.
    Anyone,
    SystemCertificates,
}

pub fn connector(trust: Trust) -> Result<MakeRustlsConnect, StoreError> {
    let provider = Arc::new(ring::default_provider());
    match trust {
        Trust::Anyone => {
            let config = ClientConfig::builder_with_provider(provider.clone())
                .with_safe_default_protocol_versions()
                .map_err(|error| StoreError::Broken(format!("TLS: {error}")))?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyone { provider }))
                .with_no_client_auth();
            Ok(MakeRustlsConnect::new(config))
        }
        Trust::SystemCertificates => {
            // The connector uses the process's cryptography provider. If one is already installed, that one is used.
            let _ = ring::default_provider().install_default();
            let (connector, _unreadable) = MakeRustlsConnect::with_native_certs().map_err(|errors| {
                StoreError::Broken(format!("no certificate of the system can be read: {errors:?}"))
            })?;
            Ok(connector)
        }
    }
}

/// Checks that the server holds the key of its certificate, but not the certificate's name and issuer.
#[derive(Debug)]
struct AcceptAnyone {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

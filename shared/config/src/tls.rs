use std::path::PathBuf;

use runmill_tls::{Identity, ServerFiles};

use crate::{Variable, reader::Reader, variable};

/// Files with which a command connects to a server over TLS.
#[derive(Clone, Debug, Default)]
pub struct ServerTrust {
    /// Authorities that are trusted beside those of the system.
    pub authorities: Option<PathBuf>,
    pub identity: Option<Identity>,
}

/// Reads the files of the API's TLS. Returns `None` if there are none.
pub(crate) fn api_tls(read: &mut Reader) -> Option<ServerFiles> {
    let client_authorities = read.text(&variable::TLS_CLIENT_CA_FILE).map(PathBuf::from);
    let identity = identity(read, &variable::TLS_CERT_FILE, &variable::TLS_KEY_FILE);
    if identity.is_none() && client_authorities.is_some() {
        let (ca, own) = (variable::TLS_CLIENT_CA_FILE.name, variable::TLS_CERT_FILE.name);
        read.problem(format!("{ca} needs {own}, because only TLS knows the certificates of clients"));
    }
    Some(ServerFiles { identity: identity?, client_authorities })
}

pub(crate) fn server_trust(read: &mut Reader) -> ServerTrust {
    ServerTrust {
        authorities: read.text(&variable::SERVER_CA_FILE).map(PathBuf::from),
        identity: identity(read, &variable::SERVER_CERT_FILE, &variable::SERVER_KEY_FILE),
    }
}

fn identity(read: &mut Reader, certificate: &Variable, key: &Variable) -> Option<Identity> {
    match (read.text(certificate), read.text(key)) {
        (Some(certificate), Some(key)) => Some(Identity { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => {
            read.problem(format!("{} and {} are required together", certificate.name, key.name));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, Env};

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        Config::load(&variables.iter().copied().collect::<Env>()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_has_a_key() {
        let (certificate, key) = (("RUNMILL_TLS_CERT_FILE", "a.pem"), ("RUNMILL_TLS_KEY_FILE", "a.key"));
        let files = load(&[certificate, key]).unwrap().api_tls.unwrap();
        assert_eq!(files.identity.key.to_str(), Some("a.key"));
        assert!(load(&[]).unwrap().api_tls.is_none());

        for alone in [certificate, key] {
            assert!(load(&[alone]).unwrap_err().contains("are required together"));
        }
        let error = load(&[("RUNMILL_TLS_CLIENT_CA_FILE", "ca.pem")]).unwrap_err();
        assert!(error.contains("RUNMILL_TLS_CLIENT_CA_FILE needs RUNMILL_TLS_CERT_FILE"), "{error}");
    }
}

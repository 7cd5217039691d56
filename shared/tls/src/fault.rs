/// Reason for which no TLS was agreed upon, found in the text of an error. The libraries between pass on only the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    UnknownAuthority,
    OtherName,
    Expired,
    NotYetValid,
    /// The server wants a certificate of the client.
    CertificateMissing,
    /// The server refuses the certificate of the client.
    CertificateRefused,
    /// The other side does not speak TLS.
    NoTls,
}

/// Names of the settings that correct a fault.
#[derive(Clone, Copy, Debug)]
pub struct SettingNames {
    /// Name of the setting of the trusted authorities.
    pub authorities: &'static str,
    /// Names of the settings of the client's certificate and key.
    pub identity: &'static str,
    /// Name of the setting with the address.
    pub address: &'static str,
}

impl HandshakeFault {
    /// Finds the reason in the text of an error.
    pub fn find(text: &str) -> Option<Self> {
        let table = [
            ("UnknownIssuer", Self::UnknownAuthority),
            // Another authority has the same name.
            ("peer certificate: BadSignature", Self::UnknownAuthority),
            ("not valid for name", Self::OtherName),
            ("NotValidForName", Self::OtherName),
            ("certificate expired", Self::Expired),
            ("peer certificate: Expired", Self::Expired),
            ("not valid yet", Self::NotYetValid),
            ("NotValidYet", Self::NotYetValid),
            ("alert: CertificateRequired", Self::CertificateMissing),
            // Servers before TLS 1.3 have no word for it.
            ("alert: HandshakeFailure", Self::CertificateMissing),
            // PostgreSQL says so itself.
            ("valid client certificate", Self::CertificateMissing),
            ("alert: UnknownCA", Self::CertificateRefused),
            ("alert: BadCertificate", Self::CertificateRefused),
            ("alert: DecryptError", Self::CertificateRefused),
            ("alert: CertificateExpired", Self::CertificateRefused),
            ("alert: CertificateUnknown", Self::CertificateRefused),
            ("alert: CertificateRevoked", Self::CertificateRefused),
            ("InvalidContentType", Self::NoTls),
        ];
        table.into_iter().find(|(part, _)| text.contains(part)).map(|(_, fault)| fault)
    }

    /// Says how to correct the fault.
    pub fn advice(self, names: &SettingNames) -> String {
        let SettingNames { authorities, identity, address } = names;
        match self {
            Self::UnknownAuthority => {
                format!("no trusted authority issued the server's certificate; name the file of its authority in {authorities}")
            }
            Self::OtherName => {
                format!("the server's certificate is for another name; write in {address} a name that the certificate has")
            }
            Self::Expired => "the server's certificate has expired; renew it, or correct this machine's clock".into(),
            Self::NotYetValid => {
                "the server's certificate is not valid yet; correct this machine's clock, or the server's certificate".into()
            }
            Self::CertificateMissing => {
                format!("the server asks for a certificate of the client; name its files in {identity}")
            }
            Self::CertificateRefused => {
                format!("the server refuses the client's certificate; name a valid one of its authority in {identity}")
            }
            Self::NoTls => format!("the server does not speak TLS at this port; correct {address}"),
        }
    }
}

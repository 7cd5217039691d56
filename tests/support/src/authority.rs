use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;
use uuid::Uuid;

/// A private authority that issues certificates, in files of a temporary folder.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// Files of a certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Time of which a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    Today,
    /// Only until some years ago.
    Formerly,
}

impl Authority {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names are valid names");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // Issuers are told apart by their names.
        let name = format!("a private authority {}", Uuid::now_v7());
        parameters.distinguished_name.push(DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).expect("a certificate");
        write(&folder.path().join("ca.pem"), &certificate.pem());
        Self { folder, issuer: Issuer::new(parameters, key) }
    }

    /// Returns the file of the authority's own certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Issues a certificate to a server of this name or address, or to a client.
    pub fn issue(&self, name: &str, valid: Valid) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a valid name");
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        parameters.use_authority_key_identifier_extension = true;
        if valid == Valid::Formerly {
            parameters.not_before = date_time_ymd(2020, 1, 1);
            parameters.not_after = date_time_ymd(2021, 1, 1);
        }
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        let folder = tempfile::tempdir_in(self.folder.path()).expect("a temporary directory").keep();
        let issued = Issued { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        write(&issued.certificate, &certificate.pem());
        write(&issued.key, &key.serialize_pem());
        issued
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Issued {
    /// Replaces the content of these files by that of others, as a renewal does.
    pub fn replace_by(&self, other: &Self) {
        fs::copy(&other.key, &self.key).expect("the key is readable");
        fs::copy(&other.certificate, &self.certificate).expect("the certificate is readable");
    }
}

fn write(path: &Path, pem: &str) {
    fs::write(path, pem).expect("the temporary directory is writable");
}

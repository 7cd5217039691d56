//! Files of TLS that change, that are faulty, and that belong to others.

use std::{fs, path::Path, sync::Arc, time::SystemTime};

use runmill_testkit::{Authority, Issued, Valid};
use runmill_tls::{ClientFiles, ClientTls, Identity, PeerCheck, Reload, ServerFiles, ServerTls};

fn identity(issued: &Issued) -> Identity {
    Identity { certificate: issued.certificate.clone(), key: issued.key.clone() }
}

fn server(issued: &Issued) -> ServerFiles {
    ServerFiles { identity: identity(issued), client_authorities: None }
}

#[test]
fn changed_files_are_used_and_unusable_ones_are_not() {
    let authority = Authority::new();
    let own = authority.issue("localhost", Valid::Today);
    let tls = ServerTls::load(server(&own)).unwrap();
    let first = tls.current();
    assert_eq!(tls.reload().unwrap(), Reload::Unchanged);

    fs::write(&own.certificate, "half a certi").unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(error.contains("cert.pem has no certificate"), "{error}");
    assert!(tls.is_stale() && Arc::ptr_eq(&first, &tls.current()), "the former ones are used still");
    assert_eq!(tls.reload().unwrap(), Reload::Unchanged, "a fault is told once");

    own.replace_by(&authority.issue("localhost", Valid::Today));
    assert_eq!(tls.reload().unwrap(), Reload::Changed);
    assert!(!tls.is_stale() && !Arc::ptr_eq(&first, &tls.current()));

    fs::remove_file(&own.key).unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("key.pem: No such file"));
    assert!(tls.is_stale());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the certificates are issued for today")]
fn the_end_of_the_certificate_in_use_is_known() {
    let authority = Authority::new();
    let own = authority.issue("localhost", Valid::Formerly);
    let tls = ServerTls::load(server(&own)).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    assert!(tls.ends_at().unwrap() < now);

    own.replace_by(&authority.issue("localhost", Valid::Today));
    tls.reload().unwrap();
    let renewed = tls.ends_at().unwrap();
    assert!(renewed > now);

    fs::write(&own.certificate, "half a certi").unwrap();
    tls.reload().unwrap_err();
    assert_eq!(tls.ends_at(), Some(renewed), "the former one is used still");
}

#[test]
fn a_client_uses_changed_files_for_its_next_connection() {
    let authority = Authority::new();
    let own = authority.issue("me", Valid::Today);
    let files = ClientFiles {
        check: PeerCheck::AuthorityAndName,
        authorities: Some(authority.file()),
        identity: Some(identity(&own)),
    };
    let tls = ClientTls::load(files).unwrap();
    let first = tls.current();
    assert!(Arc::ptr_eq(&first, &tls.current()));

    own.replace_by(&authority.issue("me", Valid::Today));

    assert!(!Arc::ptr_eq(&first, &tls.current()));
}

#[test]
fn a_faulty_file_is_named() {
    let authority = Authority::new();
    let (own, other) = (authority.issue("a", Valid::Today), authority.issue("b", Valid::Today));
    let with = |certificate: &Path, key: &Path| ServerFiles {
        identity: Identity { certificate: certificate.into(), key: key.into() },
        client_authorities: None,
    };
    let table = [
        (with(&own.certificate, &other.key), "cannot be used together"),
        (with(&own.key, &own.key), "key.pem has no certificate"),
        (with(&own.certificate, &own.certificate), "cert.pem has no private key"),
        (with(Path::new("/no/such/file"), &own.key), "/no/such/file: No such file"),
    ];
    for (files, want) in table {
        let error = ServerTls::load(files).err().unwrap().to_string();
        assert!(error.contains(want), "{error}");
    }
}

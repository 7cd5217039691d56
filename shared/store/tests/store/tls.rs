//! TLS with a server whose certificate is of a private authority, and which asks its clients for theirs.

use runmill_store::postgres::{PgSettings, PgStore};
use runmill_testkit::{Authority, Issued, Valid, postgres::PrivatePostgres};

/// Role that the server lets in only over TLS, with a certificate.
const ROLE: &str = "secured";

/// Connects as [`ROLE`] to `host`. Returns the error.
async fn refusal(server: &PrivatePostgres, host: &str, query: &str) -> String {
    connect(server, host, query).await.err().unwrap_or_else(|| panic!("{query}: it connects"))
}

async fn connect(server: &PrivatePostgres, host: &str, query: &str) -> Result<PgStore, String> {
    let url = server.url().replace("postgres@127.0.0.1", &format!("{ROLE}@{host}"));
    let settings = PgSettings { pool_size: 1, ..PgSettings::new(format!("{url}?{query}").into()) };
    PgStore::connect(&settings).await.map_err(|error| error.to_string())
}

fn shown(issued: &Issued) -> String {
    format!("sslcert={}&sslkey={}", issued.certificate.display(), issued.key.display())
}

#[tokio::test]
async fn a_private_authority_is_trusted_and_faults_say_what_to_do() {
    let (authority, others) = (Authority::new(), Authority::new());
    let own = authority.issue("localhost", Valid::Today);
    let server = PrivatePostgres::launch_with_certificate(&authority, &own, ROLE);
    super::postgres::execute(&server.url(), &format!("CREATE ROLE {ROLE} LOGIN")).await;
    let ca = format!("sslrootcert={}", authority.file().display());
    let me = shown(&authority.issue("me", Valid::Today));
    let full = format!("sslmode=verify-full&{ca}&{me}");

    let store = connect(&server, "localhost", &full).await.unwrap();
    assert!(store.inspect().await.is_ok());
    for lenient in [format!("sslmode=verify-ca&{ca}&{me}"), format!("sslmode=require&{ca}&{me}"), me.clone()]
    {
        assert!(connect(&server, "127.0.0.1", &lenient).await.is_ok(), "{lenient}");
    }

    let other_ca = format!("sslrootcert={}", others.file().display());
    let formerly = shown(&authority.issue("me", Valid::Formerly));
    let foreign = shown(&others.issue("me", Valid::Today));
    let table = [
        (
            "localhost",
            format!("sslmode=verify-full&{other_ca}&{me}"),
            "name the file of its authority in `sslrootcert`",
        ),
        ("localhost", format!("sslmode=require&{me}"), "name the file of its authority in `sslrootcert`"),
        ("127.0.0.1", full.clone(), "write in DATABASE_URL a name that the certificate has"),
        ("localhost", format!("sslmode=verify-full&{ca}"), "`sslcert` and `sslkey`"),
        ("localhost", format!("sslmode=verify-full&{ca}&{formerly}"), "`sslcert` and `sslkey`"),
        ("localhost", format!("sslmode=verify-full&{ca}&{foreign}"), "`sslcert` and `sslkey`"),
        ("localhost", "sslmode=verify-full&sslrootcert=/no/such/file".into(), "/no/such/file: No such file"),
    ];
    for (host, query, want) in table {
        let error = refusal(&server, host, &query).await;
        assert!(error.contains(want), "{query}: {error}");
    }
}

#[tokio::test]
async fn an_expired_certificate_of_the_server_is_told() {
    let authority = Authority::new();
    let own = authority.issue("localhost", Valid::Formerly);
    let server = PrivatePostgres::launch_with_certificate(&authority, &own, ROLE);
    let query = format!("sslmode=verify-full&sslrootcert={}", authority.file().display());

    let error = refusal(&server, "localhost", &query).await;

    assert!(error.contains("certificate has expired; renew it"), "{error}");
}

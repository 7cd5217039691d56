//! The API over TLS, with certificates of a private authority on both sides.

use runmill_testkit::{Authority, Issued, Valid};

use crate::support::{Command, Process, Sandbox, until};

const TOKEN: &str = "encryption-0123456789abcdef";

struct Server {
    process: Process,
    url: String,
    _sandbox: Sandbox,
}

fn path(path: &std::path::Path) -> String {
    path.display().to_string()
}

impl Server {
    async fn start(authority: &Authority, own: &Issued) -> Self {
        // Only the first one of a process is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::new().await;
        let process = sandbox
            .runmill(&["serve"])
            .env("RUNMILL_LISTEN", "127.0.0.1:0")
            .env("RUNMILL_TOKENS", &format!("admin:{TOKEN}"))
            .env("RUNMILL_TLS_CERT_FILE", &path(&own.certificate))
            .env("RUNMILL_TLS_KEY_FILE", &path(&own.key))
            .env("RUNMILL_TLS_CLIENT_CA_FILE", &path(&authority.file()))
            .start();
        let said = process.line_with("runmill serves https://").await;
        let address = said.split("https://").nth(1).unwrap().split_whitespace().next().unwrap();
        let url = format!("https://{}", address.replace("127.0.0.1", "localhost"));
        Self { process, url, _sandbox: sandbox }
    }

    /// Lists the runs. Returns the exit code and all that was printed.
    async fn list(&self, authority: Option<&Authority>, shown: Option<&Issued>) -> (Option<i32>, String) {
        let mut command =
            Command::runmill(&["runs", "list", "--server", &self.url]).env("RUNMILL_TOKEN", TOKEN);
        if let Some(authority) = authority {
            command = command.env("RUNMILL_SERVER_CA_FILE", &path(&authority.file()));
        }
        if let Some(own) = shown {
            command = command
                .env("RUNMILL_SERVER_CERT_FILE", &path(&own.certificate))
                .env("RUNMILL_SERVER_KEY_FILE", &path(&own.key));
        }
        let output = command.output().await;
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    async fn metric(&self, name: &str) -> String {
        let ops = self.process.field_of("ops.listening", "address").await;
        let page = reqwest::get(format!("http://{ops}/metrics")).await.unwrap().text().await.unwrap();
        let line = page.lines().find(|line| line.starts_with(name) && line.contains("\"api\""));
        line.unwrap_or_else(|| panic!("no {name}")).rsplit(' ').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn commands_and_the_server_check_each_other() {
    let (authority, others) = (Authority::new(), Authority::new());
    let server = Server::start(&authority, &authority.issue("localhost", Valid::Today)).await;
    let me = authority.issue("me", Valid::Today);

    let (code, said) = server.list(Some(&authority), Some(&me)).await;
    assert_eq!(code, Some(0), "{said}");

    let (formerly, foreign) = (authority.issue("me", Valid::Formerly), others.issue("me", Valid::Today));
    let table = [
        (None, Some(&me), "name the file of its authority in RUNMILL_SERVER_CA_FILE"),
        (Some(&others), Some(&me), "name the file of its authority in RUNMILL_SERVER_CA_FILE"),
        (Some(&authority), None, "name its files in RUNMILL_SERVER_CERT_FILE and RUNMILL_SERVER_KEY_FILE"),
        (Some(&authority), Some(&formerly), "the server refuses the client's certificate"),
        (Some(&authority), Some(&foreign), "the server refuses the client's certificate"),
    ];
    for (trusted, shown, want) in table {
        // The server refuses a client after the client's part of the handshake. If its reason comes too late, the command
        // knows only that the connection ended.
        let is_told = async || {
            let (code, said) = server.list(trusted, shown).await;
            assert!(
                code == Some(2) || code == Some(3) && said.contains("may want another certificate"),
                "{said}"
            );
            said.contains(want)
        };
        until(want, is_told).await;
    }
}

#[tokio::test]
async fn certificates_are_renewed_without_a_restart() {
    let authority = Authority::new();
    let own = authority.issue("localhost", Valid::Formerly);
    let server = Server::start(&authority, &own).await;
    let me = authority.issue("me", Valid::Today);
    let (code, said) = server.list(Some(&authority), Some(&me)).await;
    assert!(code == Some(2) && said.contains("certificate has expired; renew it"), "{said}");

    own.replace_by(&authority.issue("localhost", Valid::Today));
    let listed = async || server.list(Some(&authority), Some(&me)).await.0 == Some(0);
    until("the new certificate", listed).await;

    std::fs::write(&own.certificate, "no certificate").unwrap();
    let said = server.process.field_of("tls.reload_failed", "error").await;
    assert!(said.contains("has no certificate"), "{said}");
    let ends: i64 = server.metric("runmill_http_certificate_expiry_timestamp_seconds").await.parse().unwrap();
    assert!(
        ends > runmill_runtime::Clock::system().now().as_second(),
        "{ends} is the end of the renewed one"
    );
    until("the metric", async || server.metric("runmill_http_stale_certificates").await == "1").await;
    assert!(listed().await, "the former certificate is used still");
}

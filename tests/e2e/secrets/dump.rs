//! A stolen copy of the database opens nothing.

use runmill_testkit::postgres::texts;
use runmill_vault::{Keyring, Opener, Owner, generate_hex};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::{Answers, HEADER, KEY, PASSWORD, assert_clean, needles::ENCRYPTION_KEY, plan, tables};
use crate::support::{Api, Cluster, cluster::Servers, data::questions};

/// Length of the part of a sealed value that names its key: the format and the key's id.
const KEY_NAME: usize = 9;

#[tokio::test]
async fn a_dump_of_the_database_opens_nothing_without_the_key() {
    let cluster = Cluster::planned(plan()).await;
    let mut answers = Answers { cluster: &cluster, texts: Vec::new() };
    let provider = answers.plant("gateway", &cluster.gateway.base_url()).await;
    let dataset = cluster.api.dataset(questions(2)).await;
    let run = cluster.api.start_run(provider, "echo", dataset).await;
    cluster.api.ended(run).await;
    let (status, token) = cluster.api.post("/tokens", &json!({"name": "stolen", "role": "submit"})).await;
    assert_eq!(status, 201, "{token}");
    let token = token["secret"].as_str().unwrap();
    let secret = &token[token.len() - 64..];
    let calls = cluster.gateway.calls(0, usize::MAX).len();
    cluster.stop().await;

    for (table, rows) in tables(&cluster.servers.database_url).await {
        assert_clean(&table, rows.as_bytes());
        assert!(!rows.contains(secret), "{table} has the secret part of a token");
    }
    nothing_opens(&sealed(&cluster.servers.database_url).await);

    // A thief who starts runmill over the copy has another key and another token.
    let thief = Thief::start(&cluster.servers).await;
    let (status, told) = thief
        .api
        .post(
            "/runs",
            &json!({"provider_id": provider, "model": "echo",
        "dataset_id": dataset}),
        )
        .await;
    assert_eq!(status, 201, "{told}");
    let run = serde_json::from_value(told["id"].clone()).unwrap();
    let paused = thief.paused(run).await;
    assert!(paused.contains("ENCRYPTION_KEY"), "{paused}");
    assert_eq!(cluster.gateway.calls(0, usize::MAX).len(), calls, "no call was made with what is sealed");
    for path in ["/providers".to_owned(), format!("/providers/{provider}")] {
        assert_clean(&path, thief.api.get(&path).await.to_string().as_bytes());
    }
}

/// Runs runmill over a copied database, with another key and another token.
struct Thief {
    api: Api,
    _processes: [crate::support::Process; 3],
}

impl Thief {
    const TOKEN: &'static str = "a-token-of-the-thief";

    async fn start(servers: &Servers) -> Self {
        let key = generate_hex();
        let start = |name| {
            let service = servers.service(name).env("ENCRYPTION_KEY", key.expose_secret());
            service.env("RUNMILL_TOKENS", &format!("admin:{}", Self::TOKEN)).start()
        };
        let processes = ["dispatcher", "executor", "log-sink"].map(start);
        let address = processes[0].field_of("dispatcher.listening", "address").await;
        let api = Api::new(&address, Self::TOKEN);
        api.executors(1).await;
        Self { api, _processes: processes }
    }

    /// Waits until the run is paused. Returns the reason.
    async fn paused(&self, run: runmill_proto::RunId) -> String {
        let run = crate::support::within("the pause of the run", async {
            let mut events = self.api.events("/runs/events").await;
            loop {
                let run = self.api.run(run).await;
                if run.paused_at.is_some() {
                    return run;
                }
                events.next().await;
            }
        });
        run.await.pause_reason.unwrap_or_default()
    }
}

/// Returns the sealed secrets of a database with the ids of their rows.
async fn sealed(database_url: &str) -> Vec<(Uuid, Vec<u8>)> {
    let rows =
        texts(database_url, "SELECT id::text || ' ' || encode(sealed, 'hex') FROM provider_secrets").await;
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    let read = |row: &String| {
        let (id, hex) = row.split_once(' ').unwrap();
        (id.parse().unwrap(), hex.as_bytes().chunks(2).map(byte).collect())
    };
    rows.iter().map(read).collect()
}

fn nothing_opens(sealed: &[(Uuid, Vec<u8>)]) {
    let right = Keyring::parse(&SecretString::from(ENCRYPTION_KEY)).unwrap().opener();
    let other = Keyring::parse(&generate_hex()).unwrap();
    let open = |with: &Opener, id: Uuid, bytes: &[u8]| with.open(Owner::provider_secret(id), bytes);
    let mut opened: Vec<_> = sealed
        .iter()
        .map(|(id, bytes)| open(&right, *id, bytes).unwrap().expose_secret().to_owned())
        .collect();
    opened.sort_unstable();
    assert_eq!(opened, [KEY, HEADER], "with the key, both open");
    for (id, bytes) in sealed {
        let owner = Owner::provider_secret(*id);
        assert!(open(&other.opener(), *id, bytes).is_err(), "another key opens it");
        // The same value, as if it had been sealed with the other key.
        let named = [&other.sealer().seal(owner, &PASSWORD.into())[..KEY_NAME], &bytes[KEY_NAME..]].concat();
        assert!(open(&other.opener(), *id, &named).is_err(), "another key with a forged name opens it");
        assert!(open(&right, Uuid::now_v7(), bytes).is_err(), "it opens in another row");
    }
}

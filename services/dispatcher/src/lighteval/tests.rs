//! Compares configurations with the files in `golden/`. With `WRITE_GOLDEN=1` the tests write the files.

use std::{fs, path::Path};

use jiff::Timestamp;
use runmill_proto::{
    DatasetId, ProviderId, RunConfig, RunId, Tenant,
    api::{Capabilities, Dataset, ProviderKind, RateLimit, RequestOverride, Settings, SettingsOverride},
};
use runmill_store::ProviderRow;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Route, native,
    plan::{Plan, Subject},
    platform,
};

const LANE_CONCURRENCY: u32 = 64;

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn provider(kind: ProviderKind, base_url: &str) -> ProviderRow {
    ProviderRow {
        id: ProviderId::from_uuid(uuid(1)),
        tenant: Tenant::default(),
        shared: false,
        name: "our account".into(),
        kind,
        protocol: None,
        base_url: base_url.into(),
        proxy: None,
        secrets: Vec::new(),
        capabilities: Capabilities::default(),
        rate_limit: RateLimit::default(),
        settings: SettingsOverride::default(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// Returns a run with every setting of contracts that LightEval knows, and some that it does not.
fn run(provider: ProviderRow) -> Subject {
    let config = json!({
        "generation": {
            "temperature": 0.7, "top_p": 0.95, "top_k": 40, "max_new_tokens": 512, "stop": ["\n\n", "no"],
            "presence_penalty": 0.5, "frequency_penalty": 1e-7, "repetition_penalty": 1.1, "seed": 7
        },
        "concurrency": 200, "timeout_seconds": 120, "max_retries": 2, "system_prompt": "Be brief."
    });
    let config: RunConfig = serde_json::from_value(config).unwrap();
    let dataset = Dataset {
        id: DatasetId::from_uuid(uuid(3)),
        tenant: Tenant::default(),
        name: "2026-11-30".into(),
        version_hash: "0".repeat(64),
        item_count: 20,
        created_at: Timestamp::UNIX_EPOCH,
    };
    Subject {
        provider,
        model: "gpt-4o-mini".into(),
        job: config.job().unwrap(),
        concurrency: config.concurrency(),
        run: Some((RunId::from_uuid(uuid(2)), dataset)),
    }
}

fn plan(subject: Subject, route: Route, key: Option<&str>) -> Plan {
    Plan::new(subject, &Settings::default(), LANE_CONCURRENCY, route, key.map(SecretString::from))
}

fn front_door() -> Route {
    Route::FrontDoor("https://mill.example.com/v1".into())
}

fn check(name: &str, yaml: &SecretString) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lighteval/golden").join(format!("{name}.yaml"));
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, yaml.expose_secret()).unwrap();
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(yaml.expose_secret(), want, "{}: WRITE_GOLDEN=1 writes it", path.display());
}

#[test]
fn each_form_is_as_it_is_read_elsewhere() {
    let openai = || provider(ProviderKind::Openai, "https://api.openai.com/v1");
    let anthropic = || provider(ProviderKind::Anthropic, "https://api.anthropic.com/v1");
    let own = || provider(ProviderKind::Custom, "http://127.0.0.1:9/v1");
    let table = [
        ("front-door", plan(run(openai()), front_door(), None)),
        ("direct", plan(run(openai()), Route::Direct, None)),
        ("with-key", plan(run(anthropic()), Route::DirectWithKey, Some("sk-0123456789"))),
        ("model", plan(Subject::of_model(own(), "meta/llama-3".into()), front_door(), None)),
        ("own-server", plan(run(own()), Route::Direct, None)),
    ];
    for (name, plan) in table {
        check(&format!("{name}.platform"), &platform::write(&plan));
        check(&format!("{name}.lighteval"), &native::write(&plan));
    }
}

#[test]
fn time_and_tries_are_those_of_a_run() {
    let request = RequestOverride { total_timeout_seconds: Some(9.0), ..RequestOverride::default() };
    let settings = SettingsOverride { request, ..SettingsOverride::default() };
    let row = || ProviderRow { settings: settings.clone(), ..provider(ProviderKind::Openai, "https://h/v1") };
    let of_model = |route| plan(Subject::of_model(row(), "m".into()), route, None);
    let retries = Settings::default().retry.max_retries;

    let direct = of_model(Route::Direct);
    assert_eq!((direct.timeout, direct.max_retries), (9.0, retries));
    let own = plan(run(row()), Route::Direct, None);
    assert_eq!((own.timeout, own.max_retries), (120.0, 2), "the run's go before the provider's");
    let held = of_model(front_door());
    assert!(held.timeout > 9.0 * f64::from(retries + 1), "the front door holds a call: {}", held.timeout);
    assert_eq!(held.concurrent_requests, LANE_CONCURRENCY);
}

#[test]
fn more_stops_than_servers_take_are_named_and_not_cut() {
    let stops = |count: usize| {
        let stops: Vec<_> = (0..count).map(|n| format!("s{n}")).collect();
        let config: RunConfig = serde_json::from_value(json!({"generation": {"stop": stops}})).unwrap();
        let subject = Subject::of_model(provider(ProviderKind::Openai, "https://h/v1"), "m".into());
        let plan = plan(Subject { job: config.job().unwrap(), ..subject }, Route::Direct, None);
        native::write(&plan).expose_secret().to_owned()
    };
    assert!(stops(4).contains("stop_tokens") && !stops(4).contains("cannot send"), "{}", stops(4));
    assert!(!stops(5).contains("stop_tokens") && stops(5).contains("cannot send"), "{}", stops(5));
}

/// A name of any form is still the name that was meant.
#[test]
fn a_name_cannot_break_out_of_its_place() {
    for name in ["no", "2026-11-30", "a: b # c", "\"'\\", "- x", "&a *b !c", "a\nb: c", "{{}}", "é名"] {
        let row = ProviderRow { name: name.into(), ..provider(ProviderKind::Openai, "https://h/v1") };
        let yaml = platform::write(&plan(Subject::of_model(row, "m".into()), Route::Direct, None));
        let line = yaml.expose_secret().lines().find(|line| line.contains("provider_name:")).unwrap();
        let value = line.split_once(": ").unwrap().1;
        assert_eq!(unquoted(value), name, "{line}");
    }
}

/// Reads a quoted text of YAML, which is the same as one of JSON if it has double quotes.
fn unquoted(text: &str) -> String {
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(text) => text.replace("''", "'"),
        None => serde_json::from_str::<Value>(text).unwrap().as_str().unwrap().to_owned(),
    }
}

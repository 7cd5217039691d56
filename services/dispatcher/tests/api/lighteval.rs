//! Configurations of LightEval. Their text is compared in the unit tests.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use runmill_broker::{Envelope, Queue};
use runmill_config::Role;
use runmill_proto::message::{ProviderKeyReply, ProviderKeyRequest};
use runmill_store::testing::beat;
use runmill_vault::ReplyKey;
use serde_json::json;
use tokio::{task::JoinHandle, time::timeout};

use crate::server::{Server, problem, refused};

const KEY: &str = "sk-0123456789abcdef";

async fn run(server: &Server) -> (String, String) {
    let new = server.new_run().await;
    let run = server.created(server.request(Method::POST, "/runs").json(&new)).await;
    (run["id"].as_str().unwrap().to_owned(), run["provider_id"].as_str().unwrap().to_owned())
}

fn config(server: &Server, role: Role, run: &str, query: &str) -> RequestBuilder {
    server.request_as(role, Method::GET, &format!("/runs/{run}/lighteval-config{query}"))
}

async fn text(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/yaml");
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.text().await.unwrap()
}

async fn executor(server: &Server) {
    let now = server.clock.now();
    let status = runmill_proto::testing::executor("one", now);
    let beat = beat(status);
    server.store.exchange(&beat).await.unwrap();
}

/// Answers one request for a key as an executor does.
async fn give_key(server: &Server) -> JoinHandle<()> {
    let mut requests = server.broker.subscribe(Queue::Requests, 1).await.unwrap();
    let opener = server.keyring.opener();
    tokio::spawn(async move {
        let delivery = requests.next().await.unwrap();
        let asked: ProviderKeyRequest = delivery.message.decode().unwrap();
        let reply_key = ReplyKey::unseal(&opener, asked.id, &asked.reply_key).unwrap();
        let sealed = reply_key.seal(asked.id, &KEY.into());
        let reply = ProviderKeyReply::Key { label: "main".into(), sealed };
        let reply = Envelope::new(&reply);
        assert!(!reply.body.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "the key is in clear");
        delivery.reply(reply).await.unwrap();
        delivery.ack().await.unwrap();
    })
}

async fn newest_entry(server: &Server) -> serde_json::Value {
    server.get("/audit?limit=1").await["items"][0].clone()
}

#[tokio::test]
async fn by_default_a_configuration_points_at_the_front_door_that_was_asked() {
    let server = Server::start().await;
    let (run, provider) = run(&server).await;

    let of_run = text(config(&server, Role::Observe, &run, "")).await;
    let own = text(config(&server, Role::Observe, &run, "?format=lighteval")).await;
    let path = format!("/providers/{provider}/lighteval-config?model=a/b");
    let of_provider = text(server.request_as(Role::Observe, Method::GET, &path)).await;
    let direct = text(config(&server, Role::Observe, &run, "?direct=true")).await;

    for yaml in [&of_run, &own, &of_provider] {
        assert!(yaml.contains(&format!("base_url: '{}/v1'", server.base_url)), "{yaml}");
    }
    assert!(
        of_run.contains("model_name: 'openai/ours/echo'") && of_run.contains("RUNMILL_TOKEN"),
        "{of_run}"
    );
    assert!(of_provider.contains("model_name: 'openai/ours/a/b'"), "{of_provider}");
    assert!(direct.contains("base_url: 'http://127.0.0.1:9/v1'"), "{direct}");
    assert!(direct.contains("model_name: 'openai/echo'") && direct.contains("OPENAI_API_KEY"), "{direct}");
}

#[tokio::test]
async fn a_key_is_for_admins_and_is_recorded() {
    let server = Server::start().await;
    let (run, provider) = run(&server).await;
    executor(&server).await;
    let before = newest_entry(&server).await;

    for role in [Role::Observe, Role::Submit] {
        let problem = refused(config(&server, role, &run, "?include_api_key=true")).await;
        assert_eq!(problem.status, 403, "{role}");
    }
    assert_eq!(newest_entry(&server).await, before, "nothing was disclosed");
    let executor = give_key(&server).await;
    let yaml = text(config(&server, Role::Admin, &run, "?include_api_key=true")).await;
    timeout(Duration::from_secs(30), executor).await.unwrap().unwrap();

    assert!(yaml.contains(&format!("api_key: '{KEY}'")) && !yaml.contains("api_key_env"), "{yaml}");
    assert!(yaml.contains("base_url: 'http://127.0.0.1:9/v1'"), "a key is for its provider alone: {yaml}");
    let entry = newest_entry(&server).await;
    assert_eq!((&entry["action"], &entry["object"]), (&json!("provider.reveal_key"), &json!(provider)));
    assert!(entry["detail"].as_str().unwrap().contains(&run), "{entry}");
}

#[tokio::test]
async fn without_an_executor_there_is_no_key() {
    let server = Server::holding().await;
    let (run, _) = run(&server).await;

    let nobody = refused(config(&server, Role::Admin, &run, "?include_api_key=true")).await;
    let both = refused(config(&server, Role::Admin, &run, "?include_api_key=true&direct=false")).await;
    executor(&server).await;
    let mut requests = server.broker.subscribe(Queue::Requests, 1).await.unwrap();
    let asking = tokio::spawn(config(&server, Role::Admin, &run, "?include_api_key=true").send());
    let delivery = requests.next().await.unwrap();
    delivery.reply(Envelope::new(&ProviderKeyReply::Refused("no key is usable now".into()))).await.unwrap();
    let refused = problem(asking.await.unwrap().unwrap()).await;

    assert_eq!(nobody.status, 503);
    assert!(nobody.detail.contains("no executor answers"), "{nobody:?}");
    assert_eq!(both.status, 400, "{both:?}");
    assert!(refused.status == 503 && refused.detail.contains("no key is usable now"), "{refused:?}");
}

#[tokio::test]
async fn the_key_of_a_shared_provider_stays_in_its_tenant() {
    let server = Server::start().await;
    executor(&server).await;
    let provider =
        json!({"name": "shared", "kind": "custom", "base_url": "http://127.0.0.1:9/v1", "shared": true});
    let provider = server.created(server.request(Method::POST, "/providers").json(&provider)).await;
    let stranger = json!({"name": "stranger", "role": "admin", "tenant": "other"});
    let stranger = server.created(server.request(Method::POST, "/tokens").json(&stranger)).await;
    let path = format!("/providers/{}/lighteval-config?model=m", provider["id"].as_str().unwrap());
    let ask = |query: &str| {
        let request = server.anonymous(Method::GET, &format!("{path}{query}"));
        request.bearer_auth(stranger["secret"].as_str().unwrap())
    };

    assert!(text(ask("&direct=true")).await.contains("http://127.0.0.1:9/v1"));
    let problem = refused(ask("&include_api_key=true")).await;

    assert_eq!(problem.status, 403, "{problem:?}");
}

//! Judges of a run, as they are asked for and shown.

use reqwest::Method;
use runmill_proto::RunId;
use runmill_store::Transition;
use serde_json::{Value, json};

use super::server::{Server, refused, settle_as_failed};

/// Returns a server, and a request for a run that `config` judges.
async fn world(config: impl FnOnce(&Value) -> Value) -> (Server, Value) {
    let server = Server::start().await;
    let mut new = server.new_run().await;
    let judge = json!({"provider_id": new["provider_id"], "model": "judge"});
    new["config"] = config(&judge);
    (server, new)
}

fn submit(server: &Server, new: &Value) -> reqwest::RequestBuilder {
    server.request(Method::POST, "/runs").json(new)
}

#[tokio::test]
async fn a_run_shows_its_judges() {
    let (server, new) = world(|judge| json!({"judges": [judge, judge], "samples": 2})).await;

    let run = server.created(submit(&server, &new)).await;

    let judges = run["judges"].as_array().unwrap();
    assert_eq!(judges.len(), 2);
    assert_eq!((&judges[0]["status"], &judges[0]["judge"]["model"]), (&json!("pending"), &json!("judge")));
    assert_eq!(judges[0]["total"], run["counters"]["total"]);
    assert_ne!(judges[0]["run_id"], judges[1]["run_id"]);
    let scores = server.get(&format!("/runs/{}/scores", run["id"].as_str().unwrap())).await;
    assert_eq!(scores["agreement"]["answers"], 0, "{scores}");
    let verdicts = server.get(&format!("/runs/{}/verdicts", run["id"].as_str().unwrap())).await;
    assert_eq!(verdicts["items"], json!([]));
}

#[tokio::test]
async fn a_judge_that_cannot_judge_is_refused_with_its_place() {
    let (server, mut new) = world(|_| json!({})).await;
    let judge = json!({"provider_id": new["provider_id"], "model": "judge"});
    let with = |field: &str, value: Value| {
        let mut judge = judge.clone();
        judge[field] = value;
        judge
    };
    let stranger = with("provider_id", json!("prov_0000000000000000000000000000000a"));
    let pairwise = with("verdict", json!("pairwise"));
    let cases = [
        (json!({"judge": with("provider_id", json!("prov_x"))}), "/config/judge", "prov_x"),
        (json!({"judge": with("model", json!(" "))}), "/config/judge/model", "name"),
        (json!({"judge": with("prompt", json!("{{ question }}"))}), "/config/judges/0/prompt", "response"),
        (json!({"judge": with("prompts", json!("x"))}), "/config/judge", "prompts"),
        (json!({"judge": judge, "judges": [judge]}), "/config/judges", "does not go with"),
        (json!({"judges": []}), "/config/judges", "1 to 9"),
        (json!({"judge": judge, "texts": "none"}), "/config/texts", "all"),
        (json!({"judge": pairwise, "samples": 600}), "/config/samples", "500"),
        (json!({"judge": stranger}), "/config/judges/0/provider_id", "prov_"),
    ];
    for (config, pointer, words) in cases {
        new["config"] = config;
        let problem = refused(submit(&server, &new)).await;
        let fault = &problem.errors[0];
        assert_eq!((problem.status, fault.pointer.as_str()), (400, pointer), "{problem:?}");
        assert!(fault.detail.contains(words), "{problem:?}");
    }
}

#[tokio::test]
async fn judges_are_added_to_a_run_that_has_ended() {
    let (server, new) = world(|_| json!({})).await;
    let run = server.created(submit(&server, &new)).await;
    let path = format!("/runs/{}/rescore", run["id"].as_str().unwrap());
    let judge = json!({"provider_id": new["provider_id"], "model": "judge"});
    let several = |count: usize| json!({"judges": vec![&judge; count], "budget": {"calls": 9}});
    let ask = |body: &Value| server.request(Method::POST, &path).json(body);
    assert_eq!(refused(ask(&several(1))).await.status, 409, "it has not ended");
    settle_as_failed(&server, run["id"].as_str().unwrap()).await;

    let judged: Value = ask(&several(2)).send().await.unwrap().json().await.unwrap();

    assert_eq!(judged["judges"].as_array().map(Vec::len), Some(2), "{judged}");
    assert_eq!(refused(ask(&several(8))).await.status, 409, "that would be ten");
    let both = json!({"judges": [judge], "scoring": {"scorer": "exact"}});
    assert_eq!(refused(ask(&both)).await.errors[0].pointer, "/scoring");
    assert_eq!(refused(ask(&json!({"budget": {"calls": 1}}))).await.errors[0].pointer, "/budget");
}

#[tokio::test]
async fn the_run_of_a_judge_is_deleted_with_its_run_alone() {
    let (server, new) = world(|judge| json!({"judge": judge})).await;
    let run = server.created(submit(&server, &new)).await;
    let id: RunId = run["id"].as_str().unwrap().parse().unwrap();
    let row = server.store.run(id).await.unwrap();
    let judge = row.of_judge(&row.judges[0], server.clock.now());
    server.store.create_run(&judge).await.unwrap();
    // The leader ends both so.
    for (run, transition) in [
        (judge.id, Transition::Cancel),
        (id, Transition::Cancel),
        (id, Transition::NoteJudges { judges: row.judges.clone(), is_done: true }),
    ] {
        server.store.transition(run, transition, server.clock.now()).await.unwrap();
    }
    let delete = |run: RunId| server.request(Method::DELETE, &format!("/runs/{run}"));

    let problem = refused(delete(judge.id)).await;

    assert_eq!(problem.status, 409, "{problem:?}");
    assert!(problem.detail.contains(&id.to_string()), "{problem:?}");
    assert_eq!(delete(id).send().await.unwrap().status(), 204);
    assert!(server.store.run(judge.id).await.is_err(), "both are deleted");
}

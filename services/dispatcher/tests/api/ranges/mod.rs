//! Sends values below, at and above its range for every number that the API takes.
//!
//! The numbers are those of the `OpenAPI` description. So a new number is tested at once, and the test fails until the
//! API enforces a range that the description and the documentation state.

mod description;
mod documents;

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use runmill_proto::api::Problem;
use serde_json::{Value, json};

use crate::server::{Server, line, refused, settle_as_failed};
use description::{Documented, Number, numbers, numbers_of};

/// Values that are no JSON numbers.
const NO_NUMBERS: [&str; 4] = ["\"1\"", "true", "[]", "{}"];
/// A number that no type can hold. Its error comes from the JSON parser.
const HUGE: &str = "1e400";

#[test]
fn the_documentation_has_the_range_of_every_number_and_no_other() {
    let (api, settings) = (documents::rows("api.md"), documents::rows("configuration.md"));
    let mut used = BTreeSet::new();
    for number in numbers() {
        let names = documents::names(&number);
        let row = names.iter().find_map(|name| Some((name, api.get(name).or_else(|| settings.get(name))?)));
        let (name, range) = row.unwrap_or_else(|| panic!("no row for {} {names:?}", number.operation));
        assert_eq!(*range, format!("{} to {}", number.range.min, number.range.max), "{name}");
        used.insert(name.clone());
    }
    for name in api.keys().chain(settings.keys()) {
        assert!(used.contains(name), "{name} is documented, and no request has it");
    }
}

#[tokio::test]
async fn every_number_of_a_body_is_accepted_within_its_range_and_refused_outside() {
    let server = Server::start().await;
    let requests = Requests::new(&server).await;
    // A run has few judges, so none is added to an ended run for each number; `POST /runs` takes the same judges.
    let is_added = |number: &Number| number.pointer.starts_with("/judges/");
    let numbers = numbers().into_iter().filter(|number| number.pointer.starts_with('/') && !is_added(number));
    for number in numbers {
        for pointer in places(&number.pointer) {
            let told = format!("{} {pointer}", number.operation);
            for raw in number.range.ends() {
                assert_accepted(requests.with_body(&number.operation, &pointer, &raw), &told, &raw).await;
            }
            for raw in number.range.outside().iter().map(String::as_str).chain(NO_NUMBERS) {
                let problem = refused(requests.with_body(&number.operation, &pointer, raw)).await;
                assert_refused(&problem, &number.range, &told, raw);
                let named = &problem.errors[0].pointer;
                assert!(pointer.starts_with(named.as_str()), "{told}={raw}: {problem:?}");
            }
            let problem = refused(requests.with_body(&number.operation, &pointer, HUGE)).await;
            assert_eq!(problem.status, 400, "{told}: {problem:?}");
        }
    }
}

#[tokio::test]
async fn every_number_of_a_query_is_accepted_within_its_range_and_refused_outside() {
    let server = Server::start().await;
    let requests = Requests::new(&server).await;
    for Number { operation, pointer, range } in numbers().iter().filter(|it| it.pointer.starts_with('?')) {
        let told = format!("{operation}{pointer}");
        for raw in range.ends() {
            assert_accepted(requests.with_query(operation, pointer, &raw), &told, &raw).await;
        }
        for raw in range.outside().iter().map(String::as_str).chain(["", "x", "%221%22", HUGE]) {
            // A list of all rows, as NDJSON, has no pages, but the query is checked.
            for accept in ["application/json", "application/x-ndjson"] {
                let request = requests.with_query(operation, pointer, raw).header("accept", accept);
                assert_refused(&refused(request).await, range, &told, raw);
            }
        }
    }
}

#[tokio::test]
async fn every_number_of_an_items_checker_is_accepted_within_its_range_and_refused_outside() {
    let server = Server::start().await;
    let upload = |pointer: &str, raw: &str| {
        let mut item: Value = serde_json::from_str(&line("a")).unwrap();
        item["checker"] = json!({"scorer": "numeric"});
        let lines = with(item, &format!("/checker{pointer}"), raw);
        server.request(Method::POST, "/datasets?name=x").body(lines)
    };
    for (pointer, range) in numbers_of("Scoring") {
        for raw in range.ends() {
            assert_accepted(upload(&pointer, &raw), &pointer, &raw).await;
        }
        for raw in range.outside().iter().map(String::as_str).chain(NO_NUMBERS) {
            assert_refused(&refused(upload(&pointer, raw)).await, &range, &pointer, raw);
        }
        let problem = refused(upload(&pointer, HUGE)).await;
        assert!(problem.status == 400 && problem.detail.starts_with("line 1: "), "{problem:?}");
    }
}

#[tokio::test]
async fn the_id_of_an_event_has_the_range_of_the_query() {
    let server = Server::start().await;
    let requests = Requests::new(&server).await;
    let numbers = numbers();
    let after = numbers.iter().find(|it| it.operation == "GET /runs/{id}/events" && it.pointer == "?after");
    let range = &after.unwrap().range;
    let request = |raw: &str| requests.request("GET /runs/{id}/events").header("last-event-id", raw);
    for raw in range.ends() {
        assert_accepted(request(&raw), "Last-Event-ID", &raw).await;
    }
    for raw in range.outside().iter().map(String::as_str).chain(["", "x", HUGE]) {
        assert_refused(&refused(request(raw)).await, range, "Last-Event-ID", raw);
    }
}

/// A cursor is a text. The cursor of a list of items is a number, and the cursor of a list of results consists of
/// two.
#[tokio::test]
async fn a_cursor_that_no_page_gave_is_refused_or_followed_by_nothing() {
    let server = Server::start().await;
    let requests = Requests::new(&server).await;
    for (operation, last) in
        [("GET /datasets/{id}/items", "4294967295"), ("GET /runs/{id}/results", "4294967295.4294967295")]
    {
        assert_accepted(requests.with_query(operation, "?after", last), operation, last).await;
        for raw in ["-1", "4294967296", "1.4294967296", "x", ""] {
            let problem = refused(requests.with_query(operation, "?after", raw)).await;
            assert_eq!(problem.status, 400, "{operation} {raw}: {problem:?}");
            assert!(problem.detail.contains("not a cursor of the list"), "{problem:?}");
        }
    }
}

/// Returns the pointers at which a number can stand: `sampling` is another name of `generation`.
fn places(pointer: &str) -> Vec<String> {
    let other = pointer.replace("/config/generation/", "/config/sampling/");
    if other == pointer { vec![other] } else { vec![pointer.to_owned(), other] }
}

async fn assert_accepted(request: RequestBuilder, told: &str, raw: &str) {
    let response = request.send().await.unwrap();
    let status = response.status();
    // The body of a stream does not end.
    let body = if status.is_success() { String::new() } else { response.text().await.unwrap() };
    assert!(status.is_success(), "{told}={raw}: {status} {body}");
}

fn assert_refused(problem: &Problem, range: &Documented, told: &str, raw: &str) {
    assert_eq!(problem.status, 400, "{told}={raw}: {problem:?}");
    assert!(problem.detail.contains(&range.words()), "{told}={raw}: {problem:?}, not {}", range.words());
}

/// Valid requests, into which a number is put.
struct Requests<'a> {
    server: &'a Server,
    new_run: Value,
    run: Value,
    /// A run that has ended.
    ended: Value,
    token: Value,
}

impl<'a> Requests<'a> {
    async fn new(server: &'a Server) -> Self {
        let new_run = server.new_run().await;
        let run = server.created(server.request(Method::POST, "/runs").json(&new_run)).await;
        let ended = server.created(server.request(Method::POST, "/runs").json(&new_run)).await;
        settle_as_failed(server, ended["id"].as_str().unwrap()).await;
        let token = json!({"name": "x", "role": "submit"});
        let token = server.created(server.request(Method::POST, "/tokens").json(&token)).await;
        Self { server, new_run, run, ended, token }
    }

    fn request(&self, operation: &str) -> RequestBuilder {
        self.with_query(operation, "", "")
    }

    fn with_query(&self, operation: &str, parameter: &str, raw: &str) -> RequestBuilder {
        let (method, path) = operation.split_once(' ').unwrap();
        let id = match path.split('/').nth(1) {
            Some("providers") => &self.new_run["provider_id"],
            Some("datasets") => &self.new_run["dataset_id"],
            Some("tokens") => &self.token["id"],
            _ if path.ends_with("/rescore") => &self.ended["id"],
            _ => &self.run["id"],
        };
        let path = path.replace("{id}", id.as_str().unwrap());
        let query = if parameter.is_empty() { String::new() } else { format!("{parameter}={raw}") };
        self.server.request(method.parse().unwrap(), &format!("{path}{query}"))
    }

    fn with_body(&self, operation: &str, pointer: &str, raw: &str) -> RequestBuilder {
        let mut body = self.body(operation);
        if pointer.contains("/variation/") {
            body["config"]["variation"] = json!({"enabled": true});
        }
        let judge = || {
            let scale = json!({"min": 0, "max": 1000});
            json!({"provider_id": self.new_run["provider_id"], "model": "j", "verdict": "scale", "scale": scale})
        };
        if pointer.contains("/scorers/") {
            body["config"] = json!({"scorers": [{"scorer": "numeric"}]});
        }
        if pointer.contains("/judge/") {
            body["config"]["judge"] = judge();
        } else if pointer.contains("/config/judges/") {
            body["config"]["judges"] = json!([judge()]);
        } else if operation == "POST /runs/{id}/rescore" && pointer.starts_with("/budget") {
            body = json!({"judges": [judge()]});
        }
        let body = with(body, pointer, raw);
        self.request(operation).header("content-type", "application/json").body(body)
    }

    /// Returns the body of a valid request, with the objects into which numbers are put.
    fn body(&self, operation: &str) -> Value {
        let keys = json!([{"label": "a", "value": "sk-0123456789"}]);
        match operation {
            "POST /providers" => {
                let name = uuid::Uuid::now_v7();
                json!({"name": name, "kind": "custom", "base_url": "http://127.0.0.1:9/v1", "api_keys": keys})
            }
            "PATCH /providers/{id}" => json!({"api_keys": keys}),
            "PUT /settings" | "PATCH /runs/{id}" | "POST /runs/{id}/extend" | "PATCH /tokens/{id}" => {
                json!({})
            }
            "POST /runs/{id}/rescore" => json!({"scoring": {"scorer": "numeric"}}),
            "POST /tokens" => json!({"name": "x", "role": "submit"}),
            "POST /runs" => {
                let mut body = self.new_run.clone();
                body["config"] = json!({"scoring": {"scorer": "numeric"}});
                body
            }
            _ => panic!("{operation} takes a number: it needs a body here"),
        }
    }
}

/// Returns `body` as JSON with `raw` at `pointer`. Raw, because a [`Value`] cannot hold every number.
fn with(mut body: Value, pointer: &str, raw: &str) -> String {
    const MARK: &str = "a number";
    let mut place = &mut body;
    for part in pointer.split('/').skip(1) {
        place = match place {
            Value::Array(list) => &mut list[part.parse::<usize>().unwrap()],
            object => &mut object[part],
        };
    }
    *place = json!(MARK);
    body.to_string().replace(&format!("\"{MARK}\""), raw)
}

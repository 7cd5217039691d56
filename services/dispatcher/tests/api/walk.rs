//! Asks every route of the description with every kind of token, and compares the statuses with the table in
//! `docs/security.md`. With `WRITE_DOCS=1` it writes the table.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Method, RequestBuilder, Response};
use runmill_config::Role;
use serde_json::{Value, json};

use crate::{
    batches,
    server::{Server, line, settle_as_failed},
};

const BEGIN: &str = "<!-- The table of routes: made by services/dispatcher/tests/api/walk.rs. -->\n";
const END: &str = "<!-- The end of the table. -->\n";

/// Tenant to which the objects in the paths belong.
const OURS: &str = "ours";

/// Tokens with which each route is asked.
struct Callers {
    /// Name and token of those that are refused everywhere.
    invalid: Vec<(&'static str, Option<String>)>,
    /// A token of each role, of the tenant of the objects.
    own: Vec<String>,
    /// A token of each role, of another tenant.
    strangers: Vec<String>,
    /// Admin's token of all tenants.
    admin_of_all: String,
}

impl Callers {
    async fn new(server: &Server) -> Self {
        let expired =
            token(server, &json!({"role": "admin", "all_tenants": true, "expires_at": soon(server)})).await;
        let revoked = server.created(new_token(server, &json!({"role": "admin", "all_tenants": true}))).await;
        let revoking = format!("/tokens/{}/revoke", revoked["id"].as_str().unwrap());
        server.request(Method::POST, &revoking).send().await.unwrap().error_for_status().unwrap();
        server.clock.advance(Duration::from_mins(1));
        let (mut own, mut strangers) = (Vec::new(), Vec::new());
        for role in Role::ALL {
            own.push(token(server, &json!({"role": role, "tenant": OURS})).await);
            strangers.push(token(server, &json!({"role": role, "tenant": "strangers"})).await);
        }
        let admin_of_all = token(server, &json!({"role": "admin", "all_tenants": true})).await;
        let secret = |token: &Value| token["secret"].as_str().map(str::to_owned);
        let unknown = format!("rmt_{}", "0".repeat(76));
        let invalid = vec![
            ("no token", None),
            ("a wrong token", Some("wrong-0123456789abcdef".to_owned())),
            ("an unknown token", Some(unknown)),
            ("an expired token", Some(expired)),
            ("a revoked token", secret(&revoked)),
        ];
        Self { invalid, own, strangers, admin_of_all }
    }
}

fn new_token(server: &Server, fields: &Value) -> RequestBuilder {
    let mut body = json!({"name": "walker"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    server.request(Method::POST, "/tokens").json(&body)
}

/// Creates a token. Returns its text.
async fn token(server: &Server, fields: &Value) -> String {
    server.created(new_token(server, fields)).await["secret"].as_str().unwrap().to_owned()
}

fn soon(server: &Server) -> String {
    (server.clock.now() + Duration::from_secs(30)).to_string()
}

/// Objects of the tenant, as ids.
struct Objects {
    provider: String,
    /// Name of a model of the provider.
    model: String,
    dataset: String,
    run: String,
    token: String,
    /// A client's file, a batch of it, and a batch of messages.
    file: String,
    batch: String,
    messages: String,
}

impl Objects {
    /// Creates objects in the state in which the request can succeed.
    async fn create(server: &Server, admin: &str, route: &Route) -> Self {
        let id = |created: Value| created["id"].as_str().unwrap().to_owned();
        let as_admin = |method, path: &str| server.anonymous(method, path).bearer_auth(admin);
        let new_provider = new_provider();
        let model = format!("{}/m", new_provider["name"].as_str().unwrap());
        let provider = id(server.created(as_admin(Method::POST, "/providers").json(&new_provider)).await);
        let dataset = id(server.created(as_admin(Method::POST, "/datasets?name=ours").body(line("a"))).await);
        let run = json!({"provider_id": provider, "model": "m", "dataset_id": dataset});
        let run = id(server.created(as_admin(Method::POST, "/runs").json(&run)).await);
        let token = json!({"name": "ours", "role": "observe"});
        let token = id(server.created(as_admin(Method::POST, "/tokens").json(&token)).await);
        let before = match route.name().as_str() {
            "DELETE /providers/{id}" | "DELETE /runs/{id}" => Some("cancel"),
            "POST /runs/{id}/resume" => Some("pause"),
            _ => None,
        };
        if let Some(action) = before {
            let sent = as_admin(Method::POST, &format!("/runs/{run}/{action}")).send().await;
            sent.unwrap().error_for_status().unwrap();
        }
        if route.path.ends_with("/retry-failed") || route.path.ends_with("/rescore") {
            settle_as_failed(server, &run).await;
        }
        let unused = async || {
            id(server.created(as_admin(Method::POST, "/datasets?name=unused").body(line("a"))).await)
        };
        let dataset = if route.name() == "DELETE /datasets/{id}" { unused().await } else { dataset };
        let (mut file, mut batch, mut messages) = ("no file".into(), "no batch".into(), "no messages".into());
        if route.is_of_batches() {
            let sent = async |request: RequestBuilder| {
                server.answer(request).await["id"].as_str().unwrap().to_owned()
            };
            let line = batches::line_of("q1", batches::CHAT, &model);
            let fields = [("purpose", "batch"), ("file", line.as_str())];
            file = sent(batches::form(as_admin(Method::POST, "/v1/files"), &fields)).await;
            batch = sent(as_admin(Method::POST, "/v1/batches").json(&new_batch(&file))).await;
            let post = as_admin(Method::POST, "/v1/messages/batches");
            messages = sent(post.json(&new_message_batch(&model))).await;
            if route.path.ends_with("/results") {
                // It has results once it has ended.
                let path = format!("/v1/messages/batches/{messages}/cancel");
                sent(as_admin(Method::POST, &path)).await;
            }
        }
        Self { provider, model, dataset, run, token, file, batch, messages }
    }

    fn ids(&self) -> [&str; 7] {
        let Self { provider, dataset, run, token, file, batch, messages, .. } = self;
        [provider, dataset, run, token, file, batch, messages]
    }
}

fn new_batch(file: &str) -> Value {
    json!({"input_file_id": file, "endpoint": batches::CHAT, "completion_window": "24h"})
}

fn new_message_batch(model: &str) -> Value {
    let messages = json!([{"role": "user", "content": "2 + 2?"}]);
    let params = json!({"model": model, "max_tokens": 9, "messages": messages});
    json!({"requests": [{"custom_id": "q1", "params": params}]})
}

fn new_provider() -> Value {
    let name = format!("ours {}", uuid::Uuid::now_v7());
    json!({"name": name, "kind": "custom", "base_url": "http://127.0.0.1:9/v1"})
}

/// A method of a path of the description.
struct Route {
    method: Method,
    path: String,
}

impl Route {
    fn all() -> Vec<Self> {
        let description = runmill_dispatcher::openapi();
        let mut routes = Vec::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let method = method.to_uppercase().parse().unwrap();
                routes.push(Self { method, path: path.clone() });
            }
        }
        let front_door = runmill_dispatcher::FRONT_DOOR_ROUTES.iter();
        routes.extend(
            front_door
                .map(|(method, path)| Self { method: method.parse().unwrap(), path: (*path).to_owned() }),
        );
        let batches = runmill_dispatcher::batch_paths().into_iter();
        routes.extend(batches.map(|(method, path)| Self { method, path: path.to_owned() }));
        routes
    }

    fn is_of_batches(&self) -> bool {
        self.path.starts_with("/v1/files") || self.path.contains("/batches")
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Makes a request that names the objects.
    fn request(&self, server: &Server, token: Option<&str>, objects: &Objects) -> RequestBuilder {
        let id = match self.path.split('/').nth(1).unwrap() {
            "providers" => &objects.provider,
            "datasets" => &objects.dataset,
            "tokens" => &objects.token,
            "v1" if self.path.starts_with("/v1/files") => &objects.file,
            "v1" if self.path.starts_with("/v1/messages") => &objects.messages,
            "v1" => &objects.batch,
            _ => &objects.run,
        };
        let query = match self.name().as_str() {
            "POST /datasets" => "?name=new".to_owned(),
            "GET /providers/{id}/lighteval-config" => "?model=m".to_owned(),
            "GET /runs/compare" => format!("?a={id}&b={id}"),
            _ => String::new(),
        };
        let path = self.path.replace("{id}", id).replace("{model}", &objects.model.replace(' ', "%20"));
        let path = format!("{path}{query}");
        let request = server.anonymous(self.method.clone(), &path);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        match self.name().as_str() {
            "POST /datasets" => request.body(line("b")),
            "POST /providers" => request.json(&new_provider()),
            "PATCH /providers/{id}" => request.json(&json!({"rate_limit": {"rpm": 5}})),
            "POST /providers/{id}/smoke-test" => request.json(&json!({"model": "m"})),
            "PATCH /tokens/{id}" => request.json(&json!({"budget": {"calls": 9}})),
            "PUT /settings" => request.json(&json!({})),
            "POST /tokens" => request.json(&json!({"name": "new", "role": "observe"})),
            "POST /runs" => request
                .json(&json!({"provider_id": objects.provider, "model": "m", "dataset_id": objects.dataset})),
            "PATCH /runs/{id}" => request.json(&json!({"priority": 2})),
            "POST /runs/{id}/rescore" => request.json(&json!({"scoring": null})),
            "POST /runs/{id}/extend" => request.json(&json!({"samples": 2})),
            "POST /v1/chat/completions" | "POST /v1/messages" | "POST /v1/messages/count_tokens" => {
                let messages = json!([{"role": "user", "content": "2 + 2?"}]);
                request.json(&json!({"model": objects.model, "max_tokens": 9, "messages": messages}))
            }
            "POST /v1/files" => {
                batches::form(request, &[("purpose", "batch"), ("file", &batches::line("q1"))])
            }
            "POST /v1/batches" => request.json(&new_batch(&objects.file)),
            "POST /v1/messages/batches" => request.json(&new_message_batch(&objects.model)),
            "POST /v1/completions" => request.json(&json!({"model": objects.model, "prompt": "2 + 2?"})),
            "POST /v1/responses" => request.json(&json!({"model": objects.model, "input": "2 + 2?"})),
            _ => request,
        }
    }
}

/// A route with the statuses of its answers, in the order of the columns.
struct Row {
    route: String,
    invalid: u16,
    own: Vec<u16>,
    strangers: Vec<u16>,
    admin_of_all: u16,
}

async fn walk(server: &Server) -> Vec<Row> {
    let callers = Callers::new(server).await;
    let mut rows = Vec::new();
    for route in Route::all() {
        let name = route.name();
        let admin = &callers.own[2];
        let mut objects = Objects::create(server, admin, &route).await;
        for (kind, token) in &callers.invalid {
            let response = route.request(server, token.as_deref(), &objects).send().await.unwrap();
            assert_eq!(response.status(), 401, "{name} with {kind}");
        }
        let mut strangers = Vec::new();
        for token in &callers.strangers {
            let response = route.request(server, Some(token), &objects).send().await.unwrap();
            strangers.push(response.status().as_u16());
            assert_shows_nothing_of(&objects, &name, response).await;
        }
        let mut own = Vec::new();
        for token in callers.own.iter().chain([&callers.admin_of_all]) {
            if route.method != Method::GET {
                objects = Objects::create(server, admin, &route).await;
            }
            let entries = newest_entry(server).await;
            let response = route.request(server, Some(token), &objects).send().await.unwrap();
            let status = response.status();
            drop(response);
            own.push(status.as_u16());
            // A call is recorded in its run.
            let is_call = route.path.starts_with("/v1/") && !route.is_of_batches();
            let is_change = status.is_success() && route.method != Method::GET && !is_call;
            assert_eq!(newest_entry(server).await != entries, is_change, "audit log of {name}: {status}");
        }
        let admin_of_all = own.pop().unwrap();
        rows.push(Row { route: name, invalid: 401, own, strangers, admin_of_all });
    }
    rows
}

async fn newest_entry(server: &Server) -> Value {
    server.get("/audit?limit=1").await["items"][0]["id"].clone()
}

/// Fails if a stranger's answer names an object.
async fn assert_shows_nothing_of(objects: &Objects, route: &str, response: Response) {
    let is_stream = response.headers().get("content-type").is_some_and(|it| it == "text/event-stream");
    if is_stream || !response.status().is_success() {
        return;
    }
    let text = response.text().await.unwrap();
    for id in objects.ids() {
        assert!(!text.contains(id), "{route} shows {id}: {text}");
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = "| request | no valid token | `observe` | `submit` | `admin` | stranger's `observe` | \
                     stranger's `submit` | stranger's `admin` | `admin` of all tenants |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for row in rows {
        let Row { route, invalid, own, strangers, admin_of_all } = row;
        write!(table, "| `{route}` | {invalid} |").unwrap();
        for status in own.iter().chain(strangers).chain([admin_of_all]) {
            write!(table, " {status} |").unwrap();
        }
        table.push('\n');
    }
    table
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md")
}

#[tokio::test]
async fn every_route_answers_each_token_as_the_table_says() {
    let server = Server::start().await;
    let rows = walk(&server).await;

    for row in &rows {
        let is_closed = |status: &u16| [403, 404].contains(status);
        if row.route.contains("{id}") {
            assert!(row.strangers.iter().all(is_closed), "{}: {:?}", row.route, row.strangers);
        }
        assert!(
            row.own.iter().any(|status| *status < 400 || *status == 503) || row.admin_of_all < 400,
            "{}",
            row.route
        );
    }
    let text = std::fs::read_to_string(page()).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("the page has the mark of the table");
    let (found, tail) = rest.split_once(END).expect("the page has the mark of the table's end");
    let want = format!("\n{}\n", table(&rows));
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(page(), format!("{head}{BEGIN}{want}{END}{tail}")).unwrap();
    } else {
        assert_eq!(found, want, "the table of docs/security.md is old: WRITE_DOCS=1 writes it");
    }
}

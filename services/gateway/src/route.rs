use hyper::{
    Method, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::{
    anthropic::Messages,
    body::Body,
    gemini::{self, Gemini},
    openai::{self, Chat, Responses},
    protocol::{Fault, serve},
    query::{decoded, parameter},
    record::push_line,
    server::App,
};

/// Records in one page of `/_gateway/calls`, if the reader does not say less.
const PAGE_MAX: usize = 10_000;
/// The number to continue a page after.
const NEXT: HeaderName = HeaderName::from_static("x-gateway-next");
/// How many records are gone.
const DROPPED: HeaderName = HeaderName::from_static("x-gateway-dropped");

pub(crate) async fn route(app: &App, request: Request<Incoming>) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, _) => answer(app, request).await,
        (&Method::GET, "/v1/models") => openai::models(app),
        (&Method::GET, "/_gateway/calls") => calls(app, query(&request)),
        (&Method::DELETE, "/_gateway/calls") => reset(app),
        (&Method::GET, "/_gateway/stats") => stats(app),
        (&Method::GET, "/healthz") => typed("application/json", br#"{"status":"ok"}"#.to_vec()),
        (_, path) => match path.strip_prefix("/v1/models/") {
            Some(name) if request.method() == Method::GET => openai::model(app, &decoded(name)),
            _ => no_such_path(path),
        },
    }
}

/// Each protocol at its path.
async fn answer(app: &App, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    if let Some(gemini) = Gemini::at(path, query(&request)) {
        return serve(app, gemini, request).await;
    }
    if let Some(deployment) = deployment(path) {
        let chat = Chat::deployed(decoded(deployment).into_owned());
        return serve(app, chat, request).await;
    }
    match path {
        "/v1/chat/completions" => serve(app, Chat::default(), request).await,
        "/v1/responses" => serve(app, Responses, request).await,
        "/v1/messages" => serve(app, Messages, request).await,
        path => no_such_path(path),
    }
}

/// The model in a path as Azure has it.
fn deployment(path: &str) -> Option<&str> {
    path.strip_prefix("/openai/deployments/")?.strip_suffix("/chat/completions")
}

fn no_such_path(path: &str) -> Response<Body> {
    let fault = Fault::NoSuchPath(path.to_owned());
    let failure =
        if path.starts_with("/v1beta/") { gemini::failure(&fault) } else { openai::failure(&fault) };
    failure.respond(Body::plain)
}

fn query(request: &Request<Incoming>) -> &str {
    request.uri().query().unwrap_or_default()
}

/// `?after=<seq>&limit=<count>`: the records that follow, one a line. An empty page is the end so far.
fn calls(app: &App, query: &str) -> Response<Body> {
    let number = |name| parameter(query, name).and_then(|value| value.parse::<u64>().ok());
    let after = number("after").unwrap_or(0);
    let limit =
        number("limit").map_or(PAGE_MAX, |limit| usize::try_from(limit).unwrap_or(PAGE_MAX).min(PAGE_MAX));
    let records = app.recorder.calls(after, limit);
    let mut lines = Vec::new();
    for record in &records {
        push_line(&mut lines, record);
    }
    let mut response = typed("application/x-ndjson", lines);
    let next = records.last().map_or(after, |record| record.seq);
    response.headers_mut().insert(NEXT, next.into());
    response.headers_mut().insert(DROPPED, app.recorder.stats().calls_dropped.into());
    response
}

fn reset(app: &App) -> Response<Body> {
    app.recorder.reset();
    stats(app)
}

fn stats(app: &App) -> Response<Body> {
    let stats = app.recorder.stats();
    typed("application/json", serde_json::to_vec(&stats).expect("counts serialize"))
}

fn typed(content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::plain(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

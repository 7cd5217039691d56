use hyper::{
    Method, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::{
    body::Body,
    openai::{self, ApiError},
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
    let path = request.uri().path();
    match (request.method(), path) {
        (&Method::POST, "/v1/chat/completions") => openai::chat(app, request).await,
        (&Method::GET, "/v1/models") => openai::models(app),
        (&Method::GET, "/_gateway/calls") => calls(app, request.uri().query().unwrap_or_default()),
        (&Method::DELETE, "/_gateway/calls") => reset(app),
        (&Method::GET, "/_gateway/stats") => stats(app),
        (&Method::GET, "/healthz") => typed("application/json", br#"{"status":"ok"}"#.to_vec()),
        (&Method::GET, path) if let Some(name) = path.strip_prefix("/v1/models/") => openai::model(app, name),
        (_, path) => ApiError::no_such_path(path).respond_plainly(),
    }
}

/// `?after=<seq>&limit=<count>`: the records that follow, one a line. An empty page is the end so far.
fn calls(app: &App, query: &str) -> Response<Body> {
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<u64>().ok())
    };
    let after = parameter("after").unwrap_or(0);
    let limit =
        parameter("limit").map_or(PAGE_MAX, |limit| usize::try_from(limit).unwrap_or(PAGE_MAX).min(PAGE_MAX));
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

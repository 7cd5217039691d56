use hyper::{
    Method, Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use crate::{
    anthropic::Messages,
    app::App,
    gemini::{self, Gemini},
    openai::{self, Chat, Responses},
    protocol::Fault,
    query::{decoded, parameter},
    record::push_line,
    response_body::ResponseBody,
    serve::serve,
};

/// Maximum number of records in one page of `/_gateway/calls`. A reader can ask for fewer.
const PAGE_MAX: usize = 10_000;
/// Header of the number after which the next page begins.
const NEXT: HeaderName = HeaderName::from_static("x-gateway-next");
/// Header of the number of records that were dropped.
const DROPPED: HeaderName = HeaderName::from_static("x-gateway-dropped");

pub(crate) async fn route(app: &App, request: Request<Incoming>) -> Response<ResponseBody> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, _) => call_model(app, request).await,
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

/// Serves each protocol at its paths.
async fn call_model(app: &App, request: Request<Incoming>) -> Response<ResponseBody> {
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

/// Returns the model in a path of Azure's form.
fn deployment(path: &str) -> Option<&str> {
    path.strip_prefix("/openai/deployments/")?.strip_suffix("/chat/completions")
}

fn no_such_path(path: &str) -> Response<ResponseBody> {
    let fault = Fault::NoSuchPath(path.to_owned());
    let response = if path.starts_with("/v1beta/") {
        gemini::error_response(&fault)
    } else {
        openai::error_response(&fault)
    };
    response.respond(ResponseBody::plain)
}

fn query(request: &Request<Incoming>) -> &str {
    request.uri().query().unwrap_or_default()
}

/// Returns the records after `?after=<seq>`, at most `&limit=<count>`, one per line. The page is empty if there are
/// none yet.
fn calls(app: &App, query: &str) -> Response<ResponseBody> {
    let (after, limit) = match (number(query, "after"), number(query, "limit")) {
        (Ok(after), Ok(limit)) => (after.unwrap_or(0), limit),
        (Err(fault), _) | (_, Err(fault)) => {
            return openai::error_response(&fault).respond(ResponseBody::plain);
        }
    };
    let limit = limit.map_or(PAGE_MAX, |limit| usize::try_from(limit).unwrap_or(PAGE_MAX).min(PAGE_MAX));
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

fn number(query: &str, param: &'static str) -> Result<Option<u64>, Fault> {
    let message = "must be a whole number from 0 to 18446744073709551615";
    let number = parameter(query, param).map(|value| value.parse());
    number.transpose().map_err(|_| Fault::Invalid { message, param })
}

fn reset(app: &App) -> Response<ResponseBody> {
    app.recorder.reset();
    stats(app)
}

fn stats(app: &App) -> Response<ResponseBody> {
    let stats = app.recorder.stats();
    typed("application/json", serde_json::to_vec(&stats).expect("counts serialize"))
}

fn typed(content_type: &'static str, body: Vec<u8>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::plain(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

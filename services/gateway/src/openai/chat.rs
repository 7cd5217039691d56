use std::{future::pending, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use tokio::time::{sleep_until, timeout};

use super::{ApiError, completion::Answer, request::ChatRequest, stream};
use crate::{
    behaviour::{Completion, Ending, Identity, Model, NAME_BYTES_MAX, Pace, Plan},
    body::Body,
    caller::Caller,
    record::{Arrival, CallHead, OpenCall},
    server::App,
};

/// How long a request's body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(60);

/// `POST /v1/chat/completions`: read, plan, perform. Every call is recorded, also one that cannot be read.
pub(crate) async fn chat(app: &App, request: Request<Incoming>) -> Response<Body> {
    let arrival = app.recorder.arrival();
    let (head, body) = request.into_parts();
    let caller = Caller::of(&head.headers);
    let body = match read(body, app.body_bytes_max).await {
        Ok(body) => body,
        Err(error) => return error.respond(begin(app, arrival, &caller, None)),
    };
    let request = match ChatRequest::parse(&body) {
        Ok(request) => request,
        Err(error) => return error.respond(begin(app, arrival, &caller, None)),
    };
    let call = begin(app, arrival, &caller, Some(&request));
    match app.models.find(&request.model) {
        Ok(model) => perform(app, &model, caller.identity(&body), &request, call).await,
        Err(why) => ApiError::no_such_model(&request.model, &why).respond(call),
    }
}

async fn read(body: Incoming, bytes_max: usize) -> Result<Bytes, ApiError> {
    match timeout(BODY_TIME_MAX, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ApiError::body_too_large(bytes_max))
        }
        Ok(Err(_)) | Err(_) => Err(ApiError::body_incomplete()),
    }
}

fn begin(app: &App, arrival: Arrival, caller: &Caller, request: Option<&ChatRequest<'_>>) -> OpenCall {
    let model = request.map_or("", |request| &*request.model);
    let head = CallHead {
        model: model[..model.floor_char_boundary(NAME_BYTES_MAX)].into(),
        key: caller.key_label.clone(),
        client_request_id: caller.client_request_id.clone(),
        streamed: request.is_some_and(|request| request.stream),
    };
    app.recorder.begin(arrival, head)
}

async fn perform(
    app: &App,
    model: &Model,
    identity: Identity,
    request: &ChatRequest<'_>,
    call: OpenCall,
) -> Response<Body> {
    match model.plan(identity, request.stream) {
        Plan::RejectStream => ApiError::cannot_stream().respond(call),
        Plan::Fail { status, retry_after } => ApiError::asked_for(status, retry_after).respond(call),
        Plan::Hang => pending().await,
        Plan::Answer { pace, ending } => {
            let answer = Answer {
                model: &request.model,
                number: identity.number(),
                created: call.arrival().at.as_second(),
                prompt_tokens: request.prompt_tokens(),
                completion: model.complete(request.prompt(), app.key.as_ref(), request.tokens_max()),
            };
            if request.stream {
                streamed(&answer, request.include_usage(), pace, ending, call)
            } else {
                buffered(&answer, pace, ending, call).await
            }
        }
    }
}

fn streamed(
    answer: &Answer<'_>,
    include_usage: bool,
    pace: Pace,
    ending: Ending,
    call: OpenCall,
) -> Response<Body> {
    let script = stream::script(answer, include_usage, ending);
    let mut response = Response::new(Body::stream(script, pace, call, OK));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The whole answer, when its last token would have come.
async fn buffered(answer: &Answer<'_>, pace: Pace, ending: Ending, call: OpenCall) -> Response<Body> {
    if !pace.is_immediate() {
        let Completion { tokens, .. } = answer.completion;
        sleep_until(call.arrival().since + pace.until_token(tokens.saturating_sub(1))).await;
    }
    let mut json = answer.json();
    let body = match ending {
        Ending::Whole => Body::whole(json, call, OK),
        Ending::Cut { .. } => {
            json.truncate(json.len() / 2);
            Body::broken(json, call, OK)
        }
        Ending::Malformed => {
            json.truncate(json.len() / 2);
            Body::whole(json, call, OK)
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

const OK: u16 = 200;

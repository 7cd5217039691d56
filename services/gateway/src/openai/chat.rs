use std::future::pending;

use hyper::{
    Request, Response,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use tokio::time::sleep_until;

use super::{ApiError, completion::Answer, request::ChatRequest, stream};
use crate::{
    behaviour::{Completion, Ending, Identity, Model, Pace, Plan},
    body::Body,
    caller::Caller,
    intake::{self, Asked, begin},
    record::OpenCall,
    server::App,
};

/// `POST /v1/chat/completions`: read, plan, perform. Every call is recorded, also one that cannot be read.
pub(crate) async fn chat(app: &App, request: Request<Incoming>) -> Response<Body> {
    let arrival = app.recorder.arrival();
    let (head, body) = request.into_parts();
    let caller = Caller::of(&head.headers);
    let body = match intake::read(body, app.body_bytes_max).await {
        Ok(body) => body,
        Err(why) => return ApiError::unread(&why).respond(begin(app, arrival, &caller, Asked::default())),
    };
    let request = match ChatRequest::parse(&body) {
        Ok(request) => request,
        Err(error) => return error.respond(begin(app, arrival, &caller, Asked::default())),
    };
    let asked = Asked { model: &request.model, stream: request.stream };
    let call = begin(app, arrival, &caller, asked);
    match app.models.find(&request.model) {
        Ok(model) => perform(app, &model, caller.identity(&body), &request, call).await,
        Err(why) => ApiError::no_such_model(&request.model, &why).respond(call),
    }
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

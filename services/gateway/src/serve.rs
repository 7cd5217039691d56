//! Serves one call to a model, from its request to its response, in any protocol.

use std::{future::pending, sync::Arc};

use hyper::{
    Request, Response,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use tokio::time::sleep_until;

use crate::{
    app::App,
    behaviour::{Completion, Ending, Identity, Model, NAME_BYTES_MAX, Pace, Plan},
    caller::Caller,
    limit::Standing,
    protocol::{Answer, Fault, ModelRequest, Protocol, render},
    record::{Arrival, CallHead, OpenCall},
    request_body,
    response_body::ResponseBody,
};

const OK: u16 = 200;

/// Reads a request, plans the call, and executes the plan. Every call is recorded, even if its request cannot be
/// read.
pub(crate) async fn serve<P: Protocol>(
    app: &App,
    protocol: P,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let arrival = app.recorder.arrival();
    let (head, body) = request.into_parts();
    let caller = Caller::of(&head);
    let body = request_body::read(body, app.body_bytes_max).await;
    let request = match &body {
        Ok(body) => protocol.read(body),
        Err(error) => Err(Fault::Body(*error)),
    };
    let call = begin(app, arrival, &caller, request.as_ref().ok());
    let identity = caller.identity(body.as_deref().unwrap_or_default());
    let pending = PendingCall { app, protocol: &protocol, identity, call };
    match caller.check().and(request).and_then(|request| Ok((find(app, &request.model)?, request))) {
        Ok((model, request)) => pending.perform(&model, &request).await,
        Err(fault) => pending.fail(&fault),
    }
}

/// Begins the call's record. From here on the call counts as in flight.
fn begin(app: &App, arrival: Arrival, caller: &Caller, request: Option<&ModelRequest<'_>>) -> OpenCall {
    let model = request.map_or("", |request| &*request.model);
    let head = CallHead {
        model: model[..model.floor_char_boundary(NAME_BYTES_MAX)].into(),
        key: caller.key_label.clone(),
        client_request_id: caller.client_request_id.clone(),
        streamed: request.is_some_and(|request| request.stream_mode.stream),
    };
    app.recorder.begin(arrival, head)
}

fn find(app: &App, name: &str) -> Result<Arc<Model>, Fault> {
    app.models.find(name).map_err(|why| Fault::no_such_model(name, why))
}

/// A recorded call that still needs its response.
struct PendingCall<'a, P> {
    app: &'a App,
    protocol: &'a P,
    identity: Identity,
    call: OpenCall,
}

impl<P: Protocol> PendingCall<'_, P> {
    async fn perform(mut self, model: &Model, request: &ModelRequest<'_>) -> Response<ResponseBody> {
        let plan = model.plan(self.identity, request.stream_mode);
        match plan {
            Plan::Refuse(refusal) => return self.fail(&Fault::Refused(refusal)),
            Plan::Fail { status, retry_after } => return self.fail(&Fault::AskedFor { status, retry_after }),
            Plan::Hang | Plan::Answer { .. } => {}
        }
        let completion = model.complete(request.completion_params(), self.app.key.as_ref());
        let tokens = (request.prompt_tokens + completion.tokens()) as u64;
        let (protocol, now) = (self.protocol, self.call.arrival().at);
        let (admitted, standing) = self.admit(model, &request.model, tokens);
        let mut response = match (admitted, plan) {
            (Err(fault), _) => self.fail(&fault),
            (Ok(()), Plan::Answer { pace, ending }) => {
                self.answer(model, request, completion, pace, ending).await
            }
            (Ok(()), _) => pending().await,
        };
        if model.headers {
            protocol.tell_limits(response.headers_mut(), &standing, now);
        }
        response
    }

    /// Admits the call if it is within the model's limits, and returns their state.
    fn admit(&mut self, model: &Model, name: &str, tokens: u64) -> (Result<(), Fault>, Standing) {
        if model.limits.is_none() {
            self.call.admit(None, tokens);
            return (Ok(()), Standing::default());
        }
        let (admitted, standing) = self.app.limiter.admit((self.call.key(), name), &model.limits, tokens);
        let admitted = admitted.map(|permit| self.call.admit(Some(permit), tokens));
        let retry_after = model.retry_after;
        (
            admitted.map_err(|excess| Fault::RateLimited { model: name.to_owned(), excess, retry_after }),
            standing,
        )
    }

    async fn answer(
        self,
        model: &Model,
        request: &ModelRequest<'_>,
        completion: Completion<'_>,
        pace: Pace,
        ending: Ending,
    ) -> Response<ResponseBody> {
        if model.hold {
            self.app.released.cancelled().await;
        }
        let (number, created) = (self.identity.number(), self.call.arrival().at.as_second());
        let answer = Answer { request, number, created, completion };
        match ending {
            _ if request.stream_mode.stream => self.stream(&answer, pace, ending),
            // The status of a buffered response was not sent yet, so it can report the overload.
            Ending::Overloaded { .. } => self.fail(&Fault::Overloaded { retry_after: model.retry_after }),
            _ => self.whole(&answer, pace, ending).await,
        }
    }

    fn stream(self, answer: &Answer<'_>, pace: Pace, ending: Ending) -> Response<ResponseBody> {
        let stream = render(&mut self.protocol.events(answer), &answer.completion, ending);
        let mut response = Response::new(ResponseBody::stream(stream, pace, self.call, OK));
        response.headers_mut().insert(CONTENT_TYPE, self.protocol.stream_type());
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    /// Responds at the time at which a stream would have sent its last token.
    async fn whole(self, answer: &Answer<'_>, pace: Pace, ending: Ending) -> Response<ResponseBody> {
        if !pace.is_immediate() {
            let last = answer.completion.tokens().saturating_sub(1);
            sleep_until(self.call.arrival().since + pace.until_token(last)).await;
        }
        let mut json = self.protocol.whole(answer);
        if ending != Ending::Whole {
            json.truncate(json.len() / 2);
        }
        let body = match ending {
            Ending::Cut { .. } => ResponseBody::broken(json, self.call, OK),
            _ => ResponseBody::whole(json, self.call, OK),
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn fail(self, fault: &Fault) -> Response<ResponseBody> {
        let response = self.protocol.error_response(fault, self.identity.number());
        let status = response.status;
        response.respond(|json| ResponseBody::whole(json, self.call, status))
    }
}

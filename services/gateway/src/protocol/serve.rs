use std::{future::pending, sync::Arc};

use hyper::{
    Request, Response,
    body::Incoming,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use tokio::time::sleep_until;

use super::{Answer, Asked, Fault, Protocol, script};
use crate::{
    behaviour::{Ending, Identity, Model, NAME_BYTES_MAX, Pace, Plan},
    body::Body,
    caller::Caller,
    intake,
    record::{Arrival, CallHead, OpenCall},
    server::App,
};

const OK: u16 = 200;

/// A call: read, plan, perform. Every one is recorded, also one that cannot be read.
pub(crate) async fn serve<P: Protocol>(app: &App, protocol: P, request: Request<Incoming>) -> Response<Body> {
    let arrival = app.recorder.arrival();
    let (head, body) = request.into_parts();
    let caller = Caller::of(&head);
    let body = intake::read(body, app.body_bytes_max).await;
    let asked = match &body {
        Ok(body) => protocol.read(body),
        Err(why) => Err(Fault::Unread(*why)),
    };
    let call = begin(app, arrival, &caller, asked.as_ref().ok());
    let identity = caller.identity(body.as_deref().unwrap_or_default());
    let exchange = Exchange { app, protocol: &protocol, identity, call };
    match caller.check().and(asked).and_then(|asked| Ok((find(app, &asked.model)?, asked))) {
        Ok((model, asked)) => exchange.perform(&model, &asked).await,
        Err(fault) => exchange.fail(&fault),
    }
}

/// From here on the call is in flight, and will be on record.
fn begin(app: &App, arrival: Arrival, caller: &Caller, asked: Option<&Asked<'_>>) -> OpenCall {
    let model = asked.map_or("", |asked| &*asked.model);
    let head = CallHead {
        model: model[..model.floor_char_boundary(NAME_BYTES_MAX)].into(),
        key: caller.key_label.clone(),
        client_request_id: caller.client_request_id.clone(),
        streamed: asked.is_some_and(|asked| asked.form.stream),
    };
    app.recorder.begin(arrival, head)
}

fn find(app: &App, name: &str) -> Result<Arc<Model>, Fault> {
    app.models.find(name).map_err(|why| Fault::no_such_model(name, why))
}

/// A call that is to be answered, one way or the other.
struct Exchange<'a, P> {
    app: &'a App,
    protocol: &'a P,
    identity: Identity,
    call: OpenCall,
}

impl<P: Protocol> Exchange<'_, P> {
    async fn perform(self, model: &Model, asked: &Asked<'_>) -> Response<Body> {
        let (pace, ending) = match model.plan(self.identity, asked.form) {
            Plan::Refuse(refusal) => return self.fail(&Fault::Refused(refusal)),
            Plan::Fail { status, retry_after } => return self.fail(&Fault::AskedFor { status, retry_after }),
            Plan::Hang => pending().await,
            Plan::Answer { pace, ending } => (pace, ending),
        };
        let answer = Answer {
            asked,
            number: self.identity.number(),
            created: self.call.arrival().at.as_second(),
            completion: model.complete(asked.wish(), self.app.key.as_ref()),
        };
        match ending {
            _ if asked.form.stream => self.stream(&answer, pace, ending),
            // What can be said in a status is not said in an answer.
            Ending::Overloaded { .. } => self.fail(&Fault::Overloaded { retry_after: model.retry_after }),
            _ => self.whole(&answer, pace, ending).await,
        }
    }

    fn stream(self, answer: &Answer<'_>, pace: Pace, ending: Ending) -> Response<Body> {
        let script = script(&mut self.protocol.events(answer), &answer.completion, ending);
        let mut response = Response::new(Body::stream(script, pace, self.call, OK));
        response.headers_mut().insert(CONTENT_TYPE, self.protocol.stream_type());
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    /// When its last token would have come.
    async fn whole(self, answer: &Answer<'_>, pace: Pace, ending: Ending) -> Response<Body> {
        if !pace.is_immediate() {
            let last = answer.completion.tokens().saturating_sub(1);
            sleep_until(self.call.arrival().since + pace.until_token(last)).await;
        }
        let mut json = self.protocol.whole(answer);
        if ending != Ending::Whole {
            json.truncate(json.len() / 2);
        }
        let body = match ending {
            Ending::Cut { .. } => Body::broken(json, self.call, OK),
            _ => Body::whole(json, self.call, OK),
        };
        let mut response = Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn fail(self, fault: &Fault) -> Response<Body> {
        let failure = self.protocol.failure(fault, self.identity.number());
        let status = failure.status;
        failure.respond(|json| Body::whole(json, self.call, status))
    }
}

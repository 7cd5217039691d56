use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;

use super::failure;
use crate::{body::Body, protocol::Fault, server::App};

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

/// `GET /v1/models`: the bases. With modifiers there are more models than can be listed.
pub(crate) fn models(app: &App) -> Response<Body> {
    let data = app.models.bases().iter().map(|base| entry(base)).collect();
    json(&List { object: "list", data })
}

/// `GET /v1/models/{id}`: any name that is understood.
pub(crate) fn model(app: &App, name: &str) -> Response<Body> {
    match app.models.find(name) {
        Ok(_) => json(&entry(name)),
        Err(why) => failure(&Fault::no_such_model(name, why)).respond(Body::plain),
    }
}

fn entry(id: &str) -> Entry<'_> {
    Entry { id, object: "model", created: 0, owned_by: "runmill" }
}

fn json(value: &impl Serialize) -> Response<Body> {
    let mut response = Response::new(Body::plain(serde_json::to_vec(value).expect("plain data serializes")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

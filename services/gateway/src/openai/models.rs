use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Serialize;

use super::error_response;
use crate::{app::App, protocol::Fault, response_body::ResponseBody};

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

/// `GET /v1/models`: lists the bases, because modifiers make more models than can be listed.
pub(crate) fn models(app: &App) -> Response<ResponseBody> {
    let data = app.models.bases().iter().map(|base| entry(base)).collect();
    json(&List { object: "list", data })
}

/// `GET /v1/models/{id}`: describes any model whose name can be parsed.
pub(crate) fn model(app: &App, name: &str) -> Response<ResponseBody> {
    match app.models.find(name) {
        Ok(_) => json(&entry(name)),
        Err(why) => error_response(&Fault::no_such_model(name, why)).respond(ResponseBody::plain),
    }
}

fn entry(id: &str) -> Entry<'_> {
    Entry { id, object: "model", created: 0, owned_by: "runmill" }
}

fn json(value: &impl Serialize) -> Response<ResponseBody> {
    let mut response =
        Response::new(ResponseBody::plain(serde_json::to_vec(value).expect("plain data serializes")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

use super::response::Response;
use crate::{
    ChatResponse, ModelError,
    protocol::{UnusableAnswer, draft::Draft},
};

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
    let body =
        str::from_utf8(body).map_err(|_| ModelError::Malformed { message: "it is not UTF-8".to_owned() })?;
    let response = Response::read(body)?;
    whole(&response).map_err(|error| UnusableAnswer { error, usage: response.usage().into() })
}

fn whole(response: &Response<'_>) -> Result<ChatResponse, ModelError> {
    let mut draft = Draft::default();
    response.add_to(&mut draft)?;
    response.complete(&mut draft)
}

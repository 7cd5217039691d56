//! Common parts of OpenAI's two protocols: the server's dialect (names of models, paths, header of the key), the
//! format of images, and the reading of errors.

mod azure;
mod dialect;
mod effort;
pub(super) mod error;
pub(super) mod usage;

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, InvalidHeaderValue},
};

use runmill_proto::Image;

pub use dialect::Dialect;
pub(super) use dialect::{EffortShape, OpenSampling, SeedName, StreamOptions, TokenLimit};
pub(super) use effort::effort_word;

use dialect::KeyHeader;

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Returns the headers of every request.
pub(super) fn headers(dialect: Dialect, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = api_key {
        let (name, value) = match dialect.key_header {
            KeyHeader::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
            KeyHeader::ApiKey => (API_KEY, key.to_owned()),
        };
        let mut value = HeaderValue::try_from(value)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Returns an image's URL. For an inline image it is a `data:` URL.
pub(super) fn image_url(image: &Image) -> Cow<'_, str> {
    match image {
        Image::Url { url } => Cow::Borrowed(url),
        Image::Inline { mime_type, data, .. } => Cow::Owned(format!("data:{mime_type};base64,{data}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_where_the_server_looks_for_it_and_is_not_shown() {
        let table = [
            (Dialect::OPENAI, "authorization", "Bearer sk-1"),
            (Dialect::COMPATIBLE, "authorization", "Bearer sk-1"),
            (dialect::AZURE, "api-key", "sk-1"),
        ];
        for (dialect, name, want) in table {
            let sent = headers(dialect, Some("sk-1")).unwrap();
            assert_eq!((sent.len(), sent[name].to_str().unwrap()), (2, want));
            assert!(sent[name].is_sensitive());
            assert_eq!(headers(dialect, None).unwrap().len(), 1);
        }
    }
}

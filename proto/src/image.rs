use serde::{Deserialize, Serialize};

/// An image of an item: the URL from which the provider fetches it, a `data:` URL, or the bytes in base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(
    untagged,
    expecting = "an image is {\"url\": ...} or {\"mime_type\": \"image/png\", \"encoding\": \"base64\", \"data\": ...}"
)]
pub enum Image {
    Url { url: String },
    Inline { mime_type: String, encoding: String, data: String },
}

/// Error for an image that no provider could read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    #[error("`url` must begin with https://, http:// or data:; put the bytes of a local file into `data`")]
    Url,
    #[error("`url` must be data:image/...;base64, followed by base64")]
    DataUrl,
    #[error("`mime_type` must begin with image/, such as image/png")]
    MediaType,
    #[error("`encoding` must be base64")]
    Encoding,
    #[error("`data` must be base64, with = at its end where its length needs it, and without white space")]
    Data,
}

impl Image {
    /// Checks the form of the image. Its bytes are not decoded.
    pub fn fault(&self) -> Option<ImageFault> {
        match self {
            Self::Url { url } => url_fault(url),
            Self::Inline { mime_type, .. } if !is_image(mime_type) => Some(ImageFault::MediaType),
            Self::Inline { encoding, .. } if encoding != "base64" => Some(ImageFault::Encoding),
            Self::Inline { data, .. } => (!is_base64(data)).then_some(ImageFault::Data),
        }
    }
}

fn url_fault(url: &str) -> Option<ImageFault> {
    if let Some(data) = url.strip_prefix("data:") {
        let parts = data.split_once(";base64,");
        let fits = parts.is_some_and(|(media_type, data)| is_image(media_type) && is_base64(data));
        return (!fits).then_some(ImageFault::DataUrl);
    }
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let fits = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
    (!fits).then_some(ImageFault::Url)
}

fn is_image(media_type: &str) -> bool {
    media_type.strip_prefix("image/").is_some_and(|kind| !kind.is_empty())
}

/// Returns true for base64 in the standard alphabet of RFC 4648 with padding.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !digits.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(mime_type: &str, encoding: &str, data: &str) -> Image {
        Image::Inline { mime_type: mime_type.into(), encoding: encoding.into(), data: data.into() }
    }

    #[test]
    fn an_image_has_a_form_that_providers_read() {
        let url = |url: &str| Image::Url { url: url.into() };
        let table = [
            (url("https://example.org/x.png"), None),
            (url("http://10.0.0.1/x"), None),
            (url("data:image/png;base64,iVBORw0KGgo="), None),
            (url("pictures/x.png"), Some(ImageFault::Url)),
            (url("/home/me/x.png"), Some(ImageFault::Url)),
            (url("file:///x.png"), Some(ImageFault::Url)),
            (url("https://"), Some(ImageFault::Url)),
            (url("data:image/png,abcd"), Some(ImageFault::DataUrl)),
            (url("data:text/plain;base64,abcd"), Some(ImageFault::DataUrl)),
            (url("data:image/png;base64,ab!d"), Some(ImageFault::DataUrl)),
            (inline("image/jpeg", "base64", "/9j/4A=="), None),
            (inline("jpeg", "base64", "abcd"), Some(ImageFault::MediaType)),
            (inline("image/jpeg", "hex", "abcd"), Some(ImageFault::Encoding)),
            (inline("image/jpeg", "base64", "abc"), Some(ImageFault::Data)),
            (inline("image/jpeg", "base64", "a==="), Some(ImageFault::Data)),
            (inline("image/jpeg", "base64", "ab\ncd123"), Some(ImageFault::Data)),
            (inline("image/jpeg", "base64", ""), Some(ImageFault::Data)),
        ];
        for (image, want) in table {
            assert_eq!(image.fault(), want, "{image:?}");
        }
    }
}

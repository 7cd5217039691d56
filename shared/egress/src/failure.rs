use std::{error::Error, iter};

/// Returns an error and its causes, the outermost first.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

/// Returns the words of an error and of its causes. The words of an error of a client have its URL, which may be secret,
/// unless [`reqwest::Error::without_url`] has removed it.
pub fn words(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

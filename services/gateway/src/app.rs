use std::sync::Arc;

use crate::{answer_key::AnswerKey, behaviour::Catalog, record::Recorder};

/// State that all connections share.
#[derive(Debug)]
pub(crate) struct App {
    pub key: Option<AnswerKey>,
    pub models: Catalog,
    pub recorder: Arc<Recorder>,
    pub body_bytes_max: usize,
}

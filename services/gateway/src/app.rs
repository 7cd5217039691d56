use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{answer_key::AnswerKey, behaviour::Catalog, limit::Limiter, record::Recorder};

/// State that all connections share.
#[derive(Debug)]
pub(crate) struct App {
    pub key: Option<AnswerKey>,
    pub models: Catalog,
    pub limiter: Limiter,
    pub recorder: Arc<Recorder>,
    pub body_bytes_max: usize,
    /// Ends the wait of calls to models with `hold`.
    pub released: CancellationToken,
}

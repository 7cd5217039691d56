//! Lines of a file, a page at a time.

use runmill_proto::{DatasetId, message::JobItem};
use runmill_store::{DispatcherStore, StoreError};

/// Number of lines of a page. Long lines are read one by one, so a page has at most 4 MB, and one line more.
pub const PAGE: u32 = 64;

/// Returns the lines of a dataset from `from` on, at most [`PAGE`]. It has no lines left if there are fewer.
pub async fn page(store: &dyn DispatcherStore, id: DatasetId, from: u32) -> Result<Vec<Body>, StoreError> {
    let items = store.job_items(id, from, PAGE).await?;
    Ok((from..).zip(items).map(|(ordinal, item)| Body { ordinal, item }).collect())
}

/// A line, which is read only if it is needed.
pub struct Body {
    pub ordinal: u32,
    item: JobItem,
}

impl Body {
    pub async fn text(self, store: &dyn DispatcherStore) -> Result<String, StoreError> {
        match self.item {
            JobItem::Inline(text) => Ok(text),
            JobItem::Reference(id) => {
                let stored = store.items(id, self.ordinal, 1).await?.pop();
                let stored =
                    stored.ok_or(StoreError::NotFound { what: "line", id: self.ordinal.to_string() })?;
                Ok(stored.body)
            }
        }
    }
}

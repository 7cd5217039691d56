//! Prices of tokens: price tables, and the cost of a call.
//!
//! Money is in whole numbers: prices in picodollars per token, and the cost of a call in nanodollars, rounded once. A table
//! is read from text, in runmill's own format or in LiteLLM's; `docs/prices.md` describes both, and the lookup of a model.

mod bill;
mod error;
mod fields;
mod format;
mod name;
mod off_peak;
mod part;
mod price;
mod rates;
mod seller;
mod table;
mod terms;
mod tokens;
mod uplift;

pub use error::{FieldFault, PriceTableError};
pub use part::Unpriced;
pub use price::Price;
pub use seller::{Seller, is_host_of};
pub use table::PriceTable;
pub use terms::{Hours, Place, ServiceTier, Terms};
pub use tokens::{BYTES_PER_TOKEN, TOKENS_PER_MESSAGE, estimate_message_tokens, estimate_tokens};

//! What tokens cost: price tables, and the cost of a call.
//!
//! Money is whole numbers: prices are picodollars per token, and a call's cost is nanodollars, rounded once. A table is
//! read from text, in our own format or in LiteLLM's; `docs/prices.md` describes both, and how a model is looked up.

mod error;
mod fields;
mod format;
mod name;
mod price;
mod rates;
mod seller;
mod table;
mod tokens;

pub use error::PriceTableError;
pub use price::Price;
pub use seller::{Seller, is_host_of};
pub use table::PriceTable;
pub use tokens::{BYTES_PER_TOKEN, TOKENS_PER_MESSAGE, estimate_message_tokens, estimate_tokens};

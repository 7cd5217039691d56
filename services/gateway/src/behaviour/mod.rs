//! What a call will do, decided before a byte is written and apart from any protocol.
//!
//! | part of a model's name | means |
//! | --- | --- |
//! | `echo` | base: answers with the user's own text |
//! | `lorem` | base: answers with 16 words of filler |
//! | `key`, `key=0.8` | base: answers from the answer key, rightly for that share of its items |
//! | `ttft=200ms` | the time to the first token; `ms` or `s`, up to 600 s |
//! | `tokens=64` | the answer has that many tokens, 1 to 100,000; `key` reasons first and answers last, and keeps its answer whole |
//! | `tps=50` | tokens a second after the first, 1 to 1,000,000; without it they come at once |
//! | `fail=429:0.1` | that share of the calls gets that status (400 to 599), at once; may be repeated, the shares add up |
//! | `retry-after=2` | failures carry `retry-after`, in seconds |
//! | `nostream` | a request to stream gets 400, as from a model that cannot |
//! | `hang`, `hang:0.1` | accepts the request and never answers |
//! | `malformed`, `malformed:0.1` | answers with JSON that breaks off |
//! | `cut=10`, `cut=10:0.1` | the stream ends after ten tokens, without its terminator; a buffered answer breaks off with its connection |
//!
//! They are decided in this order: `nostream`, `fail`, `hang`, `malformed`, `cut`. The shares of different
//! words are drawn independently. A token is a word with the white space before it.

mod compose;
mod identity;
mod model;
mod plan;

pub use compose::{Completion, Finish, tokens};
pub use identity::Identity;
pub use model::{Base, Cut, Model, ModelFault, NAME_BYTES_MAX};
pub use plan::{Ending, Pace, Plan};

mod catalog;

pub(crate) use catalog::{Catalog, Unknown};

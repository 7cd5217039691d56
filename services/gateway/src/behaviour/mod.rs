//! Decides on the behaviour of a call, before the response is written and in the same way for all protocols.
//!
//! A [`Model`] is a parsed model name. From the [`Identity`] of a call it makes a [`Plan`], and from the prompt a
//! [`Completion`]. A protocol writes both in its own format.

mod catalog;
mod compose;
mod identity;
mod model;
mod plan;
mod refusal;

pub(crate) use catalog::{Catalog, UnknownModel};
pub(crate) use compose::{Completion, CompletionParams, Finish, Part, tokens};
pub(crate) use identity::Identity;
pub(crate) use model::{Base, Model, ModelFault, NAME_BYTES_MAX};
pub(crate) use plan::{Ending, Pace, Plan};
pub(crate) use refusal::{Refusal, StreamMode};

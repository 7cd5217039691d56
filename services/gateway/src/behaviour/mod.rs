//! What a call will do, decided before a byte is written and apart from any protocol.
//!
//! A [`Model`] is a name understood; with the [`Identity`] of a call it gives a [`Plan`], and with the prompt a
//! [`Completion`]. A protocol writes both in its own words.

mod catalog;
mod compose;
mod identity;
mod model;
mod plan;

pub(crate) use catalog::{Catalog, Unknown};
pub(crate) use compose::{Completion, Finish, Part, Wish, tokens};
pub(crate) use identity::Identity;
pub(crate) use model::{Base, Model, ModelFault, NAME_BYTES_MAX};
pub(crate) use plan::{Ending, Form, Pace, Plan, Refusal};

//! An executor over a broker in memory, which says all that happens to its messages, an `SQLite` file, and a model
//! that answers when it is told to.

mod ending;
mod model;
mod refusing;
mod stopping;
mod watched;
mod world;

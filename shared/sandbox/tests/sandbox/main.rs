//! Real programs in real sandboxes, by every tool that is installed. All of them are harmless where nothing contains
//! them: their loops are bounded, and what they take is small.

mod cheating;
mod containment;
mod detection;
mod judging;
mod support;

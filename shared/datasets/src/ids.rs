use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{Place, ReadItem};

/// The ids of a file so far, by their hashes of 128 bits, so that a long id needs no more memory than a short one.
#[derive(Default)]
pub struct Ids(HashMap<(u64, u64), Place>);

/// Error for an item whose id an earlier one has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: the id `{id}` is that of {first}, too; ids must be unique")]
pub struct SameId {
    place: Place,
    id: String,
    first: Place,
}

impl Ids {
    /// Adds the id of an item. Fails if it is known.
    pub fn add(&mut self, read: &ReadItem) -> Result<(), SameId> {
        let id = &read.item.id;
        match self.0.insert((hash(id, 0), hash(id, 1)), read.place) {
            None => Ok(()),
            Some(first) => Err(SameId { place: read.place, id: id.clone(), first }),
        }
    }
}

fn hash(id: &str, salt: u8) -> u64 {
    let mut hasher = DefaultHasher::new();
    (salt, id).hash(&mut hasher);
    hasher.finish()
}

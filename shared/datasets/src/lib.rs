//! Files of questions as people have them: recognised by their bytes, read row by row, and read as items.
//!
//! A value means the same in every format. What could mean two things is refused, with the words that decide it.

mod cell;
mod fault;
mod format;
mod ids;
mod items;
mod json;
mod literal;
mod mapping;
mod row;
mod rows;
mod source;
mod time;

pub use crate::{
    cell::{Cell, json_object},
    fault::{ReadError, RowFault},
    format::{Compression, Format, NotRead},
    ids::{Ids, SameId},
    items::{Items, Options, Plan, ReadItem},
    json::JsonFault,
    mapping::{
        AnswerFault, AnswerFrom, ChoicesFrom, ConversationFault, MapError, MapFault, Mapping, Path, Reading,
    },
    row::{Fields, Place, Row},
    rows::{Bounds, Rows},
    source::Source,
};

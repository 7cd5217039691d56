use std::io;

use crate::{JsonFault, MapError, MapFault, NotRead, Place};

/// Error for a file that cannot be read, without its name.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is a folder")]
    Folder,
    #[error("the compressed file cannot be unpacked: {0}")]
    Unpack(#[source] io::Error),
    #[error("{0}")]
    NotRead(#[from] NotRead),
    #[error("the header names the column `{0}` twice")]
    ColumnTwice(String),
    #[error("the file cannot be read as {kind}: {reason}")]
    Columnar { kind: &'static str, reason: String },
    #[error("{0}")]
    Map(#[from] MapError),
    #[error("{place}: {fault}")]
    Row { place: Place, fault: RowFault },
    #[error("{place}: {fault}")]
    Item { place: Place, fault: MapFault },
}

/// Error for a row that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowFault {
    #[error("it is longer than {0} bytes, the longest that a line may be")]
    TooLong(usize),
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("{0}")]
    Json(#[from] JsonFault),
    #[error(
        "the JSON of this line is not whole. One object on each line is read (JSONL), or one list of objects; pandas' \
         df.to_json(..., orient=\"records\", lines=True) makes such lines"
    )]
    SeveralLines,
    #[error("it is {0}, and each row must be a JSON object")]
    NotObject(String),
    #[error("it has {have} cells, and the header has {header}")]
    Ragged { have: usize, header: usize },
}

impl RowFault {
    pub const fn at(self, place: Place) -> ReadError {
        ReadError::Row { place, fault: self }
    }
}

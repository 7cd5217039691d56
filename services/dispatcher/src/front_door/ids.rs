//! Ids of files and batches, as clients read them.

use std::fmt::{self, Display, Formatter};

use runmill_proto::{DatasetId, RunId};
use runmill_store::ResultFile;
use uuid::Uuid;

const OUTPUT: &str = "-output";
const ERRORS: &str = "-errors";

/// Id of a file: `file-` and 32 hexadecimal digits of its dataset, or those of a batch and which of its files it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileId {
    Uploaded(DatasetId),
    OfBatch(RunId, ResultFile),
}

impl FileId {
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("file-")?;
        let of_batch = |hex, file| uuid(hex).map(|id| Self::OfBatch(RunId::from_uuid(id), file));
        if let Some(hex) = rest.strip_suffix(OUTPUT) {
            return of_batch(hex, ResultFile::Output);
        }
        if let Some(hex) = rest.strip_suffix(ERRORS) {
            return of_batch(hex, ResultFile::Errors);
        }
        uuid(rest).map(|id| Self::Uploaded(DatasetId::from_uuid(id)))
    }
}

impl Display for FileId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uploaded(id) => write!(f, "file-{}", id.uuid().simple()),
            Self::OfBatch(id, ResultFile::Output) => write!(f, "file-{}{OUTPUT}", id.uuid().simple()),
            Self::OfBatch(id, ResultFile::Errors) => write!(f, "file-{}{ERRORS}", id.uuid().simple()),
        }
    }
}

/// Returns the id of a batch, with the prefix of its protocol.
pub fn batch(prefix: &str, id: RunId) -> String {
    format!("{prefix}{}", id.uuid().simple())
}

pub fn parse_batch(prefix: &str, text: &str) -> Option<RunId> {
    uuid(text.strip_prefix(prefix)?).map(RunId::from_uuid)
}

fn uuid(hex: &str) -> Option<Uuid> {
    Some(hex).filter(|hex| hex.len() == 32).and_then(|hex| Uuid::try_parse(hex).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_from_their_texts() {
        let id = Uuid::from_u128(7);
        for file in [
            FileId::Uploaded(DatasetId::from_uuid(id)),
            FileId::OfBatch(RunId::from_uuid(id), ResultFile::Output),
            FileId::OfBatch(RunId::from_uuid(id), ResultFile::Errors),
        ] {
            assert_eq!(FileId::parse(&file.to_string()), Some(file), "{file}");
        }
        let batch_id = batch("batch_", RunId::from_uuid(id));
        assert_eq!(parse_batch("batch_", &batch_id), Some(RunId::from_uuid(id)));
        for wrong in ["", "file-", "file-7", "data_00000000000000000000000000000007", "file-é"] {
            assert_eq!(FileId::parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse_batch("msgbatch_", &batch_id), None);
    }
}

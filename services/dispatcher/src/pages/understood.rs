use std::{
    collections::VecDeque,
    io::Cursor,
    sync::{Arc, Mutex, PoisonError},
};

use runmill_datasets::{Format, Items, Mapping, Options, Plan, Source};
use runmill_proto::DatasetId;

/// Number of datasets that are remembered.
const KEPT_MAX: usize = 100;

/// Names of the parts of an item, each with the field of the file that it was read from.
pub type Words = Vec<(&'static str, String)>;

/// How the files of the newest uploads to this process were understood. It is shown once, after an upload.
#[derive(Clone, Default)]
pub struct Understood(Arc<Mutex<VecDeque<(DatasetId, Words)>>>);

impl Understood {
    pub fn note(&self, id: DatasetId, words: Words) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((id, words));
    }

    /// Returns nothing for a dataset that was uploaded long ago or elsewhere.
    pub fn of(&self, id: DatasetId) -> Words {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| *known == id).map(|(_, words)| words.clone()).unwrap_or_default()
    }
}

/// Returns how a file is understood, by its beginning: by `map`, or by its first row. Returns nothing if the file is refused.
pub async fn words(start: Vec<u8>, map: Option<&str>) -> Words {
    let map = map.map(Mapping::parse).transpose();
    let Ok(map) = map else { return Words::new() };
    // A reader of files may take its time.
    let read = tokio::task::spawn_blocking(move || read(start, map)).await;
    read.ok().flatten().unwrap_or_default()
}

fn read(start: Vec<u8>, map: Option<Mapping>) -> Option<Words> {
    let source = Source::read(Cursor::new(start)).ok()?;
    // The end of such a file says how it is read, and an upload is refused.
    if matches!(source.format, Format::Parquet | Format::Workbook) {
        return None;
    }
    let items = Items::of(source, Options { map, ..Options::default() }).ok()?;
    let mut words = vec![("file", items.format().to_string())];
    match items.plan() {
        Plan::Items => words.push(("read as", "items in runmill's format".to_owned())),
        Plan::Fields(mapping) => {
            words.push(("read as", mapping.shape.unwrap_or("the fields that you named").to_owned()));
            words.extend(mapping.words());
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_file_is_told_by_its_fields() {
        let told = async |file: &str, map| {
            let words = words(file.as_bytes().to_vec(), map).await;
            words.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("|")
        };
        let csv = told("prompt,target\n1 + 1?,2\n", Some("question=prompt,answer=target")).await;
        assert!(
            csv.contains("read as=the fields that you named|question=`prompt`|choices=none|answer=`target`"),
            "{csv}"
        );
        let item = r#"{"id":"a","type":"freeform","inputs":{"text":"?"}}"#;
        assert!(told(item, None).await.ends_with("read as=items in runmill's format"));
        for (file, map) in [("", None), ("a,b\n1,2\n", None), ("a,b\n1,2\n", Some("question"))] {
            assert!(!told(file, map).await.contains("question="), "{file} {map:?}");
        }
    }

    #[test]
    fn old_uploads_make_room() {
        let understood = Understood::default();
        let id = |number| DatasetId::from_uuid(Uuid::from_u128(number));
        for number in 0..=KEPT_MAX as u128 {
            understood.note(id(number), vec![("file", number.to_string())]);
        }
        assert!(understood.of(id(0)).is_empty());
        assert_eq!(understood.of(id(100)), [("file", "100".to_owned())]);
    }
}

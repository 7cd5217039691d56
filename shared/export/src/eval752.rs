use std::io::{self, Write};

use runmill_proto::api::{DetailedResult, InvocationRecord, Run};
use serde::Serialize;
use serde_json::json;

use crate::{
    Encoder, ExportError,
    digest::Digested,
    zip::{Stream, Zip},
};

/// Version of the tree of files. A reader refuses one that it does not know.
const VERSION: u32 = 1;

/// Archive of a run: a ZIP of `results.jsonl`, `invocations.jsonl`, `run.json` and `manifest.json`, in this order.
pub struct Eval752<W: Write> {
    run: Run,
    /// The member that is being written. `None` only while one takes the place of another.
    open: Option<Lines<W>>,
    written: Vec<File>,
}

/// A member with an object on each line.
struct Lines<W: Write> {
    name: &'static str,
    to: Digested<Stream<W>>,
    rows: u64,
}

/// A member, as the manifest lists it.
#[derive(Serialize)]
struct File {
    path: &'static str,
    bytes: u64,
    sha256: String,
    /// Number of lines. `None` for a file that is one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

const RESULTS: &str = "results.jsonl";
const CALLS: &str = "invocations.jsonl";

impl<W: Write> Eval752<W> {
    pub fn new(run: &Run, to: W) -> io::Result<Self> {
        let open = Lines::begin(Zip::new(to)?, RESULTS)?;
        Ok(Self { run: run.clone(), open: Some(open), written: Vec::new() })
    }

    /// Returns the open member `name`, whose turn it is.
    fn lines(&mut self, name: &'static str) -> io::Result<&mut Lines<W>> {
        if self.open.as_ref().is_some_and(|open| open.name != name) {
            let zip = self.close()?;
            self.open = Some(Lines::begin(zip, name)?);
        }
        self.open.as_mut().ok_or_else(ended)
    }

    fn close(&mut self) -> io::Result<Zip<W>> {
        let Lines { name, to, rows } = self.open.take().ok_or_else(ended)?;
        let (stream, bytes, sha256) = to.finish();
        self.written.push(File { path: name, bytes, sha256, rows: Some(rows) });
        stream.end()
    }

    fn manifest(&self) -> serde_json::Value {
        json!({
            "format": "eval752",
            "version": VERSION,
            "created_by": format!("runmill {}", env!("CARGO_PKG_VERSION")),
            "run_id": self.run.id,
            "status": self.run.status,
            "is_complete": self.run.status.is_terminal(),
            "files": self.written,
        })
    }
}

fn ended() -> io::Error {
    io::Error::other("the file has ended with an error")
}

impl<W: Write> Lines<W> {
    fn begin(zip: Zip<W>, name: &'static str) -> io::Result<Self> {
        Ok(Self { name, to: Digested::new(zip.stream(name)?), rows: 0 })
    }

    fn write(&mut self, rows: &[impl Serialize]) -> io::Result<()> {
        for row in rows {
            serde_json::to_writer(&mut self.to, row)?;
            self.to.write_all(b"\n")?;
            self.rows += 1;
        }
        Ok(())
    }
}

impl<W: Write + Send> Encoder for Eval752<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        Ok(self.lines(RESULTS)?.write(results)?)
    }

    fn calls(&mut self, calls: &[InvocationRecord]) -> Result<(), ExportError> {
        Ok(self.lines(CALLS)?.write(calls)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        // A run without calls has the file, too.
        self.lines(CALLS)?;
        let mut zip = self.close()?;
        let mut run = Digested::new(Vec::new());
        serde_json::to_writer_pretty(&mut run, &self.run)?;
        let (text, bytes, sha256) = run.finish();
        zip.member("run.json", &text)?;
        self.written.push(File { path: "run.json", bytes, sha256, rows: None });
        zip.member("manifest.json", &serde_json::to_vec_pretty(&self.manifest())?)?;
        zip.finish()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use ring::digest::{SHA256, digest};
    use runmill_proto::api::ExportFormat;
    use serde_json::Value;

    use super::*;
    use crate::{
        digest::hex,
        testing::{call, encoder_of, result, run},
    };

    #[test]
    fn the_manifest_names_the_files_with_their_sums() {
        let (mut encoder, bytes) = encoder_of(ExportFormat::Eval752, &run());
        encoder.results(&[result("a", 0), result("b", 0)]).unwrap();
        encoder.results(&[result("c", 0)]).unwrap();
        encoder.calls(&[call()]).unwrap();
        encoder.finish().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes.taken())).unwrap();
        let mut read = |name: &str| {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        };
        let manifest: Value = serde_json::from_slice(&read("manifest.json")).unwrap();
        assert_eq!((&manifest["format"], &manifest["version"]), (&json!("eval752"), &json!(1)));
        let files: Vec<_> = manifest["files"].as_array().unwrap().iter().collect();
        let listed: Vec<_> =
            files.iter().map(|file| (file["path"].as_str().unwrap(), &file["rows"])).collect();
        let want = [(RESULTS, json!(3)), (CALLS, json!(1)), ("run.json", Value::Null)];
        assert_eq!(listed, want.each_ref().map(|(name, rows)| (*name, rows)));
        for file in files {
            let bytes = read(file["path"].as_str().unwrap());
            let sum = hex(digest(&SHA256, &bytes).as_ref());
            assert_eq!((&file["bytes"], &file["sha256"]), (&json!(bytes.len()), &json!(sum)));
        }
    }
}

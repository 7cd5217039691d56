use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Lines, Seek, Write},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use super::{layout::Layout, lines};

/// Reads all results once, and returns them in another form. Between, they are in a temporary file, so that their number
/// does not matter.
pub async fn laid_out(
    body: impl Stream<Item = io::Result<Bytes>> + Unpin,
    mut layout: Box<dyn Layout + Send>,
) -> anyhow::Result<impl Stream<Item = io::Result<Bytes>> + Unpin> {
    let mut kept = BufWriter::new(tempfile::tempfile()?);
    let mut found = lines(body);
    while let Some(line) = found.next().await {
        let line = line?;
        layout.learn(&serde_json::from_str(&line)?)?;
        writeln!(kept, "{line}")?;
    }
    let mut file = kept.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(stream::iter(Written { lines: BufReader::new(file).lines(), layout, part: Part::Begin }))
}

/// The parts of a file, one after the other.
struct Written {
    lines: Lines<BufReader<File>>,
    layout: Box<dyn Layout + Send>,
    part: Part,
}

enum Part {
    Begin,
    Results,
    Nothing,
}

impl Iterator for Written {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        self.part().map_err(io::Error::other).transpose()
    }
}

impl Written {
    fn part(&mut self) -> anyhow::Result<Option<Bytes>> {
        let bytes = match self.part {
            Part::Begin => {
                self.part = Part::Results;
                self.layout.begin()?
            }
            Part::Results => {
                if let Some(line) = self.lines.next() {
                    self.layout.write(&serde_json::from_str(&line?)?)?
                } else {
                    self.part = Part::Nothing;
                    self.layout.end()?
                }
            }
            Part::Nothing => return Ok(None),
        };
        Ok(Some(bytes.into()))
    }
}

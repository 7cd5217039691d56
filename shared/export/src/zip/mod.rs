//! ZIP files that are written from the first byte to the last, with any number of members.
//!
//! Libraries keep some hundred bytes in memory for each member until the end. A run of inspect has a member for each
//! sample, so here the list of members waits in a [`Spool`]. Members are deflated. Numbers that 32 bits cannot hold have the
//! ZIP64 form (APPNOTE 4.5.3).

mod record;

use std::io::{self, Write};

use flate2::{Compression, Crc, write::DeflateEncoder};

use crate::spool::Spool;
use record::{End, Member};

/// Larger levels save a few percent, and take several times the time.
const LEVEL: Compression = Compression::new(4);

/// A ZIP file that is being written.
pub struct Zip<W> {
    to: W,
    /// Number of bytes so far.
    at: u64,
    directory: Spool,
    directory_bytes: u64,
    members: u64,
    /// Deflated bytes of one member.
    deflated: Vec<u8>,
}

impl<W: Write> Zip<W> {
    pub fn new(to: W) -> io::Result<Self> {
        Ok(Self { to, at: 0, directory: Spool::new()?, directory_bytes: 0, members: 0, deflated: Vec::new() })
    }

    /// Writes a member whose bytes are at hand.
    pub fn member(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if name.len() > usize::from(u16::MAX) {
            return Err(io::Error::other("the id of an item is too long for the name of a file"));
        }
        self.deflated.clear();
        let mut encoder = DeflateEncoder::new(std::mem::take(&mut self.deflated), LEVEL);
        encoder.write_all(bytes)?;
        self.deflated = encoder.finish()?;
        let mut crc = Crc::new();
        crc.update(bytes);
        let member = Member {
            name,
            crc: crc.sum(),
            size: bytes.len() as u64,
            deflated: self.deflated.len() as u64,
            at: self.at,
            is_streamed: false,
        };
        self.put(&member.head())?;
        self.to.write_all(&self.deflated)?;
        self.at += self.deflated.len() as u64;
        self.list(&member)
    }

    /// Begins a member whose bytes are written one after the other. [`Stream::end`] gives the file back.
    pub fn stream(mut self, name: &'static str) -> io::Result<Stream<W>> {
        let member = Member { name, crc: 0, size: 0, deflated: 0, at: self.at, is_streamed: true };
        self.put(&member.head())?;
        let at = member.at;
        let body = Body { zip: self, bytes: 0 };
        Ok(Stream { name, at, encoder: DeflateEncoder::new(body, LEVEL), crc: Crc::new(), size: 0 })
    }

    /// Writes the list of the members, with which the file is whole.
    pub fn finish(mut self) -> io::Result<W> {
        let end = End { members: self.members, at: self.at, bytes: self.directory_bytes };
        io::copy(&mut self.directory.into_reader()?, &mut self.to)?;
        self.to.write_all(&end.records())?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn list(&mut self, member: &Member<'_>) -> io::Result<()> {
        let entry = member.entry();
        self.directory.write_all(&entry)?;
        self.directory_bytes += entry.len() as u64;
        self.members += 1;
        Ok(())
    }
}

/// A member that is being written.
pub struct Stream<W: Write> {
    name: &'static str,
    at: u64,
    encoder: DeflateEncoder<Body<W>>,
    crc: Crc,
    size: u64,
}

/// Deflated bytes on their way into the file.
struct Body<W> {
    zip: Zip<W>,
    bytes: u64,
}

impl<W: Write> Stream<W> {
    /// Ends the member. Returns the file.
    pub fn end(self) -> io::Result<Zip<W>> {
        let Body { mut zip, bytes } = self.encoder.finish()?;
        let member = Member {
            name: self.name,
            crc: self.crc.sum(),
            size: self.size,
            deflated: bytes,
            at: self.at,
            is_streamed: true,
        };
        zip.put(&member.descriptor())?;
        zip.list(&member)?;
        Ok(zip)
    }
}

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.encoder.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Write for Body<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.zip.put(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Seek, SeekFrom};

    use super::*;

    #[test]
    fn members_come_back() {
        let mut zip = Zip::new(Vec::new()).unwrap();
        zip.member("a/é x.json", b"{}").unwrap();
        let mut stream = zip.stream("lines").unwrap();
        for number in 0..1_000 {
            writeln!(stream, "line {number}").unwrap();
        }
        let mut zip = stream.end().unwrap();
        zip.member("empty", b"").unwrap();
        let bytes = zip.finish().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(text("a/é x.json"), "{}");
        assert!(text("lines").starts_with("line 0\n") && text("lines").ends_with("line 999\n"));
        assert_eq!(text("empty"), "");
    }

    #[test]
    fn a_member_beyond_4_gib_is_found() {
        let start = 5 << 30;
        let mut file = tempfile::tempfile().unwrap();
        // Nothing of it takes space on the disk.
        file.set_len(start).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        let mut zip = Zip { at: start, ..Zip::new(file).unwrap() };
        zip.member("far", b"away").unwrap();
        let mut archive = zip::ZipArchive::new(zip.finish().unwrap()).unwrap();
        let mut text = String::new();
        archive.by_name("far").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "away");
    }

    #[test]
    fn more_members_than_16_bits_count() {
        let mut zip = Zip::new(Vec::new()).unwrap();
        for number in 0..70_000 {
            zip.member(&format!("m{number}"), b"").unwrap();
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(zip.finish().unwrap())).unwrap();
        assert_eq!(archive.len(), 70_000);
        assert!(archive.by_name("m69999").is_ok());
    }
}

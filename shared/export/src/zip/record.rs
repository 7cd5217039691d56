/// Version of the format that a reader needs for ZIP64.
const NEEDED: u16 = 45;
/// Flags: the name is UTF-8; CRC and sizes stand behind the bytes.
const UTF8: u16 = 1 << 11;
const DESCRIBED: u16 = 1 << 3;
const DEFLATED: u16 = 8;
/// 1980-01-01 00:00, the first time that the format knows: so the same results make the same file.
const TIME: [u8; 4] = [0, 0, 0x21, 0];

/// A member of a file, as its records describe it.
pub struct Member<'a> {
    pub name: &'a str,
    pub crc: u32,
    pub size: u64,
    pub deflated: u64,
    /// Place of its head in the file.
    pub at: u64,
    /// True if its sizes were not known at its head.
    pub is_streamed: bool,
}

impl Member<'_> {
    /// Returns the record before the member's bytes.
    pub fn head(&self) -> Vec<u8> {
        // One whose sizes are not known promises that its descriptor has 64 bits.
        let is_long = self.is_streamed || self.is_long();
        let (crc, sizes) =
            if self.is_streamed { (0, [0; 2]) } else { (self.crc, [self.size, self.deflated]) };
        let mut head = Record::new(0x0403_4b50);
        head.short(NEEDED).short(self.flags()).short(DEFLATED).bytes(&TIME).int(crc);
        head.int(short_of(sizes[1], is_long)).int(short_of(sizes[0], is_long)).length(self.name);
        head.short(if is_long { 20 } else { 0 }).bytes(self.name.as_bytes());
        if is_long {
            head.short(1).short(16).long(sizes[0]).long(sizes[1]);
        }
        head.0
    }

    /// Returns the record behind the bytes of a streamed member.
    pub fn descriptor(&self) -> Vec<u8> {
        let mut record = Record::new(0x0807_4b50);
        record.int(self.crc).long(self.deflated).long(self.size);
        record.0
    }

    /// Returns the record in the list of members.
    pub fn entry(&self) -> Vec<u8> {
        let is_long = self.is_long() || self.at >= u64::from(u32::MAX);
        let mut entry = Record::new(0x0201_4b50);
        // Made by a version for Unix, with the rights of a regular file (0644).
        entry.short(0x0300 | NEEDED).short(NEEDED).short(self.flags()).short(DEFLATED).bytes(&TIME);
        entry.int(self.crc).int(short_of(self.deflated, is_long)).int(short_of(self.size, is_long));
        entry.length(self.name).short(if is_long { 28 } else { 0 }).short(0).short(0).short(0);
        entry.int(0o100_644 << 16).int(short_of(self.at, is_long)).bytes(self.name.as_bytes());
        if is_long {
            entry.short(1).short(24).long(self.size).long(self.deflated).long(self.at);
        }
        entry.0
    }

    fn flags(&self) -> u16 {
        UTF8 | if self.is_streamed { DESCRIBED } else { 0 }
    }

    fn is_long(&self) -> bool {
        self.size.max(self.deflated) >= u64::from(u32::MAX)
    }
}

/// The list of members: its place, its bytes and their number.
pub struct End {
    pub members: u64,
    pub at: u64,
    pub bytes: u64,
}

impl End {
    /// Returns the records at the end of a file.
    pub fn records(&self) -> Vec<u8> {
        let is_long = self.members >= u64::from(u16::MAX) || self.at + self.bytes >= u64::from(u32::MAX);
        let mut end = Record(Vec::new());
        if is_long {
            end.int(0x0606_4b50).long(44).short(0x0300 | NEEDED).short(NEEDED).int(0).int(0);
            end.long(self.members).long(self.members).long(self.bytes).long(self.at);
            end.int(0x0706_4b50).int(0).long(self.at + self.bytes).int(1);
        }
        let members = if is_long { u16::MAX } else { u16::try_from(self.members).unwrap_or(u16::MAX) };
        end.int(0x0605_4b50).short(0).short(0).short(members).short(members);
        end.int(short_of(self.bytes, is_long)).int(short_of(self.at, is_long)).short(0);
        end.0
    }
}

/// Returns a number in 32 bits, or the mark for one that stands elsewhere.
fn short_of(number: u64, is_elsewhere: bool) -> u32 {
    if is_elsewhere { u32::MAX } else { u32::try_from(number).unwrap_or(u32::MAX) }
}

/// Numbers in the order of the least significant byte first.
struct Record(Vec<u8>);

impl Record {
    fn new(signature: u32) -> Self {
        Self(signature.to_le_bytes().to_vec())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn short(&mut self, number: u16) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn int(&mut self, number: u32) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn long(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn length(&mut self, name: &str) -> &mut Self {
        self.short(u16::try_from(name.len()).unwrap_or(u16::MAX))
    }
}

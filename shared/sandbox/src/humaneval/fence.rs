/// Returns the contents of the fenced blocks of Markdown. A last block that is not closed counts, too.
pub(super) fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match &mut open {
            Some(block) if block.ends_at(line) => blocks.extend(open.take().map(Block::text)),
            Some(block) => block.push(line),
            None => open = Block::opened_by(line),
        }
    }
    blocks.extend(open.map(Block::text));
    blocks
}

struct Block<'a> {
    fence: &'a str,
    indentation: usize,
    lines: Vec<&'a str>,
}

impl<'a> Block<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let rest = line.trim_start();
        let mark = rest.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = rest.len() - rest.trim_start_matches(mark).len();
        // Text in a line with its code is no block.
        let is_fence = length >= 3 && !rest[length..].contains(mark);
        is_fence.then(|| Self {
            fence: &rest[..length],
            indentation: line.len() - rest.len(),
            lines: Vec::new(),
        })
    }

    fn ends_at(&self, line: &str) -> bool {
        let rest = line.trim();
        rest.starts_with(self.fence) && rest.chars().all(|mark| self.fence.starts_with(mark))
    }

    /// Adds a line, without the indentation that the fence has.
    fn push(&mut self, line: &'a str) {
        let blanks = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.lines.push(&line[blanks.min(self.indentation)..]);
    }

    fn text(self) -> String {
        self.lines.join("\n")
    }
}

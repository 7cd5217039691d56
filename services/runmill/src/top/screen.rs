use std::io;

use ratatui::DefaultTerminal;

use super::page::Page;

/// The terminal while it shows a page. Dropping this brings back what it showed before, and so does a panic.
pub struct Screen(DefaultTerminal);

impl Screen {
    pub fn open() -> io::Result<Self> {
        // A failure in the middle must not leave the terminal half prepared.
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }

    pub fn draw(&mut self, page: &mut Page) -> io::Result<()> {
        self.0.draw(|frame| page.render(frame)).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

use std::{
    fs::File,
    io::{self, Read, Write},
    num::NonZeroU16,
    process::Stdio,
    thread,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};
use tokio::sync::watch;

/// A terminal for the test of a command, with the screen that its output makes.
pub struct Terminal {
    master: File,
    /// The end of the command, held open so that the terminal outlives it.
    end: File,
    screen: watch::Receiver<Screen>,
}

/// State of the screen.
#[derive(Clone, Debug, Default)]
struct Screen {
    text: String,
    /// True while the command shows a page in place of the lines before it.
    is_alternate: bool,
}

impl Terminal {
    /// Opens a terminal of this size.
    pub fn open(rows: NonZeroU16, columns: NonZeroU16) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let size = Winsize { ws_row: rows.get(), ws_col: columns.get(), ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size)?;
        let name = ptsname(&master, Vec::new())?;
        // It must not become the controlling terminal of the tests.
        let end = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
        let end = File::from(end);
        let master = File::from(master);
        let (sender, screen) = watch::channel(Screen::default());
        let output = master.try_clone()?;
        // Reading blocks. The thread ends with the process of the tests, or when both ends are closed.
        thread::spawn(move || show(output, vt100::Parser::new(rows, columns, 0), &sender));
        Ok(Self { master, end, screen })
    }

    /// Returns the end that a command takes as its input or output.
    pub fn stdio(&self) -> io::Result<Stdio> {
        Ok(self.end.try_clone()?.into())
    }

    /// Types text or control characters.
    pub fn enter(&self, text: &str) -> io::Result<()> {
        (&self.master).write_all(text.as_bytes())
    }

    /// Returns the text on the screen.
    pub fn text(&self) -> String {
        self.screen.borrow().text.clone()
    }

    /// Waits until `holds` returns true for the text on the screen. Returns the text. Cancel safe.
    pub async fn shows(&self, holds: impl Fn(&str) -> bool) -> String {
        let mut screen = self.screen.clone();
        let shown = screen.wait_for(|screen| holds(&screen.text)).await;
        shown.map_or_else(|_| self.text(), |screen| screen.text.clone())
    }

    /// Waits until the screen shows lines, not a page. Cancel safe.
    pub async fn is_back(&self) {
        let mut screen = self.screen.clone();
        // The result is an error only if the terminal is closed.
        let _ = screen.wait_for(|screen| !screen.is_alternate).await;
    }

    /// Returns true if lines are edited and echoed, as a shell needs it.
    pub fn is_for_lines(&self) -> io::Result<bool> {
        let modes = tcgetattr(&self.master)?.local_modes;
        Ok(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG))
    }
}

fn show(mut output: File, mut parser: vt100::Parser, sender: &watch::Sender<Screen>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = output.read(&mut buffer) {
        parser.process(&buffer[..length]);
        let screen = parser.screen();
        sender.send_replace(Screen { text: screen.contents(), is_alternate: screen.alternate_screen() });
    }
}

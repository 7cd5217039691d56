use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time,
};

use crate::{Limits, tree::Tree, usage};

/// Part of what the program prints that is kept, to explain a sandbox that failed.
const PRINTED_KEPT_BYTES: usize = 64 << 10;
/// Length up to which lines of the judge are read.
const RULINGS_MAX_BYTES: u64 = 64 << 10;
/// Wait for the last process of a sandbox that ended or was killed.
const END_MAX: Duration = Duration::from_secs(1);

/// End of a sandbox.
pub(crate) struct Ended {
    /// Lines that were written where the judge writes.
    pub rulings: Vec<u8>,
    /// Beginning of the text that was printed by the sandbox, its tool and the answer.
    pub printed: Vec<u8>,
    pub status: ExitStatus,
    pub stop: Option<Stop>,
}

/// Limit for which a sandbox was killed from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    Time,
    Memory,
    Output,
}

/// Runs the command with `input`, until it ends or a limit is reached. Returns once nothing of it is left.
pub(crate) async fn run(mut command: Command, input: &[u8], limits: &Limits) -> io::Result<Ended> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tree = Tree(command.spawn()?);
    let mut pipes = Pipes::of(&mut tree.0)?;
    let stop = tokio::select! {
        biased;
        stop = pipes.carry(input, limits.output_bytes) => stop,
        () = usage::exceeds(tree.0.id(), limits) => Some(Stop::Memory),
        () = time::sleep(limits.wall) => Some(Stop::Time),
    };
    if stop.is_some() {
        tree.kill();
    }
    pipes.drain().await;
    if time::timeout(END_MAX, tree.0.wait()).await.is_err() {
        tree.0.start_kill()?;
    }
    let status = tree.0.wait().await?;
    Ok(Ended { rulings: pipes.rulings, printed: pipes.printed, status, stop })
}

/// Pipes of a sandbox and what was read from them.
struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: ChildStderr,
    rulings: Vec<u8>,
    printed: Vec<u8>,
}

impl Pipes {
    fn of(child: &mut Child) -> io::Result<Self> {
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("the sandbox has no pipes"));
        };
        Ok(Self { stdin: Some(stdin), stdout, stderr, rulings: Vec::new(), printed: Vec::new() })
    }

    /// Writes the input and reads until all processes of the sandbox have closed their ends.
    async fn carry(&mut self, input: &[u8], printed_max: usize) -> Option<Stop> {
        let stdin = self.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A sandbox that ends before it has read all says why itself.
                let _ = stdin.write_all(input).await;
            }
            Ok(())
        };
        let rulings = async {
            let _ = (&mut self.stdout).take(RULINGS_MAX_BYTES).read_to_end(&mut self.rulings).await;
            Ok(())
        };
        let printed = read_printed(&mut self.stderr, &mut self.printed, printed_max);
        tokio::try_join!(feed, rulings, printed).err()
    }

    /// Waits for the ends of all processes that have the pipes.
    async fn drain(&mut self) {
        let (mut nowhere, mut nowhere_else) = (tokio::io::sink(), tokio::io::sink());
        let ends = async {
            tokio::join!(
                tokio::io::copy(&mut self.stdout, &mut nowhere),
                tokio::io::copy(&mut self.stderr, &mut nowhere_else),
            )
        };
        let _ = time::timeout(END_MAX, ends).await;
    }
}

/// Reads until the end, and keeps the beginning. Returns an error if there is more than `max` bytes.
async fn read_printed(mut from: impl AsyncRead + Unpin, kept: &mut Vec<u8>, max: usize) -> Result<(), Stop> {
    let mut chunk = vec![0; 8 << 10];
    let mut length = 0;
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        length += read;
        kept.extend_from_slice(&chunk[..read.min(PRINTED_KEPT_BYTES - kept.len())]);
        if length > max {
            return Err(Stop::Output);
        }
    }
    Ok(())
}

use runmill_front_door::Refusal;
use runmill_proto::chat::{Delta, ModelAnswer};
use tokio::sync::mpsc;

/// News for a client. The number is that of the answer, from 0.
#[derive(Debug)]
pub enum Progress {
    Delta(u32, Delta),
    Answered(u32, Box<ModelAnswer>),
    /// The request has no answer. Nothing follows.
    Failed(Refusal),
    /// The answer cannot be continued. Nothing follows.
    Broken(&'static str),
}

/// Number of parts that wait for the client's connection.
const PARTS_MAX: usize = 4;

/// Returns both ends of a client's progress.
pub fn client() -> (mpsc::Sender<Progress>, mpsc::Receiver<Progress>) {
    mpsc::channel(PARTS_MAX)
}

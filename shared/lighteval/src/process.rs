use std::{collections::VecDeque, process::ExitStatus};

use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Evaluation, EvaluationError, LogLine, Metric, Order, Program, Sample, folder, log::Log, results, samples,
};

/// Longest piece of a line that is held in memory, in bytes.
const LINE_MAX: usize = 64 * 1024;
/// Number of lines that wait for their reader.
const LINES_WAITING: usize = 64;

impl Program {
    /// Evaluates the tasks of an order, and gives each line of LightEval's log to `on_line`.
    ///
    /// `stop` ends LightEval with all of its processes. Cancel safe: a drop ends them, too. The working directory is left
    /// as it is.
    pub async fn run(
        &self,
        order: &Order,
        mut on_line: impl FnMut(&LogLine),
        stop: &CancellationToken,
    ) -> Result<Evaluation, EvaluationError> {
        let mut command = self.evaluate(&order.tasks, &order.folder)?;
        folder::prepare(&order.folder, &order.config, self.data.as_deref())
            .map_err(EvaluationError::Folder)?;
        command.env(order.key_variable, order.key.expose_secret());
        let mut log = Log::default();
        let each = |line: LogLine| {
            log.read(&line);
            on_line(&line);
        };
        let status = self.watch(command, each, stop).await?;
        if !status.success() {
            return Err(EvaluationError::Failed {
                status: status.to_string(),
                last_lines: log.last_lines.into(),
            });
        }
        let metrics = results::read(&order.folder.join("out")).map_err(EvaluationError::Unreadable)?;
        let samples = self.samples(order, stop).await?;
        judge(metrics, samples, &log)
    }

    /// Runs a command to its end.
    async fn watch(
        &self,
        command: Command,
        mut each: impl FnMut(LogLine),
        stop: &CancellationToken,
    ) -> Result<ExitStatus, EvaluationError> {
        let mut group = Group::start(self, command)?;
        let (sender, mut lines) = mpsc::channel(LINES_WAITING);
        let outputs = [
            group.child.stdout.take().map(|it| tokio::spawn(send_lines(it, sender.clone()))),
            group.child.stderr.take().map(|it| tokio::spawn(send_lines(it, sender))),
        ];
        let reading = async {
            while let Some(line) = lines.recv().await {
                each(line);
            }
        };
        let watched = stop.run_until_cancelled(reading).await;
        if watched.is_none() {
            group.kill();
        }
        let ended = group.child.wait().await.map_err(EvaluationError::Folder);
        outputs.into_iter().flatten().for_each(|output| output.abort());
        watched.ok_or(EvaluationError::Stopped)?;
        ended
    }

    /// Reads the samples that LightEval stored.
    async fn samples(&self, order: &Order, stop: &CancellationToken) -> Result<Vec<Sample>, EvaluationError> {
        let mut group = Group::start(self, self.details(&order.folder))?;
        // It prints the errors of Python, which are few.
        let faults = group.child.stderr.take().map(|it| tokio::spawn(last_line(it)));
        let read = match group.child.stdout.take() {
            Some(output) => stop.run_until_cancelled(samples::read(output)).await,
            None => Some(Ok(Vec::new())),
        };
        let read = read.ok_or(EvaluationError::Stopped)?;
        let status = group.child.wait().await.map_err(EvaluationError::Folder)?;
        let fault = match faults {
            Some(faults) => faults.await.unwrap_or_default(),
            None => String::new(),
        };
        if !status.success() {
            return Err(EvaluationError::Unreadable(format!("the details: {fault}")));
        }
        read.map_err(EvaluationError::Unreadable)
    }
}

/// Decides whether LightEval's results are an evaluation.
fn judge(metrics: Vec<Metric>, mut samples: Vec<Sample>, log: &Log) -> Result<Evaluation, EvaluationError> {
    // LightEval's rows are in no order, and their ids are numbers.
    samples.sort_by_cached_key(|it| (it.task.clone(), it.id.parse::<u64>().ok(), it.id.clone()));
    let answered = samples.iter().filter(|sample| sample.is_answered()).count();
    let reason = || match (&log.last_fault, log.given_up) {
        (Some(fault), _) => fault.clone(),
        (None, 0) => "the model's answers are empty".to_owned(),
        (None, count) => format!("{count} calls failed"),
    };
    if answered == 0 {
        return Err(EvaluationError::NoAnswer { samples: samples.len(), reason: reason() });
    }
    let reason = (answered < samples.len() || log.given_up > 0).then(reason);
    Ok(Evaluation { metrics, samples, reason })
}

/// A process with its children, which are killed with it.
struct Group {
    child: Child,
}

impl Group {
    fn start(program: &Program, mut command: Command) -> Result<Self, EvaluationError> {
        let child = command.spawn();
        let child =
            child.map_err(|source| EvaluationError::NotStarted { path: program.path.clone(), source });
        Ok(Self { child: child? })
    }

    fn kill(&self) {
        // A process that has ended and was waited for has no id, so no other group is meant.
        let id =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id
            && let Err(error) = rustix::process::kill_process_group(id, rustix::process::Signal::KILL)
        {
            tracing::debug!(event = "lighteval.not_killed", %error);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn send_lines(output: impl AsyncRead + Unpin, lines: mpsc::Sender<LogLine>) {
    let mut output = BufReader::new(output);
    while let Some(raw) = next_line(&mut output).await {
        if let Some(line) = LogLine::of(&raw)
            && lines.send(line).await.is_err()
        {
            return;
        }
    }
}

/// Returns the next line, or a piece of a line that is longer than [`LINE_MAX`].
async fn next_line(output: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let read = (&mut *output).take(LINE_MAX as u64).read_until(b'\n', &mut bytes).await;
    match read {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

async fn last_line(output: impl AsyncRead + Unpin) -> String {
    let mut output = BufReader::new(output);
    let mut last = VecDeque::from([String::new()]);
    while let Some(raw) = next_line(&mut output).await {
        if let Some(LogLine(line)) = LogLine::of(&raw) {
            last[0] = line;
        }
    }
    last.pop_front().unwrap_or_default()
}

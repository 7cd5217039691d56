use std::{fs::File, thread::JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// Maximum number of writes that wait for the thread. A caller with a further one waits until there is room.
const TASKS_MAX: usize = 64;

/// The thread that owns the writing connection.
pub struct Writer {
    /// Sender of writes to the thread. `None` once the thread has to end.
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. It releases `lock` when it closes the connection.
    pub fn start(mut connection: Connection, lock: File) -> Result<Self, StoreError> {
        let (tasks, mut queue) = mpsc::channel::<Task>(TASKS_MAX);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                while let Some(task) = queue.blocking_recv() {
                    task(&mut connection);
                }
                drop(connection);
                drop(lock);
            })
            .map_err(|error| StoreError::Broken(format!("no thread for the writer: {error}")))?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Runs `write` in a transaction, after the writes that were queued earlier.
    pub async fn run<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let task: Task = Box::new(move |connection| {
            // The caller may be gone, which is no error: the write is done.
            let _ = reply.send(transact(connection, write));
        });
        self.tasks().send(task).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Queues `write` without waiting for it, because a destructor cannot wait. It is dropped if the queue is full;
    /// its failure is logged.
    pub fn try_run(&self, write: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError> + Send + 'static) {
        let task: Task = Box::new(move |connection| {
            if let Err(error) = transact(connection, write) {
                tracing::warn!(%error, "a clean-up failed; it is repeated when the store is next opened");
            }
        });
        let _ = self.tasks().try_send(task);
    }

    fn tasks(&self) -> &mpsc::Sender<Task> {
        self.tasks.as_ref().expect("it is taken only when the writer is dropped")
    }
}

impl Drop for Writer {
    /// Waits for the queued writes, so that the file can be reopened at once.
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = write(&tx)?;
    tx.commit()?;
    Ok(value)
}

fn gone() -> StoreError {
    StoreError::Broken("the writer of the database has stopped".to_owned())
}

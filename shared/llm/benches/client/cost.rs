//! Measures the cost of calls, in microseconds of this thread's CPU.

use std::{fs, sync::Arc};

use tokio::task::JoinSet;

pub const IN_FLIGHT: u32 = 16;
pub const ROUNDS: usize = 11;
const CALLS_A_ROUND: u32 = 2_000;

pub trait Call: Send + Sync + 'static {
    fn call(&self) -> impl Future<Output = ()> + Send;
}

/// Returns the cost of one call of each caller, as the median of all rounds.
pub async fn costs(a: &Arc<impl Call>, b: &Arc<impl Call>, c: &Arc<impl Call>) -> [f64; 3] {
    let mut costs = [const { Vec::new() }; 3];
    // The callers take turns, so that a noisy machine disturbs all alike. The first round opens the connections, and
    // is not counted.
    for _ in 0..=ROUNDS {
        costs[0].push(cost(a).await);
        costs[1].push(cost(b).await);
        costs[2].push(cost(c).await);
    }
    costs.map(|costs| median(costs[1..].to_vec()))
}

async fn cost(caller: &Arc<impl Call>) -> f64 {
    let start = thread_cpu();
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let caller = Arc::clone(caller);
        workers.spawn(async move {
            for _ in 0..CALLS_A_ROUND / IN_FLIGHT {
                caller.call().await;
            }
        });
    }
    workers.join_all().await;
    (thread_cpu() - start) / f64::from(CALLS_A_ROUND)
}

fn thread_cpu() -> f64 {
    let account = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: f64 = account.split(' ').next().unwrap().parse().unwrap();
    nanoseconds / 1e3
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

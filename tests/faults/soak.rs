//! Steady work for a long time, with a random fault every 30 s: nothing is lost, and no memory grows.

use std::time::Duration;

use rand::{SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use crate::{
    checker::{Span, check},
    drive::logs_of,
    fault::Fault,
    mix,
    observer::observe,
    report::HEAD,
    scenario::{Plan, Scenario},
    servers::Servers,
    service::Role,
    waiting::seconds,
    world::World,
};

/// Items a second, at most.
const RATE: usize = 500;
const BETWEEN_FAULTS: Duration = Duration::from_secs(30);
const SAMPLING: Duration = Duration::from_secs(5);
/// Growth of the mean memory from the second to the last quarter that is still flat, in percent.
const GROWTH_MAX: f64 = 5.0;

/// Memory of one process over the whole time, in bytes.
#[derive(Clone, Default)]
struct Memory {
    name: String,
    samples: Vec<f64>,
}

/// Runs the soak. Returns true if nothing was lost and all memory was flat.
pub async fn run(minutes: u32, seed: u64) -> anyhow::Result<bool> {
    println!("soak of {minutes} minutes, seed {seed}");
    let length = Duration::from_mins(1) * minutes;
    let scenario = scenario(length, seed);
    let mut servers = Servers::start().await?;
    let mut world = World::start(&scenario, &mut servers, &logs_of("soak")?).await?;
    let observer = tokio::spawn(observe(world.api.clone(), world.work.run, seed));
    world.steady().await?;
    let (began, started) = (world.clock.now(), Instant::now());
    let mut memories = vec![Memory::default(); world.services.len()];
    let mut rng = StdRng::seed_from_u64(seed);
    let mut next_fault = started + BETWEEN_FAULTS;
    while started.elapsed() < length {
        seconds(SAMPLING.as_secs_f64()).await;
        sample(&world, &mut memories);
        if Instant::now() >= next_fault && started.elapsed() + BETWEEN_FAULTS < length {
            let fault = harmless_to_memory(&mut rng);
            println!("{:>6.0} s {fault:?}", started.elapsed().as_secs_f64());
            fault.happen(&mut world).await?;
            next_fault = Instant::now() + BETWEEN_FAULTS;
        }
    }
    let faults = Span { began, ended: world.clock.now() };
    let status = world.ended(length + Duration::from_mins(5)).await?;
    let events = tokio::time::timeout(Duration::from_mins(1), observer).await.ok().transpose()?;
    let row = check(&mut world, status, faults, events).await?;
    world.clean_up().await?;
    println!("\n{HEAD}\n{}\n", row.markdown());
    let flat = report(&memories);
    Ok(row.is_green() && flat)
}

fn scenario(length: Duration, seed: u64) -> Scenario {
    let items = RATE * usize::try_from(length.as_secs()).expect("minutes");
    Scenario::new(format!("soak of seed {seed}")).items(items).executors(3).dispatchers(2).log_sinks(2).plan(
        |plan: &mut Plan| {
            // The calls in flight set the pace: 300 of 0.6 s are 500 a second.
            plan.model = "lorem+ttft=600ms";
            plan.concurrency = 100;
        },
    )
}

/// Returns a random fault that keeps the processes, whose memory is watched, or ends them cleanly at most.
fn harmless_to_memory(rng: &mut StdRng) -> Fault {
    loop {
        let fault = mix::random(rng);
        if !matches!(fault, Fault::Process(crate::fault::processes::Fault::Terminate(Role::Executor))) {
            return fault;
        }
    }
}

fn sample(world: &World<'_>, memories: &mut [Memory]) {
    for (number, (service, memory)) in world.services.iter().zip(memories).enumerate() {
        memory.name = format!("{} {number}", service.role.name());
        #[expect(clippy::cast_precision_loss, reason = "memory below petabytes")]
        memory.samples.extend(service.memory().map(|bytes| bytes as f64));
    }
}

/// Prints the memory of each process. Returns true if all are flat.
fn report(memories: &[Memory]) -> bool {
    println!("| process | second quarter MB | last quarter MB | growth |\n| --- | --- | --- | --- |");
    let mut flat = true;
    for memory in memories {
        let quarter = memory.samples.len() / 4;
        let (second, last) =
            (mean(&memory.samples[quarter..2 * quarter]), mean(&memory.samples[3 * quarter..]));
        let growth = (last / second - 1.0) * 100.0;
        println!("| {} | {:.1} | {:.1} | {growth:+.1} % |", memory.name, second / 1e6, last / 1e6);
        flat &= growth <= GROWTH_MAX;
    }
    flat
}

fn mean(samples: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand samples")]
    let count = samples.len() as f64;
    samples.iter().sum::<f64>() / count
}

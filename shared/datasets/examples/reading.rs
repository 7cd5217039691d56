//! Reads a CSV of a million questions, and prints the rate and the memory.
//!
//!     cargo run --release -p runmill-datasets --example reading

use std::{
    error::Error,
    fs,
    io::{BufWriter, Write},
    time::Instant,
};

use runmill_datasets::{Items, Mapping, Options};

const ROWS: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("runmill-reading-{}.csv", std::process::id()));
    let mut file = BufWriter::new(fs::File::create(&path)?);
    writeln!(file, "id,question,answer")?;
    for n in 0..ROWS {
        writeln!(file, "q{n},\"What is {n} plus 1, please?\",{}", n + 1)?;
    }
    file.flush()?;
    let map = Some(Mapping::parse("question=question,answer=answer,id=id")?);
    let before = memory_mb()?;
    let start = Instant::now();
    let mut count = 0_u32;
    for read in Items::open(&path, Options { map, ..Options::default() })? {
        read?;
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    println!("{count} items in {seconds:.2} s: {:.0} a second", f64::from(count) / seconds);
    println!("largest memory: {before} MB before, {} MB after", memory_mb()?);
    Ok(())
}

/// Returns the largest memory of this process so far, in MB.
fn memory_mb() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(peak.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}

//! Reads a million questions as CSV and as an Arrow stream, and prints the rate and the memory of each.
//!
//!     cargo run --release -p runmill-datasets --example reading

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
    time::Instant,
};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use runmill_datasets::{Items, Mapping, Options};

const ROWS: u32 = 1_000_000;
/// Number of rows of a record batch, as `datasets` writes them.
const BATCH_ROWS: u32 = 1000;

type Done = Result<(), Box<dyn Error>>;
type WriteFile = fn(File) -> Done;

fn main() -> Done {
    let files: [(&str, WriteFile); 2] = [("CSV", csv), ("Arrow", arrow)];
    for (format, write) in files {
        let path = std::env::temp_dir().join(format!("runmill-reading-{}", std::process::id()));
        write(File::create(&path)?)?;
        let read = read(&path, format);
        fs::remove_file(&path)?;
        read?;
    }
    Ok(())
}

fn csv(file: File) -> Done {
    let mut file = BufWriter::new(file);
    writeln!(file, "id,question,answer")?;
    for n in 0..ROWS {
        writeln!(file, "q{n},\"What is {n} plus 1, please?\",{}", n + 1)?;
    }
    Ok(file.flush()?)
}

fn arrow(file: File) -> Done {
    let batch = |start: u32| {
        let rows = start..start + BATCH_ROWS;
        let ids = StringArray::from_iter_values(rows.clone().map(|n| format!("q{n}")));
        let questions = rows.clone().map(|n| format!("What is {n} plus 1, please?"));
        RecordBatch::try_from_iter([
            ("id", Arc::new(ids) as _),
            ("question", Arc::new(StringArray::from_iter_values(questions)) as _),
            ("answer", Arc::new(Int64Array::from_iter_values(rows.map(|n| i64::from(n) + 1))) as _),
        ])
    };
    let mut writer = StreamWriter::try_new(BufWriter::new(file), &batch(0)?.schema())?;
    for start in (0..ROWS).step_by(BATCH_ROWS as usize) {
        writer.write(&batch(start)?)?;
    }
    Ok(writer.finish()?)
}

fn read(path: &Path, format: &str) -> Done {
    let map = Some(Mapping::parse("question=question,answer=answer,id=id")?);
    let before = memory_mb()?;
    let start = Instant::now();
    let mut count = 0_u32;
    for read in Items::open(path, Options { map, ..Options::default() })? {
        read?;
        count += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{format}: {count} items in {seconds:.2} s: {:.0} a second", f64::from(count) / seconds);
    println!("{format}: largest memory: {before} MB before, {} MB after", memory_mb()?);
    Ok(())
}

/// Returns the largest memory of this process so far, in MB.
fn memory_mb() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(peak.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}

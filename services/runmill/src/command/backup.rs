use std::{fs, io, path::Path};

use anyhow::Context;
use runmill_store::sqlite::back_up;
use tempfile::NamedTempFile;

use crate::{
    cli::BackupArgs,
    exit::{ExitCode, usage},
    process::Process,
    screen::print,
    service::{DATABASE_FILE, key_file},
};

/// Copies the database of the data directory to a new file, whatever processes use it meanwhile.
pub async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let database = process.config.data_dir.join(DATABASE_FILE);
    if !database.exists() {
        return usage(format!(
            "there is no database at {}: RUNMILL_DATA_DIR names the data directory of a standalone process. A \
             database of PostgreSQL is backed up with the tools of PostgreSQL: see docs/operations.md",
            database.display()
        ));
    }
    if args.out.exists() {
        return usage(format!("{} exists already: name a new file", args.out.display()));
    }
    let bytes = copy(&database, &args.out).await?;
    print(format_args!(
        "{} has the database of this moment ({bytes} bytes). It is restored as {DATABASE_FILE} in an empty data directory",
        args.out.display()
    ))?;
    print(key_advice(key_file(&process.config).as_deref()))?;
    Ok(ExitCode::Completed)
}

/// Says where the key is, which the copy leaves out on purpose: whoever finds a copy cannot open its secrets.
fn key_advice(file: Option<&Path>) -> String {
    let key = file.map_or_else(
        || "the value of ENCRYPTION_KEY".to_owned(),
        |path| format!("a copy of {}", path.display()),
    );
    format!("It is without the key that decrypts the providers' secrets: keep {key} in another place")
}

/// Returns the size of the copy, which only its owner can read, and which appears under its name as a whole.
async fn copy(database: &Path, out: &Path) -> anyhow::Result<u64> {
    let writing = || format!("writing {}", out.display());
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(folder).with_context(writing)?;
    back_up(database, file.path()).await.with_context(|| format!("copying {}", database.display()))?;
    file.as_file().sync_all().with_context(writing)?;
    let file = file.persist_noclobber(out).map_err(|error| error.error).with_context(writing)?;
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.or_else(unsupported).with_context(writing)?;
    Ok(file.metadata().with_context(writing)?.len())
}

/// Accepts that a file system cannot sync a folder.
fn unsupported(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    }
}

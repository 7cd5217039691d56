use crate::{
    exit::{ExitCode, usage},
    process::Process,
    screen::print,
    service::connect_store,
};

/// Brings the schema up to date, which each service also does when it starts.
pub async fn run() -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let Some(url) = &process.config.database_url else {
        return usage(
            "DATABASE_URL is not set; a standalone process migrates its own database when it starts",
        );
    };
    connect_store(&process.config, url).await?;
    print("the database is up to date")?;
    Ok(ExitCode::Completed)
}

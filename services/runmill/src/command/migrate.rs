use crate::{
    exit::{Exit, usage},
    process::Process,
    service::connect_store,
};

/// Brings the schema up to date; what else every start does, alone.
pub async fn run() -> anyhow::Result<Exit> {
    let process = Process::load()?;
    let Some(url) = &process.config.database_url else {
        return usage("DATABASE_URL is not set; a standalone process migrates its own file at its start");
    };
    connect_store(&process.config, url).await?;
    println!("the database is up to date");
    Ok(Exit::Completed)
}

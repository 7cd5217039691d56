use crate::{
    cli::ServerArgs,
    client::Client,
    exit::ExitCode,
    process::Process,
    run::connect,
    service::standalone::{Services, Standalone},
};

/// Acts at a server, or on the data directory if none is named.
pub async fn at(
    server: &ServerArgs,
    act: impl AsyncFnOnce(&Client) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    if let Some(client) = connect(&process, server)? {
        return act(&client).await;
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let done = act(&local.client).await;
    // Deleted rows go at once.
    let swept = local.sweep().await;
    local.stop(futures::stream::pending()).await?;
    swept.and(done)
}

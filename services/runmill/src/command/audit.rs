use comfy_table::{Table, presets};

use crate::{
    cli::AuditArgs,
    client::Client,
    command::print_json,
    exit::ExitCode,
    process::Process,
    run::connect,
    screen::print,
    service::standalone::{Services, Standalone},
};

/// Lists the newest changes at a server, or in the data directory if no server is named.
pub async fn run(args: AuditArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    if let Some(client) = connect(&process, &args.server)? {
        return list(&client, &args).await;
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let ended = list(&local.client, &args).await;
    local.stop(futures::stream::pending()).await?;
    ended
}

async fn list(client: &Client, args: &AuditArgs) -> anyhow::Result<ExitCode> {
    let page = client.audit(args.limit).await?;
    if args.json {
        print_json(&page.items)?;
        return Ok(ExitCode::Completed);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["time", "token", "tenant", "action", "object", "detail"]);
    for entry in page.items {
        table.add_row([
            entry.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            entry.token,
            entry.tenant.to_string(),
            entry.action,
            entry.object.unwrap_or_default(),
            entry.detail.unwrap_or_default(),
        ]);
    }
    print(table)?;
    Ok(ExitCode::Completed)
}

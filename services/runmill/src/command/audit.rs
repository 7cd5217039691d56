use crate::{
    cli::AuditArgs,
    client::Client,
    command::print_json,
    exit::ExitCode,
    process::Process,
    run::connect,
    screen::{Column, FittedTable, one_line, print},
    service::standalone::{Services, Standalone},
};

const COLUMNS: &[Column] = &[
    Column { title: "time", rank: 0, least: None },
    Column { title: "token", rank: 2, least: Some(12) },
    Column { title: "tenant", rank: 5, least: Some(8) },
    Column { title: "action", rank: 1, least: None },
    Column { title: "object", rank: 3, least: Some(12) },
    Column { title: "detail", rank: 4, least: Some(12) },
];

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
    let mut table = FittedTable::new(COLUMNS);
    for entry in page.items {
        table.add([
            entry.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            entry.token,
            entry.tenant.to_string(),
            entry.action,
            entry.object.unwrap_or_default(),
            one_line(&entry.detail.unwrap_or_default()),
        ]);
    }
    print(table.for_stdout())?;
    Ok(ExitCode::Completed)
}

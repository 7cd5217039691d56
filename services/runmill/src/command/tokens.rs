use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    Tenant,
    api::{NewToken, Token, TokenPatch},
};

use crate::{
    cli::{NewTokenArgs, TokensAction, TokensArgs, joined_budget},
    client::Client,
    command::print_json,
    exit::ExitCode,
    process::Process,
    run::connect,
    screen::{Column, FittedTable, note, print},
    service::standalone::{Services, Standalone},
};

const COLUMNS: &[Column] = &[
    Column { title: "token", rank: 0, least: None },
    Column { title: "begins", rank: 4, least: None },
    Column { title: "name", rank: 1, least: Some(8) },
    Column { title: "role", rank: 3, least: None },
    Column { title: "tenant", rank: 5, least: Some(8) },
    Column { title: "providers", rank: 7, least: None },
    Column { title: "last used", rank: 6, least: None },
    Column { title: "state", rank: 2, least: Some(7) },
];

/// Creates, lists or revokes tokens of a server, or of the data directory if no server is named.
pub async fn run(args: TokensArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let now = process.clock.now();
    if let Some(client) = connect(&process, &args.server)? {
        return act(&client, &args, now).await;
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let ended = act(&local.client, &args, now).await;
    local.stop(futures::stream::pending()).await?;
    ended
}

async fn act(client: &Client, args: &TokensArgs, now: Timestamp) -> anyhow::Result<ExitCode> {
    match &args.action {
        TokensAction::Create(new) => create(client, new, args.json, now).await,
        TokensAction::List => list(client, args.json, now).await,
        TokensAction::Set { id, change } => {
            let patch = TokenPatch { budget: Some(joined_budget(&change.budget, None)) };
            show(client.patch_token(*id, &patch).await?, args.json, now)
        }
        TokensAction::Revoke { id } => show(client.revoke_token(*id).await?, args.json, now),
    }
}

fn show(token: Token, json: bool, now: Timestamp) -> anyhow::Result<ExitCode> {
    if json {
        print_json(&token)?;
    } else {
        print(table(&[token], now).for_stdout())?;
    }
    Ok(ExitCode::Completed)
}

/// Prints the token alone on standard output, so that a script can take it.
async fn create(
    client: &Client,
    args: &NewTokenArgs,
    json: bool,
    now: Timestamp,
) -> anyhow::Result<ExitCode> {
    let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
    let new = NewToken {
        name: args.name.clone(),
        role: args.role.into(),
        tenant: args.tenant.clone(),
        all_tenants: args.all_tenants,
        providers: (!args.provider.is_empty()).then(|| args.provider.clone()),
        budget: joined_budget(&args.budget, None),
        expires_at: args.days.map(|number| now + days(number)),
    };
    let created = client.create_token(&new).await?;
    if json {
        print_json(&created)?;
        return Ok(ExitCode::Completed);
    }
    note!("{}: keep it now, because it cannot be shown again", created.token.id);
    print(&created.secret)?;
    Ok(ExitCode::Completed)
}

async fn list(client: &Client, json: bool, now: Timestamp) -> anyhow::Result<ExitCode> {
    let (mut tokens, mut after) = (Vec::new(), None);
    loop {
        let page = client.tokens(after.as_deref()).await?;
        tokens.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if json {
        print_json(&tokens)?;
    } else {
        print(table(&tokens, now).for_stdout())?;
    }
    Ok(ExitCode::Completed)
}

fn table(tokens: &[Token], now: Timestamp) -> FittedTable {
    let mut table = FittedTable::new(COLUMNS);
    for token in tokens {
        table.add([
            token.id.to_string(),
            token.prefix.clone(),
            token.name.clone(),
            token.role.to_string(),
            token.tenant.as_ref().map_or("(all)", Tenant::as_str).to_owned(),
            token.providers.as_ref().map_or("(all)".to_owned(), |ids| ids.len().to_string()),
            token.last_used_at.map_or("never".to_owned(), minute),
            state(token, now),
        ]);
    }
    table
}

fn state(token: &Token, now: Timestamp) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", minute(at)),
        (None, Some(at)) if at <= now => format!("expired {}", minute(at)),
        (None, Some(at)) => format!("until {}", minute(at)),
        (None, None) => "valid".to_owned(),
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

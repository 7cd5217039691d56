use runmill_proto::{RunId, api::Run};

use crate::{cli::RunName, client::Client, exit::usage};

/// Number of pages of runs, the newest first, among which a name is looked for, and of runs on each.
const PAGES: usize = 10;
const ON_A_PAGE: u32 = 1_000;

/// Returns the run that the user means. Two runs of one name are an error that lists both.
pub async fn find(client: &Client, name: &RunName) -> anyhow::Result<RunId> {
    match name {
        RunName::Id(id) => Ok(*id),
        RunName::Last => match client.runs(1, None).await?.items.first() {
            Some(run) => Ok(run.id),
            None => usage("there is no run yet"),
        },
        RunName::Named(name) => one_of(name, &named(client, name).await?),
    }
}

async fn named(client: &Client, name: &str) -> anyhow::Result<Vec<Run>> {
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = client.runs(ON_A_PAGE, after.as_deref()).await?;
        found.extend(page.items.into_iter().filter(|run| run.name.as_deref() == Some(name)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

fn one_of(name: &str, found: &[Run]) -> anyhow::Result<RunId> {
    match found {
        [] => usage(format_args!(
            "no run has the name `{name}`; `runmill runs list` shows those that there are"
        )),
        [one] => Ok(one.id),
        several => {
            let lines = several.iter().map(|run| {
                let created = run.created_at.strftime("%Y-%m-%d %H:%M");
                format!("\n  {}  {}, {}, {created}", run.id, run.model, run.status)
            });
            usage(format_args!(
                "{} runs have the name `{name}`; give an id:{}",
                several.len(),
                lines.collect::<String>()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing;

    #[test]
    fn a_name_means_one_run_or_none() {
        let run = testing::run();
        assert_eq!(one_of("x", std::slice::from_ref(&run)).unwrap(), run.id);
        assert!(one_of("x", &[]).unwrap_err().to_string().starts_with("no run has the name `x`"));
        let told = one_of("x", &[run.clone(), run.clone()]).unwrap_err().to_string();
        assert_eq!(told.matches(&run.id.to_string()).count(), 2, "{told}");
    }
}

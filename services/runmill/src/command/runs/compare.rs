use runmill_proto::{
    RunId,
    api::{Comparison, ComparisonQuery, ComparisonTest},
};

use crate::{
    client::Client,
    command::print_json,
    exit::ExitCode,
    screen::{Column, FittedTable, Sheet, note, one_line, print},
};

const CHANGED: &[Column] = &[
    Column { title: "item", rank: 0, least: Some(12) },
    Column { title: "a", rank: 1, least: None },
    Column { title: "b", rank: 2, least: None },
];

/// Compares run `b` with run `a`.
pub async fn compare(
    client: &Client,
    (a, b): (RunId, RunId),
    changed: usize,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let compared = client.comparison(&ComparisonQuery { a, b }).await?;
    if json {
        print_json(&compared)?;
        return Ok(ExitCode::Completed);
    }
    for warning in &compared.warnings {
        note!("warning: {warning}");
    }
    print(table(&compared))?;
    let total = compared.improved + compared.worsened;
    let shown = compared.changed.len().min(changed);
    if shown > 0 {
        let mut table = FittedTable::new(CHANGED);
        for item in &compared.changed[..shown] {
            table.add([one_line(&item.item_id), format!("{:.4}", item.a), format!("{:.4}", item.b)]);
        }
        print(table.for_stdout())?;
    }
    if (shown as u64) < total {
        note!("{shown} of {total} changed items are listed; --changed lists more");
    }
    note!("`runmill runs results RUN --item ID` shows one in full");
    Ok(ExitCode::Completed)
}

fn table(compared: &Comparison) -> Sheet {
    let mut sheet = Sheet::framed();
    let mut row = |name: &str, value: String| sheet.row(name, value);
    let mean = |mean: Option<f64>| mean.map_or_else(|| "none".to_owned(), |mean| format!("{mean:.4}"));
    row("a", format!("{}  {}", compared.a, mean(compared.mean_a)));
    row("b", format!("{}  {}", compared.b, mean(compared.mean_b)));
    row("items of both", compared.items.to_string());
    if compared.only_a + compared.only_b > 0 {
        row("of one", format!("{} only in a, {} only in b", compared.only_a, compared.only_b));
    }
    row("b less a", difference(compared));
    row("changed", format!("{} better, {} worse", compared.improved, compared.worsened));
    sheet
}

fn difference(compared: &Comparison) -> String {
    let Some(difference) = compared.difference else { return "none".to_owned() };
    let error = compared.stderr.map(|error| format!(" ± {error:.4}"));
    let interval = compared.low.zip(compared.high);
    let interval = interval.map(|(low, high)| format!("  (95 %: {low:+.4} to {high:+.4})"));
    let test = match compared.test {
        ComparisonTest::Mcnemar => "McNemar",
        ComparisonTest::PairedT => "paired t",
    };
    let p_value = compared.p_value.map(|p| format!("  p = {p:.4} ({test})"));
    [Some(format!("{difference:+.4}")), error, interval, p_value].into_iter().flatten().collect()
}

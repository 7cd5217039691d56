use maud::{Markup, html};
use runmill_proto::{
    ErrorKind, Outcome, RunId, Score,
    api::{DetailedResult, ResultOrder, ResultsQuery, ScoreClass},
};

use crate::{
    layout::Page,
    number::{NONE, count, millis, usd},
    run::{RunHead, Tab, words},
    status,
    text::{one_line, shown},
    url,
};

/// Largest number of characters of a text in a row.
const CELL_CHARS: usize = 160;

/// A part of a run's results, in the order of the dataset.
pub struct ResultsPage<'a> {
    pub head: RunHead<'a>,
    pub query: &'a ResultsQuery,
    pub results: &'a [DetailedResult],
    /// Cursor after which the part begins. `None` for the beginning.
    pub after: Option<&'a str>,
    /// Cursor of the next part. `None` at the end.
    pub next: Option<&'a str>,
}

impl ResultsPage<'_> {
    pub fn page(&self) -> Page {
        let id = self.head.run.id;
        let source = filtered(&format!("{}/rows", url::results(id)), self.query, None);
        let content = html! {
            div.tools { (self.filter()) (self.jump()) }
            div.scroll.rows #rows tabindex="0" role="group" aria-label="Results"
                data-source=(source) data-after=[self.after] data-next=[self.next]
            {
                table.results {
                    caption.hidden { "Results of the run, in the order of the dataset" }
                    thead { tr {
                        th.number scope="col" { "#" }
                        th scope="col" { "Item" }
                        th scope="col" { "Outcome" }
                        th.number scope="col" { "Score" }
                        th scope="col" { "Answer" }
                        th scope="col" { "Question" }
                        th.number scope="col" { "Latency" }
                        th.number scope="col" { "Tokens" }
                        th.number scope="col" { "Cost" }
                    } }
                    (rows(id, self.results, self.next))
                }
            }
            @if self.results.is_empty() {
                p.empty { @if self.next.is_some() { "No result matches so far." } @else { "No result matches." } }
            }
            nav.pager #pager aria-label="Pages of results" {
                @if self.after.is_some() { a href=(filtered(&url::results(id), self.query, None)) { "First" } }
                @if let Some(next) = self.next {
                    a rel="next" href=(filtered(&url::results(id), self.query, Some(next))) { (if self.results.is_empty() { "Search on" } else { "Next 100" }) }
                }
            }
        };
        self.head.page(Tab::Results, &["rows.js"], &content)
    }

    fn filter(&self) -> Markup {
        let query = self.query;
        let outcomes = Outcome::ALL.iter().map(|it| (it.as_str(), status::outcome_word(*it).to_owned()));
        let kinds = ErrorKind::ALL.iter().filter(|kind| self.head.run.errors.contains_key(kind));
        let kinds = kinds.map(|kind| (kind.as_str(), words(*kind)));
        let orders = ResultOrder::ALL.iter().map(|order| (order.as_str(), order_word(*order).to_owned()));
        let classes = ScoreClass::ALL.iter().map(|class| (class.as_str(), class.as_str().to_owned()));
        html! {
            form.filter role="search" method="get" action=(url::results(self.head.run.id)) data-submit-on-change {
                (select("outcome", "Outcome", query.outcome.as_deref(), outcomes))
                (select("error_kind", "Error", query.error_kind.as_deref(), kinds))
                (select("score", "Score", query.score.as_deref(), classes))
                (select("sort", "Order", query.sort.as_deref(), orders))
                label { span { "Text" }
                    input type="search" name="text" maxlength="1000" value=[query.text.as_deref()] placeholder="in answers, errors, ids"; }
                @if let Some(item) = query.item_id.as_deref() { input type="hidden" name="item_id" value=(item); }
                button type="submit" { "Filter" }
                @if *query != ResultsQuery::default() { a href=(url::results(self.head.run.id)) { "Clear" } }
            }
        }
    }

    /// Form that goes to an item by its place in the dataset, however many there are.
    fn jump(&self) -> Markup {
        html! {
            form.filter method="get" action=(url::results(self.head.run.id)) {
                @for (name, value) in parts(self.query) {
                    @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
                }
                label { span { "From #" } input type="number" name="from" min="0" max=(u32::MAX) inputmode="numeric"; }
                button type="submit" { "Go" }
            }
        }
    }
}

/// Rows of results, with the cursor of the next ones: the part of a table that a browser adds to the page.
pub fn rows(run: RunId, results: &[DetailedResult], next: Option<&str>) -> Markup {
    html! { tbody data-next=[next] { @for result in results { (row(run, result)) } } }
}

fn row(run: RunId, detailed: &DetailedResult) -> Markup {
    let result = &detailed.result;
    let place = if result.sample == 0 {
        result.ordinal.to_string()
    } else {
        format!("{}.{}", result.ordinal, result.sample)
    };
    let call = detailed.call.as_ref();
    let tokens = call.and_then(|call| call.usage).map(|usage| count(usage.total_tokens()));
    html! {
        tr {
            td.number { (place) }
            th scope="row" { a href=(format!("{}#sample-{}", url::item(run, result.ordinal), result.sample)) { (one_line(&result.item_id, 40)) } }
            td { (status::outcome(result.outcome)) @if let Some(kind) = result.error_kind { " " span.quiet { (words(kind)) } } }
            td.number { (mark(result.score.as_ref())) }
            td.text { (one_line(result.response.as_deref().or(result.error.as_deref()).unwrap_or_default(), CELL_CHARS)) }
            td.text { (one_line(detailed.question.as_deref().unwrap_or_default(), CELL_CHARS)) }
            td.number { (millis(call.map(|call| call.latency_ms))) }
            td.number { (tokens.as_deref().unwrap_or(NONE)) }
            td.number { (usd(call.and_then(|call| call.cost_usd))) }
        }
    }
}

/// Returns a score with its class as a word, so that it is not told by a colour alone.
pub fn mark(score: Option<&Score>) -> Markup {
    let Some(score) = score else { return html! { span.quiet { (NONE) } } };
    let class = ScoreClass::of(score.value);
    let text = match (class, score.value) {
        (ScoreClass::Right, _) => "right".to_owned(),
        (ScoreClass::Wrong, Some(value)) if value > 0.0 => format!("{value:.2}"),
        (ScoreClass::Wrong, _) => "wrong".to_owned(),
        (ScoreClass::Unscored, _) => "unscored".to_owned(),
    };
    html! { span.mark-of data-score=(class) { (text) } }
}

fn select(
    name: &'static str,
    label: &str,
    chosen: Option<&str>,
    options: impl Iterator<Item = (&'static str, String)>,
) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                option value="" { @if name == "sort" { "dataset" } @else { "any" } }
                @for (value, word) in options { option value=(value) selected[chosen == Some(value)] { (word) } }
                // A list of several values, which a link may state.
                @if let Some(several) = chosen.filter(|chosen| chosen.contains(',')) {
                    option value=(several) selected { (shown(several)) }
                }
            } }
    }
}

const fn order_word(order: ResultOrder) -> &'static str {
    match order {
        ResultOrder::Slowest => "slowest first",
        ResultOrder::Newest => "newest first",
        ResultOrder::Lowest => "lowest score first",
    }
}

fn parts(query: &ResultsQuery) -> [(&'static str, &str); 6] {
    [
        ("outcome", query.outcome.as_deref().unwrap_or_default()),
        ("error_kind", query.error_kind.as_deref().unwrap_or_default()),
        ("score", query.score.as_deref().unwrap_or_default()),
        ("item_id", query.item_id.as_deref().unwrap_or_default()),
        ("text", query.text.as_deref().unwrap_or_default()),
        ("sort", query.sort.as_deref().unwrap_or_default()),
    ]
}

fn filtered(path: &str, query: &ResultsQuery, after: Option<&str>) -> String {
    url::with_query(path, parts(query).into_iter().chain([("after", after.unwrap_or_default())]))
}

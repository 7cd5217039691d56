mod form;

use maud::{Markup, html};
use runmill_proto::{
    Answer, Item,
    api::{Dataset, DatasetItem, SmokeTestReport},
};

pub use form::{Choice, Form};

use crate::{
    layout::{Page, Place},
    number::{count, millis, time, usd},
    run::words,
    text::{one_line, shown},
    url,
    viewer::Viewer,
};

/// First step towards a run: its dataset.
pub struct DatasetStep<'a> {
    pub viewer: &'a Viewer,
    /// Datasets that can be chosen, the newest first.
    pub datasets: &'a [Dataset],
    /// Reason why the last upload was refused.
    pub fault: Option<&'a str>,
}

/// Second step: the provider, the model and the settings.
pub struct RunStep<'a> {
    pub viewer: &'a Viewer,
    pub dataset: &'a Dataset,
    /// Parts of an item with the fields of the file that they were read from. Empty if that is not known any more.
    pub understood: &'a [(&'static str, String)],
    /// First items of the dataset.
    pub items: &'a [DatasetItem],
    pub choices: &'a [Choice],
    pub form: &'a Form,
    /// Field and fault of each value that is wrong.
    pub faults: &'a [(String, String)],
    pub tried: Option<Tried>,
}

/// Answer to what the viewer tried before the start.
pub enum Tried {
    SmokeTest(Box<SmokeTestReport>),
    Estimate(Estimate),
}

/// Estimate of a run, as names with values.
pub struct Estimate(pub Vec<(&'static str, String)>);

impl DatasetStep<'_> {
    pub fn page(&self) -> Page {
        let body = html! {
            div.head { h1 { "New run" } }
            ol.steps { li aria-current="step" { "Dataset" } li { "Model and settings" } }
            div.columns {
                section.card aria-labelledby="upload" {
                    h2 #upload { "Upload a file" }
                    @if let Some(fault) = self.fault { p.alert role="alert" { (shown(fault)) } }
                    form.stack method="post" action="/ui/datasets" enctype="multipart/form-data" {
                        label for="name" { "Name" }
                        input #name type="text" name="name" maxlength="200" placeholder="that of the file";
                        label for="map" { "Fields " span.quiet { "if they are not found by themselves" } }
                        input #map type="text" name="map" placeholder="question=prompt,answer=target" spellcheck="false";
                        label for="file" { "File" }
                        input #file type="file" name="file" required
                            accept=".jsonl,.ndjson,.json,.csv,.tsv,.arrow,.gz,.zst";
                        p.quiet { "JSON lines, a JSON list, CSV, TSV or Arrow, also packed with gzip or zstd. Known data sets are read as they are." }
                        button.main type="submit" { "Upload" }
                    }
                }
                section.card aria-labelledby="choose" {
                    h2 #choose { "Choose a dataset" }
                    @if self.datasets.is_empty() { p.quiet { "There is none yet." } } @else {
                        table.small {
                            thead { tr { th scope="col" { "Dataset" } th.number scope="col" { "Items" } th scope="col" { "Uploaded" } } }
                            tbody {
                                @for dataset in self.datasets {
                                    tr {
                                        td { a href=(url::with_query(url::NEW_RUN, [("dataset", dataset.id)])) { (one_line(&dataset.name, 80)) } }
                                        td.number { (count(dataset.item_count)) }
                                        td { (time(dataset.created_at)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        };
        Page::fixed("New run", Place::NewRun, body)
    }
}

impl RunStep<'_> {
    pub fn page(&self) -> Page {
        let body = html! {
            div.head { h1 { "New run" } }
            ol.steps { li { a href=(url::NEW_RUN) { "Dataset" } } li aria-current="step" { "Model and settings" } }
            p.facts {
                span { b { (one_line(&self.dataset.name, 80)) } }
                span { (count(self.dataset.item_count)) " items" }
                span { code { (self.dataset.id) } }
            }
            div.columns {
                section.card aria-label="Model and settings" {
                    (self.faults())
                    (self.form.fields(self.dataset.id, self.choices))
                    @if let Some(tried) = &self.tried { div #tried role="status" { (tried.report()) } }
                }
                section aria-labelledby="items" {
                    h2 #items { "First items" }
                    @if !self.understood.is_empty() {
                        dl.settings #understood { @for (name, value) in self.understood { dt { (name) } dd { (shown(value)) } } }
                    }
                    @for item in self.items { (understood(item)) }
                }
            }
        };
        Page::fixed("New run", Place::NewRun, body)
    }

    fn faults(&self) -> Markup {
        html! {
            @if !self.faults.is_empty() {
                div.alert role="alert" {
                    ul.faults { @for (field, fault) in self.faults { li { code { (shown(field)) } " " (shown(fault)) } } }
                }
            }
        }
    }
}

/// Shows how the fields of an item are understood.
fn understood(of: &DatasetItem) -> Markup {
    let item = &of.item;
    let kind = serde_json::to_value(item.item_type).ok();
    html! {
        article.card {
            h3 { "#" (of.ordinal) " " (one_line(&item.id, 80)) }
            dl.settings {
                dt { "type" } dd { code { (kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default()) } }
                @for turn in &item.inputs.messages { dt { (turn.role.as_str()) } dd { (one_line(&turn.content, 400)) } }
                dt { "question" } dd { (one_line(&item.inputs.text, 600)) }
                @if !item.inputs.images.is_empty() { dt { "images" } dd { (item.inputs.images.len()) } }
                @for (n, choice) in item.choices.iter().enumerate() { dt { "choice " (n + 1) } dd { (one_line(choice, 200)) } }
                dt { "reference" } dd { @if let Some(reference) = reference(item) { (one_line(&reference, 400)) }
                    @else { span.quiet { "none: answers get no score" } } }
                @if let Some(meta) = &item.meta { dt { "other fields" } dd { code { (one_line(&meta.to_string(), 400)) } } }
            }
        }
    }
}

fn reference(item: &Item) -> Option<String> {
    let one = match &item.answer {
        Some(Answer::One(answer)) => Some(answer.clone()),
        Some(Answer::Many(answers)) => Some(answers.join(", ")),
        None => None,
    };
    let all: Vec<_> = one.into_iter().chain(item.answers.iter().cloned()).collect();
    (!all.is_empty()).then(|| all.join(" | "))
}

impl Tried {
    fn report(&self) -> Markup {
        match self {
            Self::SmokeTest(report) => smoke_test(report),
            Self::Estimate(Estimate(rows)) => html! {
                h3 { "Estimate" }
                dl.settings { @for (name, value) in rows { dt { (name) } dd { (shown(value)) } } }
            },
        }
    }
}

fn smoke_test(report: &SmokeTestReport) -> Markup {
    html! {
        h3 { "Smoke test" }
        dl.settings {
            dt { "answers" }
            dd {
                @if report.ok { span.pill data-status="completed" { "yes" } } @else { span.pill data-status="failed" { "no" } }
                " in " (millis(Some(report.latency_ms)))
                @if let Some(preview) = &report.preview { ": " (one_line(preview, 240)) }
            }
            @if let Some(error) = &report.error {
                dt { "error" } dd { b { (words(error.kind)) } ": " (one_line(&error.message, 400)) span.reason { (shown(&error.advice)) } }
            }
            dt { "streams" } dd { @if report.streamed { "yes, first token after " (millis(report.ttft_ms)) } @else { "no" } }
            @if let Some(usage) = report.usage { dt { "usage" } dd { (count(usage.prompt_tokens)) " prompt, " (count(usage.completion_tokens)) " completion tokens" } }
            @if let Some(json) = report.json_mode { dt { "JSON mode" } dd { (if json { "yes" } else { "no" }) } }
            dt { "cost" } dd { (usd(report.cost_usd)) }
        }
    }
}

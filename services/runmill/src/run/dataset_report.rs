use std::fmt::Write;

use runmill_datasets::{Items, Plan, ReadItem};
use runmill_prompt::Prompt;
use runmill_proto::{Answer, Item, Scoring, chat};

use super::{
    references::{Finding, References, finding},
    waiting,
};
use crate::{
    exit::{ExitCode, usage},
    screen::Sheet,
};

/// Number of items that are shown.
const SHOWN: usize = 3;
/// Number of faults and of remarks that are listed, each.
const LISTED: usize = 20;
/// Largest number of characters of a text that is shown.
const CHARACTERS: usize = 2_000;

/// How the file of a dataset is understood.
pub struct Report<'a> {
    name: &'a str,
    head: Vec<(&'static str, String)>,
    prompt: Prompt,
    system: Option<String>,
    scoring: Option<&'a Scoring>,
    references: References,
    count: u64,
    shown: Vec<String>,
    faults: Vec<String>,
    remarks: Vec<String>,
}

impl<'a> Report<'a> {
    pub fn new(
        name: &'a str,
        items: &Items,
        prompt: Prompt,
        system: Option<String>,
        scoring: Option<&'a Scoring>,
    ) -> Self {
        let mut head = vec![("file", format!("{name}, {}", items.format()))];
        match items.plan() {
            Plan::Items => head.push(("read as", "items in runmill's format".to_owned())),
            Plan::Fields(mapping) => {
                head.push(("read as", mapping.shape.unwrap_or("--map").to_owned()));
                head.extend(mapping.words());
            }
        }
        Self {
            name,
            head,
            prompt,
            system,
            scoring,
            references: References::default(),
            count: 0,
            shown: Vec::new(),
            faults: Vec::new(),
            remarks: Vec::new(),
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn add(&mut self, read: &ReadItem) {
        self.count += 1;
        self.references.add(read, self.scoring);
        if self.shown.len() < SHOWN {
            self.shown.push(self.item(read));
        }
        let remark = match finding(&read.item, self.scoring) {
            Finding::Usable => return,
            Finding::None => "there is no reference".to_owned(),
            Finding::Unmatched(reason) => format!("no answer matches the reference: {reason}"),
        };
        self.remarks.push(format!("{}: {remark}", read.place));
    }

    pub fn fault(&mut self, fault: Option<String>) {
        self.faults.extend(fault);
    }

    fn item(&self, read: &ReadItem) -> String {
        let item = &read.item;
        let mut text = format!("item {} ({}, {})", item.id, read.place, kind(item));
        let mut line = |name: &str, value: &str| {
            let shown: String = value.chars().take(CHARACTERS).collect();
            let rest = if shown.len() < value.len() { " ..." } else { "" };
            let _ = write!(text, "\n  {name:<10}{}{rest}", indented(&shown));
        };
        let (system, before) = runmill_prompt::before(item, self.system.as_deref());
        if let Some(system) = system {
            line("system", &system);
        }
        for message in &before {
            line(role(message.role), &content(message));
        }
        match self.prompt.render(item) {
            Ok(prompt) => line("user", &prompt),
            Err(fault) => line("user", &format!("cannot be asked: {fault}")),
        }
        line("reference", &reference(item));
        text
    }

    /// Returns the report for the terminal.
    pub fn text(&self) -> anyhow::Result<String> {
        let mut head = Sheet::framed();
        for (name, value) in &self.head {
            head.row(name, value);
        }
        head.row("items", self.count.to_string());
        let mut text = head.to_string();
        for item in &self.shown {
            write!(text, "\n\n{item}")?;
        }
        for (title, list) in [("odd", &self.remarks), ("wrong", &self.faults)] {
            if list.is_empty() {
                continue;
            }
            write!(text, "\n\n{title} ({})", list.len())?;
            for entry in list.iter().take(LISTED) {
                write!(text, "\n  {entry}")?;
            }
            if list.len() > LISTED {
                write!(text, "\n  and {} more", list.len() - LISTED)?;
            }
        }
        Ok(text)
    }

    /// Returns the exit code of the command, or its error.
    pub fn ended(&self) -> anyhow::Result<ExitCode> {
        let name = self.name;
        match self.faults.as_slice() {
            [] if self.count == 0 => usage(format_args!("{name} has no items")),
            [] => {
                self.references.check(self.scoring)?;
                Ok(ExitCode::Completed)
            }
            [one] => usage(format_args!("{name}, {one}")),
            [first, ..] => {
                let rows = waiting::items(self.faults.len() as u64);
                usage(format_args!("{name}: {rows} cannot be read; the first: {first}"))
            }
        }
    }
}

/// Returns a text whose further lines begin below the first.
fn indented(text: &str) -> String {
    text.replace('\n', "\n            ").replace("\n            \n", "\n\n")
}

fn kind(item: &Item) -> String {
    serde_json::to_value(item.item_type)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

const fn role(role: chat::Role) -> &'static str {
    match role {
        chat::Role::System => "system",
        chat::Role::User => "user",
        chat::Role::Assistant => "assistant",
        chat::Role::Tool => "tool",
    }
}

fn content(message: &chat::Message) -> String {
    let texts = message.parts.iter().map(|part| match part {
        chat::Part::Text(text) => text.as_str(),
        chat::Part::Image(_) => "(an image)",
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn reference(item: &Item) -> String {
    let own = match &item.answer {
        None if item.answers.is_empty() => return "none".to_owned(),
        None => String::new(),
        Some(Answer::One(one)) => one.clone(),
        Some(Answer::Many(many)) => many.join(" and "),
    };
    let others = item.answers.iter().map(String::as_str);
    [own.as_str()].into_iter().filter(|own| !own.is_empty()).chain(others).collect::<Vec<_>>().join(" or ")
}

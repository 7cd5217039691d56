use super::{MapFault, path::Path};
use crate::{Cell, literal::structured, row::Fields};

/// Where the choices of an item stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChoicesFrom {
    /// One field: a list, a list in a text, or an object of texts and labels.
    Field(Path),
    /// A column for each choice. Empty cells at the end are no choices.
    Columns(Vec<Path>),
}

/// Choices of an item, with the file's own labels if it has some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub texts: Vec<String>,
    pub labels: Vec<String>,
}

impl ChoicesFrom {
    pub fn read(&self, fields: &Fields) -> Result<Choices, MapFault> {
        match self {
            Self::Field(name) => {
                let cell = name.find(fields).ok_or_else(|| super::missing(name, fields))?;
                of_cell(name, &cell)
            }
            Self::Columns(names) => of_columns(names, fields),
        }
    }

    /// Returns the fields, for a table of what was understood.
    pub fn names(&self) -> &[Path] {
        match self {
            Self::Field(name) => std::slice::from_ref(name),
            Self::Columns(names) => names,
        }
    }
}

fn of_columns(names: &[Path], fields: &Fields) -> Result<Choices, MapFault> {
    let mut cells = names
        .iter()
        .map(|name| name.find(fields).ok_or_else(|| super::missing(name, fields)))
        .collect::<Result<Vec<_>, _>>()?;
    while cells.last().is_some_and(|cell| matches!(**cell, Cell::Missing)) {
        cells.pop();
    }
    let texts = names.iter().zip(&cells).map(|(name, cell)| choice_text(name, 1, cell));
    Ok(Choices { texts: texts.collect::<Result<_, _>>()?, labels: Vec::new() })
}

fn of_cell(name: &Path, cell: &Cell) -> Result<Choices, MapFault> {
    let refused = || MapFault::Choices { name: name.clone(), what: cell.words() };
    match cell {
        Cell::List(items) => of_list(name, items),
        Cell::Object(fields) => of_object(name, cell, fields),
        Cell::Text(text) if text.trim_start().starts_with(['[', '{']) => match structured(text) {
            Some(read @ (Cell::List(_) | Cell::Object(_))) => of_cell(name, &read),
            _ => Err(refused()),
        },
        Cell::Text(text) if !text.trim().is_empty() => {
            let texts = text.split('|').map(|choice| choice.trim().to_owned()).collect();
            Ok(Choices { texts, labels: Vec::new() })
        }
        _ => Err(refused()),
    }
}

/// Reads a list of texts, or of objects with a text and a label each.
fn of_list(name: &Path, items: &[Cell]) -> Result<Choices, MapFault> {
    let mut choices = Choices::default();
    for (item, number) in items.iter().zip(1..) {
        choices.texts.push(choice_text(name, number, item.get("text").unwrap_or(item))?);
        choices.labels.extend(item.get("label").and_then(Cell::scalar).map(str::to_owned));
    }
    if choices.labels.len() < choices.texts.len() {
        choices.labels.clear();
    }
    Ok(choices)
}

/// Reads a list of texts beside a list of labels, as ARC has them, or texts by their labels.
fn of_object(name: &Path, cell: &Cell, fields: &Fields) -> Result<Choices, MapFault> {
    if let Some(Cell::List(texts)) = cell.get("text") {
        let labels = match cell.get("label") {
            Some(Cell::List(labels)) => labels.iter().filter_map(Cell::scalar).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let choices = of_list(name, texts)?;
        return Ok(Choices { labels, ..choices });
    }
    let texts = fields.iter().zip(1..).map(|((_, cell), number)| choice_text(name, number, cell));
    let labels = fields.iter().map(|(label, _)| label.to_string()).collect();
    Ok(Choices { texts: texts.collect::<Result<_, _>>()?, labels })
}

fn choice_text(name: &Path, number: usize, cell: &Cell) -> Result<String, MapFault> {
    match cell.scalar() {
        Some(text) => Ok(text.to_owned()),
        None => Err(MapFault::Choice { name: name.clone(), number, what: cell.words() }),
    }
}

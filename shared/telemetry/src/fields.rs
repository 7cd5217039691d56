use std::{
    error::Error,
    fmt::{self, Debug, Display, Write},
};

use tracing::field::{Field, Visit};

use crate::json::push_string;

/// Receives fields. `render` appends the value of a field, as JSON, to a text.
pub(crate) trait Sink {
    fn field(&mut self, name: &'static str, render: impl FnOnce(&mut String));
}

/// Writes the fields of one line in the order in which they come. If two have the same name, the first is kept.
pub(crate) struct Line<'a> {
    pub text: &'a mut String,
    pub names: &'a mut Vec<&'static str>,
}

impl Sink for Line<'_> {
    fn field(&mut self, name: &'static str, render: impl FnOnce(&mut String)) {
        if self.names.contains(&name) {
            return;
        }
        self.names.push(name);
        self.text.push(',');
        push_string(self.text, format_args!("{name}"));
        self.text.push(':');
        render(self.text);
    }
}

/// Fields of a span, which are rendered once and written into every line inside the span.
#[derive(Default)]
pub(crate) struct SpanFields(Vec<(&'static str, String)>);

impl SpanFields {
    pub fn write_to(&self, line: &mut Line<'_>) {
        for (name, json) in &self.0 {
            line.field(name, |out| out.push_str(json));
        }
    }
}

impl Sink for SpanFields {
    /// Keeps the last value of a field that is recorded again.
    fn field(&mut self, name: &'static str, render: impl FnOnce(&mut String)) {
        let mut json = String::new();
        render(&mut json);
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, value)) => *value = json,
            None => self.0.push((name, json)),
        }
    }
}

/// Passes every field of an event or span to a [`Sink`].
pub(crate) struct Visitor<'a, S>(pub &'a mut S);

impl<S: Sink> Visitor<'_, S> {
    fn literal(&mut self, field: &Field, value: impl Display) {
        self.0.field(field.name(), |out| write!(out, "{value}").expect("writing to a string does not fail"));
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.0.field(field.name(), |out| push_string(out, value));
    }
}

impl<S: Sink> Visit for Visitor<'_, S> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.literal(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.literal(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.literal(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.literal(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.literal(field, value);
    }

    /// Writes infinities and NaN as text, because JSON does not have them.
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() { self.literal(field, value) } else { self.text(field, format_args!("{value}")) }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

/// An error with its causes, outermost first.
struct Chain<'a>(&'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut causes = std::iter::successors(self.0.source(), |&error| error.source());
        causes.try_for_each(|cause| write!(f, ": {cause}"))
    }
}

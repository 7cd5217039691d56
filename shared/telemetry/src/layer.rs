use std::{
    cell::Cell,
    fmt::Write as _,
    io::Write,
    sync::{Mutex, PoisonError},
};

use runmill_clock::Clock;
use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    LogSettings,
    fields::{Line, Sink, SpanFields, Visitor},
    json::push_string,
};

/// Writes each event as one line with a JSON object.
pub(crate) struct JsonLines {
    writer: Mutex<Box<dyn Write + Send>>,
    clock: Clock,
    /// Fields of the process, which are at the end of every line.
    process: SpanFields,
}

/// Buffers that a thread keeps from line to line, so that lines need no allocations.
#[derive(Default)]
struct Scratch {
    line: String,
    names: Vec<&'static str>,
}

/// Largest capacity of a buffer between lines. The memory of a longer line is freed.
const SCRATCH_MAX_BYTES: usize = 64 * 1024;

thread_local! {
    // The buffers are taken out of the cell during use, so a value that logs while it is formatted gets new ones.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

impl JsonLines {
    pub fn new(settings: LogSettings) -> Self {
        let mut process = SpanFields::default();
        for (name, value) in
            [("service", settings.service), ("app", &settings.app_name), ("env", &settings.app_env)]
        {
            process.field(name, |out| push_string(out, format_args!("{value}")));
        }
        Self { writer: Mutex::new(settings.writer), clock: settings.clock, process }
    }

    fn open(&self, line: &mut Line<'_>, metadata: &Metadata<'_>) {
        line.text.push('{');
        let now = self.clock.now();
        write!(line.text, r#""timestamp":"{now:.3}""#).expect("writing to a string does not fail");
        line.names.push("timestamp");
        line.field("level", |out| push_string(out, format_args!("{}", level(*metadata.level()))));
        line.field("logger", |out| push_string(out, format_args!("{}", metadata.target())));
    }

    fn close(&self, line: &mut Line<'_>, metadata: &Metadata<'_>) {
        self.process.write_to(line);
        // This name is written last, so it is kept only if the event has no name of its own.
        line.field("event", |out| push_string(out, format_args!("{}", Dotted(metadata.target()))));
        line.text.push_str("}\n");
    }

    fn write(&self, line: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A failure to write a log cannot be logged.
        let _ = writer.write_all(line.as_bytes());
    }
}

impl<S> Layer<S> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).expect("the registry has the span that it just created");
        let mut fields = SpanFields::default();
        attributes.record(&mut Visitor(&mut fields));
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).expect("the registry has every open span");
        let mut extensions = span.extensions_mut();
        if let Some(fields) = extensions.get_mut::<SpanFields>() {
            values.record(&mut Visitor(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut scratch = SCRATCH.take();
        let mut line = Line { text: &mut scratch.line, names: &mut scratch.names };
        self.open(&mut line, event.metadata());
        event.record(&mut Visitor(&mut line));
        // The innermost span comes first, so if two fields have the same name, the inner one is kept.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<SpanFields>() {
                fields.write_to(&mut line);
            }
        }
        self.close(&mut line, event.metadata());
        self.write(&scratch.line);
        scratch.line.clear();
        scratch.line.shrink_to(SCRATCH_MAX_BYTES);
        scratch.names.clear();
        SCRATCH.set(scratch);
    }
}

/// Returns the name of a level in Python's loggers, which the platform's other services use.
fn level(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warning",
        Level::ERROR => "error",
    }
}

/// Displays the last two segments of a path as a dotted name.
struct Dotted<'a>(&'a str);

impl std::fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut segments = self.0.rsplit("::");
        let last = segments.next().unwrap_or_default();
        match segments.next() {
            Some(parent) => write!(f, "{parent}.{last}"),
            None => f.write_str(last),
        }
    }
}

use std::{
    cell::Cell,
    fmt::Write as _,
    io::Write,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
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

/// Writes each event as one JSON object and a line end.
pub(crate) struct JsonLines {
    writer: Mutex<Box<dyn Write + Send>>,
    now: fn() -> Timestamp,
    /// The fields that every line ends with.
    process: SpanFields,
}

/// What a thread keeps from line to line, so that lines need no allocations.
#[derive(Default)]
struct Scratch {
    line: String,
    names: Vec<&'static str>,
}

/// A longer line's memory is given back.
const SCRATCH_MAX_BYTES: usize = 64 * 1024;

thread_local! {
    // A cell that is emptied for use: a value that logs while it is formatted finds a fresh one.
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
        Self { writer: Mutex::new(settings.writer), now: settings.now, process }
    }

    fn open(&self, line: &mut Line<'_>, metadata: &Metadata<'_>) {
        line.text.push('{');
        let now = (self.now)();
        write!(line.text, r#""timestamp":"{now:.3}""#).expect("a string takes any text");
        line.names.push("timestamp");
        line.field("level", |out| push_string(out, format_args!("{}", level(*metadata.level()))));
        line.field("logger", |out| push_string(out, format_args!("{}", metadata.target())));
    }

    fn close(&self, line: &mut Line<'_>, metadata: &Metadata<'_>) {
        self.process.write_to(line);
        // Last, and so only if the event has not said its name.
        line.field("event", |out| push_string(out, format_args!("{}", Dotted(metadata.target()))));
        line.text.push_str("}\n");
    }

    fn write(&self, line: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // If logs cannot be written, there is nowhere left to say so.
        let _ = writer.write_all(line.as_bytes());
    }
}

impl<S> Layer<S> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).expect("the registry has the span that it just made");
        let mut fields = SpanFields::default();
        attributes.record(&mut Visitor(&mut fields));
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).expect("the registry has the spans that live");
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
        // From the innermost span outwards: what is nearer stays.
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

/// The names that Python's loggers have for levels, as the platform's other services write them.
fn level(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warning",
        Level::ERROR => "error",
    }
}

/// The last two segments of a path, as a dotted name.
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

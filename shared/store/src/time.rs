use jiff::Timestamp;

/// The moment as a database keeps it: what is below a microsecond is cut off, so that an event says the same
/// as the row that it is about.
pub fn micros(moment: Timestamp) -> Timestamp {
    from_micros(moment.as_microsecond())
}

/// `micros` since 1970, as [`Timestamp::as_microsecond`] gave them.
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("only moments that were timestamps are stored")
}

//! Charts of values over time, as SVG that fills its box. Words are HTML beside it, so that they do not stretch.

mod scale;

use std::fmt::Write;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::number::float;

/// Height of the drawing, in its own units.
const HEIGHT: f64 = 100.0;

/// A chart over equally long spans of time.
pub struct Chart {
    pub title: &'static str,
    /// Writes a value with its unit.
    pub unit: fn(f64) -> String,
    pub lines: Vec<Series>,
    /// Series that are stacked as bars.
    pub bars: Vec<Series>,
    /// Name and value of a line that the values may reach.
    pub limit: Option<(&'static str, f64)>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Values of one kind, one for each span of time.
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

impl Series {
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self { name: name.into(), values: values.into_iter().collect() }
    }

    fn last(&self) -> Option<f64> {
        self.values.iter().rev().find_map(|value| *value)
    }

    fn highest(&self) -> f64 {
        self.values.iter().flatten().copied().fold(0.0, f64::max)
    }

    fn sum(&self) -> f64 {
        self.values.iter().flatten().sum()
    }
}

impl Chart {
    pub fn figure(&self) -> Markup {
        html! {
            figure.chart {
                figcaption { h3 { (self.title) } (self.legend()) }
                @if self.is_empty() { p.empty { "No data yet" } } @else { (self.plot()) }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.lines.iter().chain(&self.bars).all(|series| series.values.iter().all(Option::is_none))
    }

    fn legend(&self) -> Markup {
        let lines = self.lines.iter().map(|series| (series, series.last()));
        let bars = self.bars.iter().map(|series| (series, Some(series.sum())));
        html! {
            ul.legend {
                @for (n, (series, value)) in lines.chain(bars).enumerate() {
                    li { span.key data-series=(n) {} (series.name) " "
                        @if let Some(value) = value { b { (self.write(value)) } } }
                }
                @if let Some((name, limit)) = self.limit { li { span.key.limit {} (name) " " b { (self.write(limit)) } } }
            }
        }
    }

    fn write(&self, value: f64) -> String {
        (self.unit)(value)
    }

    fn plot(&self) -> Markup {
        let spans = self.lines.iter().chain(&self.bars).map(|series| series.values.len()).max().unwrap_or(1);
        let highest = self.lines.iter().map(Series::highest).fold(self.highest_bar(spans), f64::max);
        // A limit far above the values would press them to the ground.
        let limit =
            self.limit.map(|(_, limit)| limit).filter(|limit| *limit <= highest * 4.0 || highest == 0.0);
        let top = scale::top(limit.unwrap_or_default().max(highest));
        let width = float(spans as u64);
        html! {
            div.plot {
                div.axis.y aria-hidden="true" { span { (self.write(top)) } span { (self.write(top / 2.0)) } span { "0" } }
                svg role="img" aria-label=(self.description()) viewBox=(format!("0 0 {width} {HEIGHT}"))
                    preserveAspectRatio="none" data-top=(top)
                    data-from=(self.from.as_second()) data-to=(self.to.as_second())
                {
                    @for y in [0.0, 50.0, 100.0] { line.grid x1="0" x2=(width) y1=(y) y2=(y) {} }
                    (self.stack(spans, top))
                    @if let ([only], true) = (self.lines.as_slice(), self.bars.is_empty()) {
                        path.area data-series="0" d=(area(&only.values, top)) {}
                    }
                    @for (n, series) in self.lines.iter().enumerate().rev() {
                        path.line data-series=(n) d=(line(&series.values, top)) {}
                    }
                    @if let Some(limit) = limit { line.limit x1="0" x2=(width) y1=(y(limit, top)) y2=(y(limit, top)) {} }
                }
                div.axis.x aria-hidden="true" {
                    @for share in [0, 1, 2] { span { (self.clock(share)) } }
                }
            }
        }
    }

    /// Returns the time of day after so many halves of the time.
    fn clock(&self, halves: i32) -> String {
        let half = self.to.duration_since(self.from) / 2;
        let days = half.as_hours() >= 24;
        let at = self.from + half * halves;
        at.strftime(if days { "%m-%d %H:%M" } else { "%H:%M:%S" }).to_string()
    }

    fn description(&self) -> String {
        let told = |series: &Series| {
            let last = series.last().map_or_else(|| "none".to_owned(), |last| self.write(last));
            format!("{} last {last}, highest {}", series.name, self.write(series.highest()))
        };
        let told: Vec<_> = self.lines.iter().chain(&self.bars).map(told).collect();
        format!("{}: {}", self.title, told.join("; "))
    }

    fn highest_bar(&self, spans: usize) -> f64 {
        let sum = |n: usize| self.bars.iter().filter_map(|series| *series.values.get(n)?).sum();
        (0..spans).map(sum).fold(0.0, f64::max)
    }

    fn stack(&self, spans: usize, top: f64) -> Markup {
        let first = self.lines.len();
        let mut ground = vec![0.0; spans];
        let mut rects = Vec::new();
        for (n, series) in self.bars.iter().enumerate() {
            for (at, value) in series.values.iter().enumerate() {
                let Some(value) = value.filter(|value| *value > 0.0) else { continue };
                let (low, high) = (ground[at], ground[at] + value);
                ground[at] = high;
                rects.push((first + n, at, y(high, top), y(low, top) - y(high, top)));
            }
        }
        html! {
            @for (n, at, y, height) in rects {
                rect.bar data-series=(n) x=(format!("{at}.1")) width="0.8" y=(format!("{y:.1}")) height=(format!("{height:.1}")) {}
            }
        }
    }
}

/// Returns the height at which a value is drawn.
fn y(value: f64, top: f64) -> f64 {
    HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT
}

/// Returns the line through the middles of the spans. It has a gap where a value is missing.
fn line(values: &[Option<f64>], top: f64) -> String {
    let mut path = String::new();
    let mut is_drawing = false;
    for (at, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let is_alone = !is_drawing && values.get(at + 1).copied().flatten().is_none();
            let y = y(*value, top);
            // A `String` takes all that is written. One value between gaps is drawn over its span: a point is hard to see.
            let _ = match (is_drawing, is_alone) {
                (true, _) => write!(path, "L{at}.5 {y:.1}"),
                (false, true) => write!(path, "M{at}.2 {y:.1}h.6"),
                (false, false) => write!(path, "M{at}.5 {y:.1}"),
            };
        }
        is_drawing = value.is_some();
    }
    path
}

/// Returns the area under the line. Missing values have none.
fn area(values: &[Option<f64>], top: f64) -> String {
    let mut path = String::new();
    for part in values.iter().enumerate().collect::<Vec<_>>().split(|(_, value)| value.is_none()) {
        let Some((first, _)) = part.first() else { continue };
        let _ = write!(path, "M{first}.5 {HEIGHT}");
        for (at, value) in part {
            let _ = write!(path, "L{at}.5 {:.1}", y(value.unwrap_or_default(), top));
        }
        let _ = write!(path, "L{}.5 {HEIGHT}Z", first + part.len() - 1);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_gaps_and_lone_values_and_an_area_stands_on_the_ground() {
        let values = [Some(1.0), Some(2.0), None, Some(4.0)];
        assert_eq!(line(&values, 4.0), "M0.5 75.0L1.5 50.0M3.2 0.0h.6");
        assert_eq!(area(&values, 4.0), "M0.5 100L0.5 75.0L1.5 50.0L1.5 100ZM3.5 100L3.5 0.0L3.5 100Z");
    }

    #[test]
    fn a_chart_says_in_words_what_it_draws() {
        let chart = Chart {
            title: "Latency",
            unit: |value| format!("{value:.0} ms"),
            lines: vec![Series::new("p50", [Some(5.0), None, Some(7.0), None])],
            bars: Vec::new(),
            limit: Some(("limit", 1_000.0)),
            from: Timestamp::UNIX_EPOCH,
            to: "1970-01-01T00:01:00Z".parse().unwrap(),
        };
        let figure = chart.figure().into_string();
        assert!(figure.contains("aria-label=\"Latency: p50 last 7 ms, highest 7 ms\""), "{figure}");
        assert!(figure.contains("<span>00:00:30</span>"), "{figure}");
        assert!(
            !figure.contains("class=\"limit\" x1"),
            "the limit would press the line to the ground: {figure}"
        );
        assert!(!figure.contains("style="), "{figure}");
    }
}

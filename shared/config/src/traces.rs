use std::collections::BTreeMap;

use runmill_proto::Range;
use secrecy::SecretString;

use crate::{error::ValueError, reader::Reader, variable};

/// Settings of traces, from the variables that every `OpenTelemetry` program has.
#[derive(Clone, Debug)]
pub struct Traces {
    /// URL that spans are posted to. It may contain a secret.
    pub endpoint: SecretString,
    /// Headers of every export; values may be percent-encoded.
    pub headers: BTreeMap<String, SecretString>,
    pub sampling: Sampling,
    /// Name of the service in traces. If it is `None`, each service has its own name.
    pub service_name: Option<String>,
}

/// Rule for the traces that are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// If true, a span that continues a trace is kept if the trace's first span was kept.
    pub parent_based: bool,
    /// Share of the other traces that is kept, from 0 to 1.
    pub ratio: f64,
}

/// Reads the settings. Returns `None` if no endpoint is set. The other variables are then not checked, because a
/// platform may set them for all its programs.
pub(crate) fn traces(read: &mut Reader) -> Option<Traces> {
    let whole = read.secret(&variable::OTEL_TRACES_ENDPOINT, |text| url(text, ""));
    let base = read.secret(&variable::OTEL_ENDPOINT, |text| url(text, "/v1/traces"));
    Some(Traces {
        endpoint: whole.or(base)?,
        headers: read.secret(&variable::OTEL_HEADERS, headers).unwrap_or_default(),
        sampling: sampling(read),
        service_name: read.text(&variable::OTEL_SERVICE_NAME).map(str::to_owned),
    })
}

/// Returns the URL for traces: `path` below the endpoint. Source of the path: OTLP/HTTP, "Endpoint URLs".
fn url(text: &str, path: &str) -> Result<SecretString, ValueError> {
    match text.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic()) => {
            let base = if path.is_empty() { text } else { text.trim_end_matches('/') };
            Ok(format!("{base}{path}").into())
        }
        _ => Err(ValueError::HttpUrl),
    }
}

/// Reads `name=value,name=value`.
fn headers(text: &str) -> Result<BTreeMap<String, SecretString>, ValueError> {
    text.split(',')
        .enumerate()
        .map(|(index, part)| header(part).ok_or(ValueError::Header(index + 1)))
        .collect()
}

fn header(part: &str) -> Option<(String, SecretString)> {
    let (name, value) = part.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let is_value = value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    (is_name && is_value).then(|| (name.to_ascii_lowercase(), value.into()))
}

fn sampling(read: &mut Reader) -> Sampling {
    let ratio = read.number(&variable::OTEL_SAMPLER_ARG, Range::new(0.0, 1.0));
    let sampling = read.parse(&variable::OTEL_SAMPLER, |text| {
        let (parent_based, kind) = match text.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, text),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio,
            _ => return Err(ValueError::Sampler),
        };
        Ok(Sampling { parent_based, ratio })
    });
    sampling.unwrap_or(Sampling { parent_based: true, ratio })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{Config, ConfigError, Env};

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

    fn load(variables: &[(&str, &str)]) -> Result<Option<Traces>, ConfigError> {
        Config::load(&variables.iter().copied().collect::<Env>()).map(|config| config.traces)
    }

    #[test]
    fn without_an_endpoint_there_are_no_traces() {
        let others = [("OTEL_SERVICE_NAME", "evals"), ("OTEL_TRACES_SAMPLER", "one of the platform's own")];
        assert!(load(&others).unwrap().is_none());
    }

    #[test]
    fn an_endpoint_of_traces_is_taken_as_it_is_and_goes_before_that_of_everything() {
        let whole = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other/otlp/");
        let slash = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base/");
        let table: [(&[(&str, &str)], &str); 4] = [
            (&[ENDPOINT], "http://collector:4318/v1/traces"),
            (&[slash], "http://collector:4318/base/v1/traces"),
            (&[whole], "https://other/otlp/"),
            (&[ENDPOINT, whole], "https://other/otlp/"),
        ];
        for (variables, want) in table {
            assert_eq!(load(variables).unwrap().unwrap().endpoint.expose_secret(), want);
        }
    }

    #[test]
    fn samplers_have_their_standard_names() {
        let table = [
            ("", 0.25, (true, 1.0)),
            ("always_on", 0.25, (false, 1.0)),
            ("always_off", 0.25, (false, 0.0)),
            ("traceidratio", 0.25, (false, 0.25)),
            ("parentbased_always_off", 0.25, (true, 0.0)),
            ("parentbased_traceidratio", 0.25, (true, 0.25)),
        ];
        for (name, ratio, (parent_based, want)) in table {
            let arg = ratio.to_string();
            let variables = [ENDPOINT, ("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", &arg)];
            let traces = load(&variables).unwrap().unwrap();
            assert_eq!(traces.sampling, Sampling { parent_based, ratio: want }, "{name}");
        }
    }

    #[test]
    fn headers_are_read_and_not_shown() {
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20se=cret, x-team=a");
        let traces = load(&[ENDPOINT, headers]).unwrap().unwrap();

        let read: Vec<_> =
            traces.headers.iter().map(|(name, it)| (name.as_str(), it.expose_secret())).collect();
        assert_eq!(read, [("authorization", "Bearer%20se=cret"), ("x-team", "a")]);
        assert!(!format!("{traces:?}").contains("se=cret"), "{traces:?}");
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is() {
        let error = load(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "secret:4317"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,secret"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ])
        .unwrap_err();
        assert_eq!(
            error.problems,
            [
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must begin with http:// or https:// and name a host",
                "OTEL_EXPORTER_OTLP_HEADERS: header 2 must be name=value",
                "OTEL_TRACES_SAMPLER_ARG=\"2\": must be a number from 0 to 1",
                "OTEL_TRACES_SAMPLER=\"jaeger_remote\": must be always_on, always_off or traceidratio, or one of these with parentbased_ in front",
            ]
        );
    }
}

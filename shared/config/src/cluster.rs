use std::fmt;

use secrecy::SecretString;

use crate::{Config, ConfigError, variable};

/// A service of a cluster. Each has privileges of its own, and so needs different settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Dispatcher,
    Executor,
    LogSink,
}

/// Servers that every service of a cluster connects to.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub database_url: SecretString,
    pub amqp_url: SecretString,
}

impl Service {
    /// Returns false for the log-sink, which handles no secrets.
    const fn needs_key(self) -> bool {
        matches!(self, Self::Dispatcher | Self::Executor)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispatcher => "dispatcher",
            Self::Executor => "executor",
            Self::LogSink => "log-sink",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Config {
    /// Returns what every service needs, or an error that names each setting that `service` lacks.
    pub fn require_cluster(&self, service: Service) -> Result<Cluster, ConfigError> {
        let wanted = [
            (&variable::DATABASE_URL, self.database_url.is_none()),
            (&variable::AMQP_URL, self.amqp_url.is_none()),
            (&variable::ENCRYPTION_KEY, service.needs_key() && self.encryption_key.is_none()),
        ];
        let missing = wanted.into_iter().filter(|(_, missing)| *missing);
        let problems =
            missing.map(|(it, _)| format!("{} is not set, and the {service} needs it", it.name)).collect();
        let urls = self.database_url.clone().unwrap_or_default();
        let cluster = Cluster { database_url: urls, amqp_url: self.amqp_url.clone().unwrap_or_default() };
        ConfigError::unless(problems, cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    const ALL: [(&str, &str); 3] = [
        ("DATABASE_URL", "postgresql://db/runmill"),
        ("AMQP_URL", "amqp://mq"),
        ("ENCRYPTION_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ];

    fn config(variables: &[(&str, &str)]) -> Config {
        Config::load(&variables.iter().copied().collect::<Env>()).unwrap()
    }

    #[test]
    fn a_service_is_told_all_that_it_lacks() {
        let table: [(Service, &[&str]); 3] = [
            (Service::Dispatcher, &["DATABASE_URL", "AMQP_URL", "ENCRYPTION_KEY"]),
            (Service::Executor, &["DATABASE_URL", "AMQP_URL", "ENCRYPTION_KEY"]),
            (Service::LogSink, &["DATABASE_URL", "AMQP_URL"]),
        ];
        for (service, missing) in table {
            let error = config(&[]).require_cluster(service).unwrap_err();
            let want: Vec<_> =
                missing.iter().map(|name| format!("{name} is not set, and the {service} needs it")).collect();
            assert_eq!(error.problems, want, "{service}");
        }
    }

    #[test]
    fn a_service_that_has_it_all_may_start() {
        for service in [Service::Dispatcher, Service::Executor, Service::LogSink] {
            assert!(config(&ALL).require_cluster(service).is_ok(), "{service}");
        }
        assert!(config(&ALL[..2]).require_cluster(Service::LogSink).is_ok());
    }
}

use std::fmt;

use secrecy::SecretString;

use crate::{Config, ConfigError, variable};

/// A service of a cluster, which has its own privileges and so its own needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Dispatcher,
    Executor,
    LogSink,
}

/// What every service of a cluster has.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub database_url: SecretString,
    pub amqp_url: SecretString,
}

impl Role {
    /// The log-sink has no business with secrets.
    const fn needs_key(self) -> bool {
        matches!(self, Self::Dispatcher | Self::Executor)
    }

    const fn needs_tokens(self) -> bool {
        matches!(self, Self::Dispatcher)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dispatcher => "dispatcher",
            Self::Executor => "executor",
            Self::LogSink => "log-sink",
        })
    }
}

impl Config {
    /// What `role` needs to run in a cluster, or everything that is missing for it.
    pub fn require_cluster(&self, role: Role) -> Result<Cluster, ConfigError> {
        let wanted = [
            (&variable::DATABASE_URL, self.database_url.is_none()),
            (&variable::AMQP_URL, self.amqp_url.is_none()),
            (&variable::ENCRYPTION_KEY, role.needs_key() && self.encryption_key.is_none()),
            (&variable::TOKENS, role.needs_tokens() && self.tokens.is_empty()),
        ];
        let missing = wanted.into_iter().filter(|(_, missing)| *missing);
        let problems =
            missing.map(|(it, _)| format!("{} is not set, and a {role} needs it", it.name)).collect();
        let urls = self.database_url.clone().unwrap_or_default();
        let cluster = Cluster { database_url: urls, amqp_url: self.amqp_url.clone().unwrap_or_default() };
        ConfigError::unless(problems, cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    const ALL: [(&str, &str); 4] = [
        ("DATABASE_URL", "postgresql://db/runmill"),
        ("AMQP_URL", "amqp://mq"),
        ("ENCRYPTION_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("RUNMILL_TOKENS", "admin:0123456789abcdef"),
    ];

    fn config(variables: &[(&str, &str)]) -> Config {
        Config::load(&variables.iter().copied().collect::<Env>()).unwrap()
    }

    #[test]
    fn a_service_is_told_all_that_it_lacks() {
        let table: [(Role, &[&str]); 3] = [
            (Role::Dispatcher, &["DATABASE_URL", "AMQP_URL", "ENCRYPTION_KEY", "RUNMILL_TOKENS"]),
            (Role::Executor, &["DATABASE_URL", "AMQP_URL", "ENCRYPTION_KEY"]),
            (Role::LogSink, &["DATABASE_URL", "AMQP_URL"]),
        ];
        for (role, missing) in table {
            let error = config(&[]).require_cluster(role).unwrap_err();
            let want: Vec<_> =
                missing.iter().map(|name| format!("{name} is not set, and a {role} needs it")).collect();
            assert_eq!(error.problems, want, "{role}");
        }
    }

    #[test]
    fn a_service_that_has_it_all_may_start() {
        for role in [Role::Dispatcher, Role::Executor, Role::LogSink] {
            assert!(config(&ALL).require_cluster(role).is_ok(), "{role}");
        }
        assert!(config(&ALL[..2]).require_cluster(Role::LogSink).is_ok());
    }
}

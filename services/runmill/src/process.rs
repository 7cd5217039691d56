use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use runmill_config::{Config, Env, Traces};
use runmill_runtime::{Clock, ServerClock};
use runmill_telemetry::{LogSettings, TraceSettings};

/// Settings and clock of this process; the settings are read and checked once.
pub struct Process {
    pub env: Env,
    pub config: Config,
    pub clock: Clock,
    /// The hands of `clock`: a service sets them to the store's time.
    pub server_clock: ServerClock,
}

impl Process {
    pub fn load() -> anyhow::Result<Self> {
        let env = Env::process()?;
        let config = Config::load(&env)?;
        let server_clock = ServerClock::default();
        Ok(Self { env, config, clock: server_clock.clock(), server_clock })
    }

    /// Starts the logs of a service on standard error, and its traces if an endpoint is set.
    pub fn log_as(&self, service: &'static str) -> anyhow::Result<()> {
        self.log(service, self.config.log_filter.clone(), Box::new(std::io::stderr()))
    }

    /// Starts logs in a file of `folder`, because a person reads the terminal. Logs warnings only, unless `APP_LOG_LEVEL` is
    /// set.
    pub fn log_to_file(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let path = folder.join("runmill.log");
        let file = fs::File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        let level_is_set = self.env.get("APP_LOG_LEVEL").is_some();
        let filter = if level_is_set { self.config.log_filter.clone() } else { "warn".to_owned() };
        self.log("standalone", filter, Box::new(file))?;
        Ok(path)
    }

    fn log(
        &self,
        service: &'static str,
        filter: String,
        writer: Box<dyn Write + Send>,
    ) -> anyhow::Result<()> {
        let logs = LogSettings {
            service,
            app_name: self.config.app_name.clone(),
            app_env: self.config.app_env.clone(),
            filter,
            writer,
            clock: self.clock.clone(),
        };
        let traces = self.config.traces.as_ref().map(|traces| trace_settings(traces, service));
        runmill_telemetry::init(logs, traces.as_ref())?;
        Ok(())
    }
}

fn trace_settings(traces: &Traces, service: &str) -> TraceSettings {
    TraceSettings {
        endpoint: traces.endpoint.clone(),
        headers: traces.headers.clone(),
        service: traces.service_name.clone().unwrap_or_else(|| format!("runmill-{service}")),
        parent_based: traces.sampling.parent_based,
        ratio: traces.sampling.ratio,
    }
}

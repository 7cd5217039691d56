use std::{fs, iter, path::Path, time::Duration};

use bytes::Bytes;
use futures::Stream;
use reqwest::{Certificate, ClientBuilder, Identity, Method, RequestBuilder, Response, StatusCode};
use runmill_config::ServerTrust;
use runmill_proto::{
    DatasetId, ProviderId, RunId, Tenant, TokenId,
    api::{
        AuditEntry, Comparison, ComparisonQuery, CreatedToken, Dataset, ExecutorStatus, ExportFormat,
        ExportQuery, Extension, NewProvider, NewRun, NewScoring, NewToken, Page, Problem, Provider,
        ProviderLimits, ProviderPatch, ResultsQuery, Run, RunPatch, RunScores, SmokeTestReport,
        SmokeTestRequest, Token, TokenPatch,
    },
    message::SmokeTest,
};
use runmill_tls::{HandshakeFault, SettingNames};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

/// Version of the scores that executors gave.
pub const EXECUTORS: &str = "executors";

/// Client of the HTTP API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Option<SecretString>,
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("could not reach runmill at {url}: {reason} (is it running there?)")]
    Unreachable { url: String, reason: String },
    #[error("no TLS with runmill at {url}: {reason}: {advice}")]
    NoTls { url: String, reason: String, advice: String },
    #[error("{path}: {reason}")]
    UnusableFile { path: String, reason: String },
    #[error("{detail} (the token is read from RUNMILL_TOKEN)")]
    Unauthorized { detail: String },
    /// An error status, with the server's message.
    #[error("{detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("the server at {url} answered {} with something that is no API answer ({content_type}): is it runmill?", .status.as_u16())]
    Foreign { url: String, status: StatusCode, content_type: String },
    #[error("the server's response cannot be read: {0}")]
    Unreadable(String),
}

impl ClientError {
    /// Returns true if the server refused the request because of the state of what it names, or because that is gone.
    pub fn is_of_the_state(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::CONFLICT | StatusCode::NOT_FOUND, .. })
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time between two reads of a response. Event streams send a ping every 15 s.
const READ_TIMEOUT: Duration = Duration::from_mins(2);

/// Time after which an unused connection is closed: earlier than the server does, by its default.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Words of hyper for a connection that the server ended before the request, without a reason that could be read.
const ENDED_EARLY: &str = "connection was not ready";

const TLS_SETTINGS: SettingNames = SettingNames {
    authorities: "RUNMILL_SERVER_CA_FILE",
    identity: "RUNMILL_SERVER_CERT_FILE and RUNMILL_SERVER_KEY_FILE",
    address: "RUNMILL_SERVER (--server)",
};

impl Client {
    pub fn new(base_url: &str, token: Option<SecretString>, trust: &ServerTrust) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder();
        // Without TLS, the root certificates of the system are not read, which takes longer than all else here. Files that are
        // named are read in any case, so that a wrong name is told.
        let is_plain =
            base_url.starts_with("http://") && trust.authorities.is_none() && trust.identity.is_none();
        let builder =
            if is_plain { builder.tls_certs_only(iter::empty()) } else { with_trust(builder, trust)? };
        let http = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            // The token is for this server alone: not for the target of a redirect, and not for a proxy that environment
            // variables name.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), token })
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub const fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    pub async fn create_provider(&self, new: &NewProvider) -> Result<Provider, ClientError> {
        self.json(self.request(Method::POST, "/providers").json(new)).await
    }

    pub async fn patch_provider(
        &self,
        provider: &Provider,
        patch: &ProviderPatch,
    ) -> Result<Provider, ClientError> {
        self.json(self.request(Method::PATCH, &format!("/providers/{}", provider.id)).json(patch)).await
    }

    pub async fn provider(&self, id: ProviderId) -> Result<Provider, ClientError> {
        self.json(self.request(Method::GET, &format!("/providers/{id}"))).await
    }

    /// Returns the first thousand providers.
    pub async fn providers(&self) -> Result<Vec<Provider>, ClientError> {
        let request = self.request(Method::GET, "/providers").query(&[("limit", "1000")]);
        Ok(self.json::<Page<Provider>>(request).await?.items)
    }

    pub async fn provider_limits(&self, id: ProviderId) -> Result<ProviderLimits, ClientError> {
        self.json(self.request(Method::GET, &format!("/providers/{id}/limits"))).await
    }

    /// Returns the executors that are alive.
    pub async fn executors(&self) -> Result<Vec<ExecutorStatus>, ClientError> {
        self.json(self.request(Method::GET, "/executors")).await
    }

    /// Returns the provider with this name: if several tenants have one, rather one that is not shared, and rather that of
    /// the first tenant, in which a token of all tenants creates providers.
    pub async fn provider_named(&self, name: &str) -> Result<Option<Provider>, ClientError> {
        let (mut after, mut found): (Option<String>, Vec<Provider>) = (None, Vec::new());
        loop {
            let request = self.request(Method::GET, "/providers").query(&[("limit", "1000")]);
            let page: Page<Provider> = self.json(request.query(&[("after", &after)])).await?;
            found.extend(page.items.into_iter().filter(|provider| provider.name == name));
            after = page.next;
            if after.is_none() {
                let rank = |it: &Provider| (it.shared, it.tenant != Tenant::default());
                return Ok(found.into_iter().min_by_key(rank));
            }
        }
    }

    /// Asks the model one short question through an executor.
    pub async fn smoke_test(&self, id: ProviderId, model: &str) -> Result<SmokeTestReport, ClientError> {
        let request = self.request(Method::POST, &format!("/providers/{id}/smoke-test"));
        // Longer than the server waits for an executor's answer.
        let request = request.timeout(SmokeTest::CLIENT_TIMEOUT);
        self.json(request.json(&SmokeTestRequest { model: model.to_owned() })).await
    }

    /// Returns the configuration with which LightEval calls a model through the server's front door.
    pub async fn lighteval_config(&self, id: ProviderId, model: &str) -> Result<String, ClientError> {
        let request = self.request(Method::GET, &format!("/providers/{id}/lighteval-config"));
        let response = self.send(request.query(&[("format", "lighteval"), ("model", model)])).await?;
        response.text().await.map_err(|error| ClientError::Unreadable(error.to_string()))
    }

    pub async fn dataset_with_hash(&self, version_hash: &str) -> Result<Option<Dataset>, ClientError> {
        let request = self.request(Method::GET, "/datasets").query(&[("version_hash", version_hash)]);
        let page: Page<Dataset> = self.json(request).await?;
        Ok(page.items.into_iter().next())
    }

    /// Returns the oldest datasets.
    pub async fn datasets(&self, limit: u32) -> Result<Vec<Dataset>, ClientError> {
        let request = self.request(Method::GET, "/datasets").query(&[("limit", limit)]);
        Ok(self.json::<Page<Dataset>>(request).await?.items)
    }

    pub async fn upload_dataset(
        &self,
        name: &str,
        body: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<Dataset, ClientError> {
        let request = self.request(Method::POST, "/datasets").query(&[("name", name)]);
        self.json(request.body(reqwest::Body::wrap_stream(body))).await
    }

    pub async fn create_run(&self, new: &NewRun, idempotency_key: &str) -> Result<Run, ClientError> {
        let request = self.request(Method::POST, "/runs").header("idempotency-key", idempotency_key);
        self.json(request.json(new)).await
    }

    /// Returns the newest run whose idempotency key begins with `key_prefix`.
    pub async fn newest_run(&self, key_prefix: &str) -> Result<Option<Run>, ClientError> {
        let request = self.request(Method::GET, "/runs").query(&[("key_prefix", key_prefix)]);
        let page: Page<Run> = self.json(request).await?;
        Ok(page.items.into_iter().next())
    }

    pub async fn run(&self, id: RunId) -> Result<Run, ClientError> {
        self.json(self.request(Method::GET, &format!("/runs/{id}"))).await
    }

    /// Returns a page of runs, the newest first; `after` is the `next` of the page before.
    pub async fn runs(&self, limit: u32, after: Option<&str>) -> Result<Page<Run>, ClientError> {
        let request = self.request(Method::GET, "/runs").query(&[("limit", limit)]);
        self.json(request.query(&[("after", after)])).await
    }

    /// `action` is the last part of the path, as `cancel`, with its query.
    pub async fn steer(&self, id: RunId, action: &str) -> Result<Run, ClientError> {
        self.json(self.request(Method::POST, &format!("/runs/{id}/{action}"))).await
    }

    pub async fn patch_run(&self, id: RunId, patch: &RunPatch) -> Result<Run, ClientError> {
        self.json(self.request(Method::PATCH, &format!("/runs/{id}")).json(patch)).await
    }

    pub async fn extend_run(&self, id: RunId, extension: &Extension) -> Result<Run, ClientError> {
        self.json(self.request(Method::POST, &format!("/runs/{id}/extend")).json(extension)).await
    }

    /// Streams all results that the query asks for, one JSON object per line.
    pub async fn results(&self, id: RunId, query: &ResultsQuery) -> Result<Response, ClientError> {
        let request = self.request(Method::GET, &format!("/runs/{id}/results")).query(query);
        self.send(request.header("accept", "application/x-ndjson")).await
    }

    /// Streams a file of the results that the query asks for.
    pub async fn export(
        &self,
        id: RunId,
        format: ExportFormat,
        results: &ResultsQuery,
    ) -> Result<Response, ClientError> {
        let format = ExportQuery { format: Some(format.to_string()) };
        let request = self.request(Method::GET, &format!("/runs/{id}/export"));
        self.send(request.query(&format).query(results)).await
    }

    /// Compares two runs item by item.
    pub async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison, ClientError> {
        self.json(self.request(Method::GET, "/runs/compare").query(query)).await
    }

    /// Returns the scores that executors gave the answers of a run.
    pub async fn first_scores(&self, id: RunId) -> Result<RunScores, ClientError> {
        let request = self.request(Method::GET, &format!("/runs/{id}/scores"));
        self.json(request.query(&[("score_version", EXECUTORS)])).await
    }

    /// Asks for scores by another scorer.
    pub async fn rescore(&self, id: RunId, scoring: &NewScoring) -> Result<Run, ClientError> {
        self.json(self.request(Method::POST, &format!("/runs/{id}/rescore")).json(scoring)).await
    }

    /// Streams all invocations, one JSON object per line.
    pub async fn invocations(&self, id: RunId) -> Result<Response, ClientError> {
        let path = format!("/runs/{id}/invocations");
        self.send(self.request(Method::GET, &path).header("accept", "application/x-ndjson")).await
    }

    /// Returns runs that ended before a time, oldest first.
    pub async fn ended_runs(&self, before: &str, after: Option<&str>) -> Result<Page<Run>, ClientError> {
        let request = self.request(Method::GET, "/runs").query(&[("ended_before", before), ("limit", "100")]);
        self.json(request.query(&[("after", after)])).await
    }

    /// Deletes a run that has ended.
    pub async fn delete_run(&self, id: RunId) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &format!("/runs/{id}"))).await.map(drop)
    }

    /// Returns datasets that were uploaded before a time and that no run uses.
    pub async fn unused_datasets(
        &self,
        before: &str,
        after: Option<&str>,
    ) -> Result<Page<Dataset>, ClientError> {
        let request =
            self.request(Method::GET, "/datasets").query(&[("unused_before", before), ("limit", "100")]);
        self.json(request.query(&[("after", after)])).await
    }

    /// Returns items of a dataset, in order.
    pub async fn dataset_items<T: DeserializeOwned>(
        &self,
        id: DatasetId,
        after: Option<&str>,
    ) -> Result<Page<T>, ClientError> {
        let request = self.request(Method::GET, &format!("/datasets/{id}/items"));
        self.json(request.query(&[("limit", "1000")]).query(&[("after", after)])).await
    }

    /// Deletes a dataset that no run uses.
    pub async fn delete_dataset(&self, id: DatasetId) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &format!("/datasets/{id}"))).await.map(drop)
    }

    /// Streams the run's events that follow number `after`.
    pub async fn events(&self, id: RunId, after: u64) -> Result<Response, ClientError> {
        self.send(self.request(Method::GET, &format!("/runs/{id}/events")).query(&[("after", after)])).await
    }

    pub async fn create_token(&self, new: &NewToken) -> Result<CreatedToken, ClientError> {
        self.json(self.request(Method::POST, "/tokens").json(new)).await
    }

    /// Returns a page of tokens; `after` is the `next` of the page before.
    pub async fn tokens(&self, after: Option<&str>) -> Result<Page<Token>, ClientError> {
        let request = self.request(Method::GET, "/tokens").query(&[("limit", "1000")]);
        self.json(request.query(&[("after", after)])).await
    }

    pub async fn patch_token(&self, id: TokenId, patch: &TokenPatch) -> Result<Token, ClientError> {
        self.json(self.request(Method::PATCH, &format!("/tokens/{id}")).json(patch)).await
    }

    pub async fn revoke_token(&self, id: TokenId) -> Result<Token, ClientError> {
        self.json(self.request(Method::POST, &format!("/tokens/{id}/revoke"))).await
    }

    /// Returns the newest entries of the audit log.
    pub async fn audit(&self, limit: u32) -> Result<Page<AuditEntry>, ClientError> {
        self.json(self.request(Method::GET, "/audit").query(&[("limit", limit)])).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        if !content_type(&response).ends_with("json") {
            return Err(self.foreign(&response));
        }
        response.json().await.map_err(|error| ClientError::Unreadable(error.to_string()))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let foreign = self.foreign(&response);
        let problem = response.json::<Problem>().await;
        Err(problem.map_or(foreign, |problem| refused(status, describe(problem))))
    }

    fn foreign(&self, response: &Response) -> ClientError {
        let url = self.base_url.clone();
        ClientError::Foreign { url, status: response.status(), content_type: content_type(response) }
    }

    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = cause.to_string();
            source = cause.source();
        }
        let url = self.base_url.clone();
        match HandshakeFault::find(&reason) {
            Some(fault) => ClientError::NoTls { url, reason, advice: fault.advice(&TLS_SETTINGS) },
            None if reason == ENDED_EARLY && url.starts_with("https://") => {
                let reason = format!("{reason}: the server may want another certificate of this client");
                ClientError::Unreachable { url, reason }
            }
            None => ClientError::Unreachable { url, reason },
        }
    }
}

/// Sets the authorities and the client's certificate of a connection to a server.
fn with_trust(mut builder: ClientBuilder, trust: &ServerTrust) -> Result<ClientBuilder, ClientError> {
    let read = |path: &Path| fs::read(path).map_err(|error| unusable(path, &error));
    if let Some(path) = &trust.authorities {
        let found = Certificate::from_pem_bundle(&read(path)?).map_err(|error| unusable(path, &error))?;
        builder = builder.tls_certs_merge(found);
    }
    if let Some(own) = &trust.identity {
        let pem = [read(&own.certificate)?, read(&own.key)?].join(&b'\n');
        let identity = Identity::from_pem(&pem).map_err(|error| unusable(&own.certificate, &error))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> ClientError {
    ClientError::UnusableFile { path: path.display().to_string(), reason: error.to_string() }
}

/// Returns the media type of a body, without its parameters.
fn content_type(response: &Response) -> String {
    let value = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next()).map(str::trim);
    media_type.filter(|it| !it.is_empty()).unwrap_or("without a content type").to_owned()
}

fn refused(status: StatusCode, detail: String) -> ClientError {
    match status {
        StatusCode::UNAUTHORIZED => ClientError::Unauthorized { detail },
        _ => ClientError::Refused { status, detail },
    }
}

fn describe(problem: Problem) -> String {
    if problem.errors.len() < 2 {
        return problem.detail;
    }
    let faults = problem.errors.iter().map(|fault| format!("\n  {}: {}", fault.pointer, fault.detail));
    std::iter::once(problem.detail.clone()).chain(faults).collect()
}

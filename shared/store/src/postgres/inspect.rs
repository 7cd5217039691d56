//! Checks that a server, a role and a database are set up as runmill needs them. Every check reads only.

use super::{PgStore, migrate};
use crate::StoreError;

pub use migrate::SchemaState;

/// Oldest version of PostgreSQL, as the server counts it.
const OLDEST: i32 = 140_000;

const SERVER: &str = "\
SELECT /* inspect.server */ current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS number,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only,
    current_user::text AS role,
    coalesce(current_schema()::text, '') AS schema,
    coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false) AS may_create";

const TABLES: &str = "\
SELECT /* inspect.tables */ wanted.name,
    to_regclass(wanted.name) IS NOT NULL AS exists,
    coalesce(
        has_table_privilege(to_regclass(wanted.name)::oid, 'SELECT')
            AND has_table_privilege(to_regclass(wanted.name)::oid, 'INSERT')
            AND has_table_privilege(to_regclass(wanted.name)::oid, 'UPDATE')
            AND has_table_privilege(to_regclass(wanted.name)::oid, 'DELETE'),
        false
    ) AS is_usable
FROM unnest($1::text[]) AS wanted (name)
ORDER BY wanted.name";

/// All tables of the schema, without the partitions of some.
pub const ALL_TABLES: [&str; 26] = [
    "answer_runs",
    "answers",
    "audit_log",
    "batches",
    "budgets",
    "dataset_items",
    "datasets",
    "deferred",
    "evaluations",
    "executors",
    "files",
    "fleet",
    "invocations",
    "lead",
    "provider_secrets",
    "providers",
    "removals",
    "results",
    "run_events",
    "run_series",
    "runs",
    "scaling_needs",
    "settings",
    "tokens",
    "usage_days",
    "webhooks",
];

/// State of a database, as its server tells it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Version of the server, as it names itself.
    pub version: String,
    /// A pooler stands between.
    pub is_pooled: bool,
    pub schema: SchemaState,
    pub faults: Vec<StoreFault>,
}

/// A fault of the setup, which an operator has to correct. Its text says how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    #[error("PostgreSQL {0} is too old: use 14 or newer")]
    TooOld(String),
    #[error(
        "the encoding of the database is {0}, which lacks characters that answers have: create one with \
         `CREATE DATABASE runmill ENCODING 'UTF8' TEMPLATE template0`"
    )]
    Encoding(String),
    #[error(
        "the server takes no writes: connect to the primary, or switch `default_transaction_read_only` off"
    )]
    ReadOnly,
    #[error("the role `{0}` has no schema in its search path: correct `search_path`")]
    NoSchema(String),
    #[error(
        "the role `{role}` may not create tables: run `GRANT CREATE ON SCHEMA {schema} TO {role}` as the database's \
         owner, or run `runmill migrate` as another role"
    )]
    MayNotCreate { role: String, schema: String },
    #[error("there are no tables {0}: another process may be migrating, or they were dropped or renamed")]
    NoTables(String),
    #[error(
        "the role `{role}` may not read and write {tables}: run `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES \
         IN SCHEMA {schema} TO {role}` as their owner"
    )]
    NoRights { role: String, schema: String, tables: String },
}

struct Server {
    version: String,
    number: i32,
    encoding: String,
    is_read_only: bool,
    role: String,
    schema: String,
    may_create: bool,
}

impl PgStore {
    /// Looks at the server, the role and the database. Reads only.
    pub async fn inspect(&self) -> Result<Inspection, StoreError> {
        let server = self.server().await?;
        let schema = migrate::state(&self.client().await?).await?;
        let mut faults = server.faults(schema);
        if schema == SchemaState::UpToDate {
            faults.extend(self.faults_of_tables(&server).await?);
        }
        Ok(Inspection { version: server.version, is_pooled: self.is_pooled(), schema, faults })
    }

    /// Returns an error if the database cannot be used as it is set up, with all faults.
    pub async fn require_suitable(&self) -> Result<(), StoreError> {
        suitable(&self.inspect().await?.faults)
    }

    /// Returns an error if a table is missing or may not be used. A running process asks now and then.
    pub async fn check_tables(&self) -> Result<(), StoreError> {
        let server = self.server().await?;
        let faults = self.faults_of_tables(&server).await?;
        suitable(&faults)
    }

    async fn server(&self) -> Result<Server, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SERVER).await?;
        let row = client.query_one(&statement, &[]).await?;
        Ok(Server {
            version: row.try_get("version")?,
            number: row.try_get("number")?,
            encoding: row.try_get("encoding")?,
            is_read_only: row.try_get("is_read_only")?,
            role: row.try_get("role")?,
            schema: row.try_get("schema")?,
            may_create: row.try_get("may_create")?,
        })
    }

    async fn faults_of_tables(&self, server: &Server) -> Result<Vec<StoreFault>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(TABLES).await?;
        let (mut missing, mut forbidden) = (Vec::new(), Vec::new());
        for row in client.query(&statement, &[&ALL_TABLES.as_slice()]).await? {
            let name: String = row.try_get("name")?;
            if !row.try_get::<_, bool>("exists")? {
                missing.push(name);
            } else if !row.try_get::<_, bool>("is_usable")? {
                forbidden.push(name);
            }
        }
        let mut faults = Vec::new();
        if !missing.is_empty() {
            faults.push(StoreFault::NoTables(missing.join(", ")));
        }
        if !forbidden.is_empty() {
            let (role, schema) = (server.role.clone(), server.schema.clone());
            faults.push(StoreFault::NoRights { role, schema, tables: forbidden.join(", ") });
        }
        Ok(faults)
    }
}

impl Server {
    fn faults(&self, schema: SchemaState) -> Vec<StoreFault> {
        let mut faults = Vec::new();
        if self.number < OLDEST {
            faults.push(StoreFault::TooOld(self.version.clone()));
        }
        if self.encoding != "UTF8" {
            faults.push(StoreFault::Encoding(self.encoding.clone()));
        }
        if self.is_read_only {
            faults.push(StoreFault::ReadOnly);
        }
        if self.schema.is_empty() {
            faults.push(StoreFault::NoSchema(self.role.clone()));
        } else if schema != SchemaState::UpToDate && !self.may_create {
            faults.push(StoreFault::MayNotCreate { role: self.role.clone(), schema: self.schema.clone() });
        }
        faults
    }
}

fn suitable(faults: &[StoreFault]) -> Result<(), StoreError> {
    if faults.is_empty() {
        return Ok(());
    }
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    Err(StoreError::Unsuitable(texts.join("; ")))
}

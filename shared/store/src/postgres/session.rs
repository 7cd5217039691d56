//! Connections, as the tables use them: directly to the server, or through a pooler.
//!
//! A pooler in transaction mode gives each transaction another session of the server. A statement that is prepared under
//! a name in one session is unknown in the next, and settings and locks of a session are others' later. So behind a
//! pooler, statements have no name: one message has the text, the types of the parameters and their values. The types are
//! asked for once in each process. Directly, each connection prepares a statement once, which costs the server less.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use deadpool_postgres::{GenericClient as _, Object};
use tokio_postgres::{
    CopyInSink, Error, GenericClient, IsolationLevel, Row, RowStream, SimpleQueryMessage, Statement,
    types::{ToSql, Type},
};
use uuid::Uuid;

use super::settings_of_session::SET_IN_TRANSACTION;

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// States how the statements of a pool reach the server.
#[derive(Clone)]
pub enum Route {
    /// Each connection is a session of the server.
    Direct,
    /// A pooler stands between, which may give each transaction another session.
    Pooled(KnownTypes),
}

/// Types of the parameters of statements, by their text. The texts are those of this crate, so their number is bounded.
#[derive(Clone, Default)]
pub struct KnownTypes(Arc<RwLock<HashMap<String, Arc<[Type]>>>>);

/// A statement that can be executed on the connection that prepared it.
pub enum Prepared {
    Named(Statement),
    Unnamed { text: String, types: Arc<[Type]> },
}

/// A connection out of the pool.
pub struct Session {
    client: Object,
    route: Route,
}

/// A transaction; it is rolled back if it is dropped before its commit.
pub struct Transaction<'a> {
    tx: deadpool_postgres::Transaction<'a>,
    route: Route,
}

impl Session {
    pub const fn new(client: Object, route: Route) -> Self {
        Self { client, route }
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Begins a transaction at the isolation level for which runmill's statements are written, whatever the default of
    /// the server, the role or the database is.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        let route = self.route.clone();
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
        let tx = begin.start().await?;
        if let Route::Pooled(_) = route {
            tx.batch_execute(SET_IN_TRANSACTION).await?;
        }
        Ok(Transaction { tx, route })
    }

    pub async fn prepare_cached(&self, text: &str) -> Result<Prepared, Error> {
        match &self.route {
            Route::Direct => self.client.prepare_cached(text).await.map(Prepared::Named),
            Route::Pooled(types) => types.prepare(&**self.client, text).await,
        }
    }

    pub async fn query(&self, statement: &Prepared, values: Parameters<'_>) -> Result<Vec<Row>, Error> {
        statement.query(&**self.client, values).await
    }

    /// Returns the rows one after the other. Those that are not taken are read and dropped, before the connection's next
    /// statement.
    pub async fn stream(&self, statement: &Prepared, values: Parameters<'_>) -> Result<RowStream, Error> {
        statement.stream(&**self.client, values).await
    }

    pub async fn query_one(&self, statement: &Prepared, values: Parameters<'_>) -> Result<Row, Error> {
        statement.query_one(&**self.client, values).await
    }

    pub async fn query_opt(
        &self,
        statement: &Prepared,
        values: Parameters<'_>,
    ) -> Result<Option<Row>, Error> {
        statement.query_opt(&**self.client, values).await
    }

    pub async fn execute(&self, statement: &Prepared, values: Parameters<'_>) -> Result<u64, Error> {
        statement.execute(&**self.client, values).await
    }
}

impl Transaction<'_> {
    pub async fn prepare_cached(&self, text: &str) -> Result<Prepared, Error> {
        match &self.route {
            Route::Direct => self.tx.prepare_cached(text).await.map(Prepared::Named),
            Route::Pooled(types) => types.prepare(&*self.tx, text).await,
        }
    }

    pub async fn query(&self, statement: &Prepared, values: Parameters<'_>) -> Result<Vec<Row>, Error> {
        statement.query(&*self.tx, values).await
    }

    pub async fn query_one(&self, statement: &Prepared, values: Parameters<'_>) -> Result<Row, Error> {
        statement.query_one(&*self.tx, values).await
    }

    pub async fn query_opt(
        &self,
        statement: &Prepared,
        values: Parameters<'_>,
    ) -> Result<Option<Row>, Error> {
        statement.query_opt(&*self.tx, values).await
    }

    pub async fn execute(&self, statement: &Prepared, values: Parameters<'_>) -> Result<u64, Error> {
        statement.execute(&*self.tx, values).await
    }

    pub async fn batch_execute(&self, statements: &str) -> Result<(), Error> {
        self.tx.batch_execute(statements).await
    }

    /// Returns true if a pooler stands between.
    pub const fn is_pooled(&self) -> bool {
        matches!(self.route, Route::Pooled(_))
    }

    /// Only for a direct connection, because poolers lose count of the answers when a copy fails.
    pub async fn copy_in(&self, text: &str) -> Result<CopyInSink<bytes::Bytes>, Error> {
        self.tx.copy_in(text).await
    }

    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await
    }

    pub async fn rollback(self) -> Result<(), Error> {
        self.tx.rollback().await
    }
}

/// Reads by a connection, in a transaction or without one.
pub trait Reading: Sync {
    /// Prepares the statement and returns its rows.
    fn rows(
        &self,
        text: &str,
        values: Parameters<'_>,
    ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
}

impl Reading for Session {
    async fn rows(&self, text: &str, values: Parameters<'_>) -> Result<Vec<Row>, Error> {
        self.query(&self.prepare_cached(text).await?, values).await
    }
}

impl Reading for Transaction<'_> {
    async fn rows(&self, text: &str, values: Parameters<'_>) -> Result<Vec<Row>, Error> {
        self.query(&self.prepare_cached(text).await?, values).await
    }
}

impl Prepared {
    async fn query(&self, client: &impl GenericClient, values: Parameters<'_>) -> Result<Vec<Row>, Error> {
        match self {
            Self::Named(statement) => client.query(statement, values).await,
            Self::Unnamed { text, types } => client.query_typed(text, &typed(values, types)).await,
        }
    }

    async fn stream(&self, client: &impl GenericClient, values: Parameters<'_>) -> Result<RowStream, Error> {
        match self {
            Self::Named(statement) => client.query_raw(statement, values.iter().copied()).await,
            Self::Unnamed { text, types } => client.query_typed_raw(text, typed(values, types)).await,
        }
    }

    async fn query_one(&self, client: &impl GenericClient, values: Parameters<'_>) -> Result<Row, Error> {
        match self {
            Self::Named(statement) => client.query_one(statement, values).await,
            Self::Unnamed { text, types } => client.query_typed_one(text, &typed(values, types)).await,
        }
    }

    async fn query_opt(
        &self,
        client: &impl GenericClient,
        values: Parameters<'_>,
    ) -> Result<Option<Row>, Error> {
        match self {
            Self::Named(statement) => client.query_opt(statement, values).await,
            Self::Unnamed { text, types } => client.query_typed_opt(text, &typed(values, types)).await,
        }
    }

    async fn execute(&self, client: &impl GenericClient, values: Parameters<'_>) -> Result<u64, Error> {
        match self {
            Self::Named(statement) => client.execute(statement, values).await,
            Self::Unnamed { text, types } => client.execute_typed(text, &typed(values, types)).await,
        }
    }
}

fn typed<'a>(values: Parameters<'a>, types: &[Type]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    values.iter().copied().zip(types.iter().cloned()).collect()
}

impl KnownTypes {
    async fn prepare(&self, client: &impl GenericClient, text: &str) -> Result<Prepared, Error> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        let types = match known {
            Some(types) => types,
            None => self.ask(client, text).await?,
        };
        Ok(Prepared::Unnamed { text: text.to_owned(), types })
    }

    /// Returns the texts of the statements that were prepared so far.
    #[cfg(feature = "testing")]
    pub fn statements(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    async fn ask(&self, client: &impl GenericClient, text: &str) -> Result<Arc<[Type]>, Error> {
        let types: Arc<[Type]> = parameter_types(client, text).await?.into();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned(), types.clone());
        Ok(types)
    }
}

/// Asks the server for the types of a statement's parameters. One message has all of it, so that one session sees it whole
/// and nothing stays behind in that session, even if the caller is cancelled.
async fn parameter_types(client: &impl GenericClient, text: &str) -> Result<Vec<Type>, Error> {
    let name = format!("runmill_{}", Uuid::now_v7().simple());
    let ask = format!(
        "PREPARE {name} AS {text};\n\
         SELECT /* session.parameter_types */ unnest(parameter_types)::oid FROM pg_prepared_statements WHERE name = '{name}';\n\
         DEALLOCATE {name}"
    );
    let answer = client.simple_query(&ask).await?;
    let oids = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    // A type that is not built in has no number that this driver knows; the schema has none.
    Ok(oids.map(|oid| Type::from_oid(oid).unwrap_or(Type::UNKNOWN)).collect())
}

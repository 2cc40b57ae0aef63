//! Statements, and batches of them that take one round trip.

use std::error::Error as StdError;
use std::fmt;

use bytes::BytesMut;
use deadpool_postgres::ClientWrapper;
use futures_util::TryStreamExt as _;
use futures_util::future::{join_all, join3};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, Row, Statement};

#[cfg(feature = "testing")]
use crate::statement_record;

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) sql: &'static str,
    pub(super) parameters: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Query {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    /// Appends a parameter.
    #[must_use]
    pub(super) fn bind(mut self, value: impl ToSql + Sync + Send + 'static) -> Self {
        self.parameters.push(Box::new(Hidden(value)));
        self
    }
}

/// A parameter that `Debug` does not show. tokio-postgres logs the parameters of every statement at
/// the level `debug`, and they can be password hashes or signing keys.
struct Hidden<T>(T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

impl<T: ToSql> ToSql for Hidden<T> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        T::accepts(ty)
    }

    to_sql_checked!();
}

/// The rows of each statement of a batch, in the order of the statements.
#[derive(Debug)]
pub(super) struct Reply(Vec<Vec<Row>>);

impl Reply {
    /// Returns the rows of a statement, given by its index. There are none if no statement has
    /// this index.
    pub(super) fn rows(&self, statement: usize) -> &[Row] {
        self.0.get(statement).map_or(&[], Vec::as_slice)
    }

    /// Returns the first row of a statement, given by its index.
    pub(super) fn first(&self, statement: usize) -> Option<&Row> {
        self.rows(statement).first()
    }

    /// Returns the first row of the first statement.
    pub(super) fn into_first(self) -> Option<Row> {
        self.0.into_iter().next()?.into_iter().next()
    }

    /// Removes the first statement, so that the second one has the index 0.
    pub(super) fn without_first(mut self) -> Self {
        self.0.drain(..1.min(self.0.len()));
        self
    }
}

/// The statements that begin and end a transaction, around the statements of a batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Around {
    pub(super) before: &'static [&'static str],
    pub(super) after: &'static [&'static str],
}

/// Sends a batch to the server. Statements that the connection has not prepared yet are prepared
/// first, which takes a round trip for each.
///
/// Returns the first error.
pub(super) async fn send(
    client: &ClientWrapper,
    queries: &[Query],
    around: Around,
) -> Result<Reply, Error> {
    Batch::prepare(client, queries).await?.run(client, around).await
}

/// Prepared statements that are sent together, so that they take one round trip.
pub(super) struct Batch<'a>(Vec<(&'a Query, Statement)>);

impl<'a> Batch<'a> {
    pub(super) async fn prepare(
        client: &ClientWrapper,
        queries: &'a [Query],
    ) -> Result<Self, Error> {
        let mut statements = Vec::with_capacity(queries.len());
        for query in queries {
            statements.push((query, client.prepare_cached(query.sql).await?));
        }
        Ok(Self(statements))
    }

    /// Sends the statements. The server runs them one after the other. After the first error, it
    /// rejects the others if they are in a transaction.
    pub(super) async fn run(self, client: &ClientWrapper, around: Around) -> Result<Reply, Error> {
        #[cfg(feature = "testing")]
        record(&self.0, around);
        // A future sends its statement when it is polled for the first time. `join3` and `join_all`
        // poll in this order.
        let rows = self.0.iter().map(|(query, statement)| run(client, query, statement));
        let execute = |sql: &&'static str| client.batch_execute(sql);
        let before = join_all(around.before.iter().map(execute));
        let after = join_all(around.after.iter().map(execute));
        let (before, rows, after) = join3(before, join_all(rows), after).await;
        before.into_iter().collect::<Result<(), _>>()?;
        let rows = rows.into_iter().collect::<Result<_, _>>()?;
        after.into_iter().collect::<Result<(), _>>()?;
        Ok(Reply(rows))
    }
}

/// Adds the statements of a batch to the record that a test has started.
#[cfg(feature = "testing")]
fn record(queries: &[(&Query, Statement)], around: Around) {
    around.before.iter().for_each(|sql| statement_record::record(sql));
    queries.iter().for_each(|(query, _)| statement_record::record(query.sql));
    around.after.iter().for_each(|sql| statement_record::record(sql));
}

async fn run(
    client: &ClientWrapper,
    query: &Query,
    statement: &Statement,
) -> Result<Vec<Row>, Error> {
    let parameters = query.parameters.iter().map(|value| &**value as &(dyn ToSql + Sync));
    client.query_raw(statement, parameters).await?.try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_parameters() {
        let query = Query::new("SELECT $1, $2").bind("hunter2").bind(b"hunter2".to_vec());
        // tokio-postgres formats each parameter.
        let logged = format!("{query:?} {:?}", query.parameters);
        assert!(logged.contains("Hidden"), "{logged}");
        assert!(!logged.contains("hunter2") && !logged.contains("104, 117"), "{logged}");
    }
}

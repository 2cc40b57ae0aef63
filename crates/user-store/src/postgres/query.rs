//! Statements, and batches of them that take one round trip.

use std::error::Error as StdError;
use std::fmt;

use bytes::BytesMut;
use deadpool_postgres::ClientWrapper;
use futures_util::TryStreamExt as _;
use futures_util::future::{OptionFuture, join_all, join3};
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
    pub(super) before: Option<&'static str>,
    pub(super) after: Option<&'static str>,
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

/// The number of statements that are sent before the answers to them are awaited. With more
/// futures, `join_all` does not poll them in a fixed order, so `COMMIT` could be sent before a
/// statement.
const MAX_PIPELINED: usize = 30;

/// Prepared statements that are sent together. Up to [`MAX_PIPELINED`] take one round trip.
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
        let mut rows = Vec::with_capacity(self.0.len());
        let (mut before, mut rest) = (around.before, self.0.as_slice());
        loop {
            let (part, later) = rest.split_at(rest.len().min(MAX_PIPELINED));
            let after = around.after.filter(|_| later.is_empty());
            rows.extend(run_part(client, part, Around { before, after }).await?);
            if later.is_empty() {
                return Ok(Reply(rows));
            }
            (before, rest) = (None, later);
        }
    }
}

/// Adds the statements of a batch to the record that a test has started.
#[cfg(feature = "testing")]
fn record(queries: &[(&Query, Statement)], around: Around) {
    around.before.into_iter().for_each(statement_record::record);
    queries.iter().for_each(|(query, _)| statement_record::record(query.sql));
    around.after.into_iter().for_each(statement_record::record);
}

async fn run_part(
    client: &ClientWrapper,
    queries: &[(&Query, Statement)],
    around: Around,
) -> Result<Vec<Vec<Row>>, Error> {
    // A future sends its statement when it is polled for the first time. `join3` polls in this
    // order, and so does `join_all` up to `MAX_PIPELINED`.
    let execute = |sql: &'static str| client.batch_execute(sql);
    let before = OptionFuture::from(around.before.map(execute));
    let rows = join_all(queries.iter().map(|(query, statement)| run(client, query, statement)));
    let after = OptionFuture::from(around.after.map(execute));
    let (before, rows, after) = join3(before, rows, after).await;
    before.transpose()?;
    let rows = rows.into_iter().collect::<Result<_, _>>()?;
    after.transpose()?;
    Ok(rows)
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
    use test_postgres::shared;

    use super::*;
    use crate::postgres::config::PostgresConfig;
    use crate::postgres::open::Opening;

    #[tokio::test]
    async fn a_batch_of_any_length_is_one_transaction() {
        let database = shared().create_database(None);
        database.sql("CREATE TABLE numbers (number integer PRIMARY KEY)");
        let config = PostgresConfig::parse(&database.url()).unwrap();
        let opening = Opening::new(&config).unwrap();
        let client = opening.connect_within(std::time::Duration::ZERO).await.unwrap();
        let insert = |number: i32| Query::new("INSERT INTO numbers VALUES ($1)").bind(number);
        let around = Around { before: Some("BEGIN"), after: Some("COMMIT") };
        let mut end = 0;
        for count in [0, 1, 30, 31, 60, 95] {
            let numbers: Vec<_> = (end..end + count).map(insert).collect();
            end += count;
            let reply = send(&client, &numbers, around).await.unwrap();
            assert_eq!(reply.0.len(), numbers.len());
            let rows = "SELECT count(*) FROM numbers";
            assert_eq!(database.sql(rows), end.to_string());
            let transactions = format!(
                "SELECT count(DISTINCT xmin::text) FROM numbers WHERE number >= {}",
                end - count
            );
            assert_eq!(database.sql(&transactions), count.min(1).to_string());

            // The last one is a duplicate.
            let numbers: Vec<_> = (end..end + count).chain([0]).map(insert).collect();
            let committed = send(&client, &numbers, around).await;
            assert!(committed.is_err() || end == 0);
            client.batch_execute("ROLLBACK").await.unwrap();
            end = end.max(1);
            assert_eq!(database.sql(rows), end.to_string());
        }
    }

    #[test]
    fn debug_does_not_show_parameters() {
        let query = Query::new("SELECT $1, $2").bind("hunter2").bind(b"hunter2".to_vec());
        // tokio-postgres formats each parameter.
        let logged = format!("{query:?} {:?}", query.parameters);
        assert!(logged.contains("Hidden"), "{logged}");
        assert!(!logged.contains("hunter2") && !logged.contains("104, 117"), "{logged}");
    }
}

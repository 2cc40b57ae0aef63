use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use warp::Filter as _;

use crate::command::{CommandResult, print_line};

/// Serves a response of the same size as that of `GET /api/me`, with as many threads as the server,
/// but without tokens, a store or timeouts.
pub(crate) fn serve() -> CommandResult<()> {
    Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        print_line(&format_args!("listening on http://{}", listener.local_addr()?))?;
        let route = warp::path!("api" / "me").and(warp::get()).map(|| {
            warp::reply::json(&json!({
                "id": "0199d2c8-7b5e-7cc3-98f0-2a5f3c1e4d6b",
                "email": "user0@example.com",
                "created_at": "2026-01-01T12:00:00.000Z",
            }))
        });
        warp::serve(route).incoming(listener).run().await;
        Ok(())
    })
}

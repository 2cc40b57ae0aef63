use auth_core::{ClientInfo, DeviceToken};

/// The sender of a request, as far as the request identifies it.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The client program and its IP address. All callers without an IP address share the limits of
    /// one IP address: 30 failed sign-ins in 15 minutes, 20 sign-ups an hour, and 16 passwords that
    /// are hashed or queued at a time. So an app that serves clients on a network should always set
    /// it.
    pub client: ClientInfo,
    /// The device token, if the browser has one from an earlier sign-in.
    pub device: Option<DeviceToken>,
}

/// Builds a caller without a device token.
impl From<ClientInfo> for Caller {
    fn from(client: ClientInfo) -> Self {
        Self { client, device: None }
    }
}

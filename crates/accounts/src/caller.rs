use auth_core::{ClientInfo, DeviceToken};

/// The sender of a request, as far as the request identifies it.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The client program and its IP address. Without an IP address, sign-ups are not limited, and
    /// sign-ins are limited only per account and per browser.
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

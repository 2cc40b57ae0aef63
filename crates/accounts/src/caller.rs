use auth_core::{ClientInfo, DeviceToken};

/// Who sends a request, as far as the request tells.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The program and its IP address. Attempts without an address are counted by account only.
    pub client: ClientInfo,
    /// The device token, if the browser has one from an earlier sign-in.
    pub device: Option<DeviceToken>,
}

/// A program without a device token.
impl From<ClientInfo> for Caller {
    fn from(client: ClientInfo) -> Self {
        Self { client, device: None }
    }
}

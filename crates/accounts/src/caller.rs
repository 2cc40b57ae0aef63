use auth_core::{ClientInfo, DeviceToken};

/// Who asks for something, as far as the request tells.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The program, and the address that it is at. Attempts without an address are counted by
    /// account alone.
    pub client: ClientInfo,
    /// What says that this browser has signed in to some account before.
    pub device: Option<DeviceToken>,
}

/// A program that has never signed in.
impl From<ClientInfo> for Caller {
    fn from(client: ClientInfo) -> Self {
        Self { client, device: None }
    }
}

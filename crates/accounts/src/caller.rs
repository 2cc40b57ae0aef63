use auth_core::{Client, DeviceToken};

/// Who asks for something, as far as the request tells.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The program, and the address that it is at. Attempts without an address are counted by
    /// account alone.
    pub client: Client,
    /// What says that this browser has signed in to some account before.
    pub device: Option<DeviceToken>,
}

/// A program that has never signed in.
impl From<Client> for Caller {
    fn from(client: Client) -> Self {
        Self { client, device: None }
    }
}

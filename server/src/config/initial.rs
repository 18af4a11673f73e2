//! Values that count only when the store is empty.

use super::{Reader, Secret};

#[derive(Clone, Debug)]
pub struct Initial {
    pub admin_user: String,
    pub admin_password: Secret,
    /// `None` when set to empty: then the API has no key until one is made.
    pub api_key: Option<Secret>,
}

impl Initial {
    pub(super) fn read(reader: &Reader<'_>) -> Initial {
        let or_admin = |value: Option<String>| value.unwrap_or_else(|| "admin".to_owned());
        Initial {
            admin_user: or_admin(reader.text("MEET_INITIAL_ADMIN_USER")),
            admin_password: or_admin(reader.text("MEET_INITIAL_ADMIN_PASSWORD")).into(),
            api_key: Some(reader.raw("MEET_INITIAL_API_KEY").unwrap_or_else(|| "meet-api-key".to_owned()))
                .filter(|key| !key.is_empty())
                .map(Secret::from),
        }
    }
}

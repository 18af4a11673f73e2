//! What a participant token tells its holder (contract rest-api.md 0.6). Only read here: the server
//! is who verifies it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use meet_api::{MemberMetadata, Role};
use sfu_protocol::Claims;
use thiserror::Error;

/// A participant token, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ticket {
    pub token: String,
    /// By which others know the holder; empty where the token does not let in.
    pub identity: String,
    /// The name the server gave: the wanted one, or that with a number behind.
    pub name: String,
    /// Where to open the signalling socket.
    pub server_url: String,
    pub role: Role,
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum TicketError {
    #[error("the token has no readable claims")]
    Claims,
    #[error("the token does not say where the meeting is")]
    Metadata,
}

impl Ticket {
    pub(crate) fn read(token: String) -> Result<Self, TicketError> {
        let payload = token.split('.').nth(1).ok_or(TicketError::Claims)?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| TicketError::Claims)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TicketError::Claims)?;
        let metadata: MemberMetadata =
            serde_json::from_str(&claims.metadata).map_err(|_| TicketError::Metadata)?;
        let identity = claims.identity().to_owned();
        let name = if claims.name.is_empty() { identity.clone() } else { claims.name };
        Ok(Self { token, identity, name, server_url: metadata.livekit_url, role: metadata.selected_role })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use meet_api::Role;

    use super::{Ticket, TicketError};

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn name_and_server_are_read_from_the_claims() {
        let metadata =
            r#"{\"livekitUrl\":\"ws://127.0.0.1:7880\",\"roles\":[],\"selectedRole\":\"speaker\"}"#;
        let ticket =
            Ticket::read(token(&format!(r#"{{"sub":"Zoë_1","name":"Zoë_1","metadata":"{metadata}"}}"#)))
                .unwrap();
        assert_eq!(ticket.name, "Zoë_1");
        assert_eq!(ticket.server_url, "ws://127.0.0.1:7880");
        assert_eq!(ticket.role, Role::Speaker);
    }

    #[test]
    fn identity_stands_in_for_a_missing_name() {
        let metadata = r#"{\"livekitUrl\":\"ws://h\",\"roles\":[],\"selectedRole\":\"moderator\"}"#;
        let ticket = Ticket::read(token(&format!(r#"{{"sub":"Ana","metadata":"{metadata}"}}"#))).unwrap();
        assert_eq!((ticket.name.as_str(), ticket.identity.as_str()), ("Ana", "Ana"));
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(Ticket::read("no token".to_owned()), Err(TicketError::Claims));
        assert_eq!(Ticket::read(token("{}")), Err(TicketError::Metadata));
    }
}

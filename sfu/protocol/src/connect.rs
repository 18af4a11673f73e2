//! What a client asks for when it opens the signalling socket, in either of the two forms: query
//! parameters on `/rtc` (contract livekit.md 1.2) or a `join_request` on `/rtc/v1` (1.3, see
//! [`crate::join_request`]).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::proto::client_info::{Capability, Sdk};
use crate::{Claims, join_request, proto};

/// Number of peer connections a client uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// `/rtc`: one to publish, one to subscribe.
    Dual,
    /// `/rtc/v1`: one for both; the client makes all offers.
    Single,
}

impl Mode {
    /// Path of the signalling socket.
    pub fn path(self) -> &'static str {
        match self {
            Mode::Dual => "/rtc",
            Mode::Single => "/rtc/v1",
        }
    }

    /// Path of the same checks without an upgrade.
    pub fn validate_path(self) -> &'static str {
        match self {
            Mode::Dual => "/rtc/validate",
            Mode::Single => "/rtc/v1/validate",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Reconnect {
    /// Sid of the participant to resume.
    pub participant_sid: String,
    pub reason: i32,
}

/// The opening request of a client, decoded.
#[derive(Clone, PartialEq, Debug)]
pub struct Connect {
    pub mode: Mode,
    pub auto_subscribe: bool,
    pub adaptive_stream: bool,
    pub disable_ice_lite: bool,
    pub reconnect: Option<Reconnect>,
    pub client: proto::ClientInfo,
    /// Only honoured with the `canUpdateOwnMetadata` grant.
    pub metadata: String,
    pub attributes: HashMap<String, String>,
    /// Processed after the join response and before the offer (single connection only).
    pub add_tracks: Vec<proto::AddTrackRequest>,
    pub publisher_offer: Option<proto::SessionDescription>,
    pub sync_state: Option<proto::SyncState>,
}

/// What is wrong with an opening request. All are the client's fault: 400, but
/// [`ConnectError::OwnMetadata`], which is 401.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("join_request is missing")]
    NoJoinRequest,
    #[error("join_request is not url-safe base64")]
    Base64,
    #[error("join_request has unknown compression {0}")]
    Compression(i32),
    #[error("join_request cannot be inflated")]
    Inflate,
    #[error("join_request is larger than {} bytes", join_request::MAX_BYTES)]
    TooLarge,
    #[error("join_request is no protobuf message")]
    Protobuf(#[from] prost::DecodeError),
    #[error("attributes are no base64 of a JSON map")]
    Attributes,
    #[error("metadata and attributes need the canUpdateOwnMetadata grant")]
    OwnMetadata,
}

impl Connect {
    /// A request of that mode with no wishes: no subscription, no tracks.
    pub fn new(mode: Mode) -> Connect {
        Connect {
            mode,
            auto_subscribe: false,
            adaptive_stream: false,
            disable_ice_lite: false,
            reconnect: None,
            client: proto::ClientInfo::default(),
            metadata: String::new(),
            attributes: HashMap::new(),
            add_tracks: Vec::new(),
            publisher_offer: None,
            sync_state: None,
        }
    }

    /// Reads the query parameters of a signalling request; unknown ones (also `access_token`) are
    /// skipped, and of repeated ones the last counts.
    pub fn from_query<K, V>(
        mode: Mode,
        query: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Connect, ConnectError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        match mode {
            Mode::Dual => from_parameters(query),
            Mode::Single => {
                let value = query.into_iter().filter(|(key, _)| key.as_ref() == "join_request").last();
                join_request::decode(value.ok_or(ConnectError::NoJoinRequest)?.1.as_ref())
            }
        }
    }

    /// The query parameters that [`Connect::from_query`] reads, not yet percent-encoded, without
    /// `access_token`. The dual form carries no metadata, tracks, offer or state.
    pub fn to_query(&self) -> Vec<(&'static str, String)> {
        match self.mode {
            Mode::Single => vec![("join_request", join_request::encode(self))],
            Mode::Dual => to_parameters(self),
        }
    }

    /// Whether a token with these claims may send this request.
    pub fn check(&self, claims: &Claims) -> Result<(), ConnectError> {
        let may_update = claims.video.as_ref().is_some_and(|video| video.may_update_own_metadata());
        if may_update || (self.metadata.is_empty() && self.attributes.is_empty()) {
            Ok(())
        } else {
            Err(ConnectError::OwnMetadata)
        }
    }
}

/// Names of `sdk` in the query; the first name of a kind is the one we write.
const SDKS: &[(&str, Sdk)] = &[
    ("js", Sdk::Js),
    ("reactnative", Sdk::ReactNative),
    ("swift", Sdk::Swift),
    ("ios", Sdk::Swift),
    ("android", Sdk::Android),
    ("flutter", Sdk::Flutter),
    ("go", Sdk::Go),
    ("unity", Sdk::Unity),
    ("unityweb", Sdk::UnityWeb),
    ("rust", Sdk::Rust),
    ("python", Sdk::Python),
    ("node", Sdk::Node),
    ("cpp", Sdk::Cpp),
    ("esp32", Sdk::Esp32),
];

fn from_parameters<K, V>(query: impl IntoIterator<Item = (K, V)>) -> Result<Connect, ConnectError>
where
    K: AsRef<str>,
    V: AsRef<str>,
{
    let mut connect = Connect { auto_subscribe: true, ..Connect::new(Mode::Dual) };
    let mut resumes = false;
    let mut reconnect = Reconnect { participant_sid: String::new(), reason: 0 };
    for (key, value) in query {
        let value = value.as_ref();
        let flag = matches!(value, "1" | "true");
        let number = || value.parse().unwrap_or_default();
        let client = &mut connect.client;
        match key.as_ref() {
            "auto_subscribe" => connect.auto_subscribe = flag,
            "adaptive_stream" => connect.adaptive_stream = flag,
            "disable_ice_lite" => connect.disable_ice_lite = flag,
            "reconnect" => resumes = flag,
            "sid" => value.clone_into(&mut reconnect.participant_sid),
            "reconnect_reason" => reconnect.reason = number(),
            "sdk" => {
                let known = SDKS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
                client.sdk = known.map_or(Sdk::Unknown, |(_, sdk)| *sdk) as i32;
            }
            "version" => value.clone_into(&mut client.version),
            "protocol" => client.protocol = number(),
            "client_protocol" => client.client_protocol = number(),
            "os" => value.clone_into(&mut client.os),
            "os_version" => value.clone_into(&mut client.os_version),
            "device_model" => value.clone_into(&mut client.device_model),
            "browser" => value.clone_into(&mut client.browser),
            "browser_version" => value.clone_into(&mut client.browser_version),
            "network" => value.clone_into(&mut client.network),
            "capabilities" => client.capabilities = capabilities(value),
            "attributes" => connect.attributes = attributes(value)?,
            _ => {}
        }
    }
    connect.reconnect = resumes.then_some(reconnect);
    Ok(connect)
}

fn capabilities(list: &str) -> Vec<i32> {
    list.split(',')
        .filter_map(|name| Capability::from_str_name(name.trim()))
        .map(|found| found as i32)
        .collect()
}

fn attributes(value: &str) -> Result<HashMap<String, String>, ConnectError> {
    if value.is_empty() {
        return Ok(HashMap::new());
    }
    let json = join_request::from_base64(value).map_err(|_| ConnectError::Attributes)?;
    let mut map: HashMap<String, String> =
        serde_json::from_slice(&json).map_err(|_| ConnectError::Attributes)?;
    map.retain(|_, value| !value.is_empty());
    Ok(map)
}

fn to_parameters(connect: &Connect) -> Vec<(&'static str, String)> {
    let flag = |on: bool| if on { "1" } else { "0" }.to_owned();
    let client = &connect.client;
    let mut query = vec![
        ("auto_subscribe", flag(connect.auto_subscribe)),
        ("adaptive_stream", flag(connect.adaptive_stream)),
        ("protocol", client.protocol.to_string()),
        ("client_protocol", client.client_protocol.to_string()),
    ];
    if connect.disable_ice_lite {
        query.push(("disable_ice_lite", flag(true)));
    }
    if let Some(reconnect) = &connect.reconnect {
        query.push(("reconnect", flag(true)));
        query.push(("sid", reconnect.participant_sid.clone()));
        query.push(("reconnect_reason", reconnect.reason.to_string()));
    }
    if let Some((name, _)) = SDKS.iter().find(|(_, sdk)| *sdk as i32 == client.sdk) {
        query.push(("sdk", (*name).to_owned()));
    }
    for (key, value) in [
        ("version", &client.version),
        ("os", &client.os),
        ("os_version", &client.os_version),
        ("device_model", &client.device_model),
        ("browser", &client.browser),
        ("browser_version", &client.browser_version),
        ("network", &client.network),
    ] {
        if !value.is_empty() {
            query.push((key, value.clone()));
        }
    }
    if !client.capabilities.is_empty() {
        let names = client.capabilities.iter().filter_map(|number| Capability::try_from(*number).ok());
        query.push(("capabilities", names.map(|found| found.as_str_name()).collect::<Vec<_>>().join(",")));
    }
    if !connect.attributes.is_empty() {
        let json = serde_json::to_vec(&connect.attributes).expect("a map of strings is JSON");
        query.push(("attributes", URL_SAFE.encode(json)));
    }
    query
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &[(&str, &str)]) -> Connect {
        Connect::from_query(Mode::Dual, query.iter().copied()).unwrap()
    }

    #[test]
    fn without_parameters_everything_is_subscribed() {
        let connect = parse(&[]);
        assert!(connect.auto_subscribe);
        assert!(!connect.adaptive_stream);
        assert_eq!(connect.reconnect, None);
        assert_eq!(connect.client, proto::ClientInfo::default());
    }

    #[test]
    fn only_1_and_true_are_true() {
        for (text, value) in
            [("1", true), ("true", true), ("0", false), ("True", false), ("yes", false), ("", false)]
        {
            assert_eq!(parse(&[("adaptive_stream", text)]).adaptive_stream, value, "{text}");
            assert_eq!(parse(&[("auto_subscribe", text)]).auto_subscribe, value, "{text}");
        }
    }

    #[test]
    fn client_info_is_read_and_unknown_parameters_are_skipped() {
        let connect = parse(&[
            ("access_token", "secret"),
            ("sdk", "ios"),
            ("protocol", "17"),
            ("client_protocol", "2"),
            ("capabilities", "CAP_PACKET_TRAILER, CAP_FROM_THE_FUTURE,CAP_COMPRESSION_DEFLATE_RAW"),
            ("os", "macOS"),
            ("version", "2.21.0"),
            ("protocol_of_tomorrow", "x"),
        ]);
        assert_eq!(connect.client.sdk, Sdk::Swift as i32);
        assert_eq!(connect.client.protocol, 17);
        assert_eq!(connect.client.client_protocol, 2);
        assert_eq!(connect.client.capabilities, [1, 2]);
        assert_eq!(connect.client.os, "macOS");
        assert_eq!(parse(&[("sdk", "fortran"), ("protocol", "many")]).client, proto::ClientInfo::default());
    }

    #[test]
    fn sid_and_reason_count_only_with_reconnect() {
        assert_eq!(parse(&[("sid", "PA_1"), ("reconnect_reason", "1")]).reconnect, None);
        assert_eq!(
            parse(&[("sid", "PA_1"), ("reconnect_reason", "1"), ("reconnect", "1")]).reconnect,
            Some(Reconnect { participant_sid: "PA_1".into(), reason: 1 })
        );
    }

    #[test]
    fn attributes_are_base64_json_without_empty_values() {
        // {"a":"b","gone":""}
        let connect = parse(&[("attributes", "eyJhIjoiYiIsImdvbmUiOiIifQ")]);
        assert_eq!(connect.attributes, [("a".to_owned(), "b".to_owned())].into());
        for bad in ["%%%", "bm90IGpzb24", "WzFd"] {
            let result = Connect::from_query(Mode::Dual, [("attributes", bad)]);
            assert!(matches!(result, Err(ConnectError::Attributes)), "{bad}");
        }
    }

    #[test]
    fn own_metadata_needs_the_grant() {
        let mut connect = Connect::new(Mode::Single);
        let mut claims = Claims { video: Some(crate::VideoGrant::default()), ..Claims::default() };
        assert!(connect.check(&claims).is_ok());
        connect.metadata = "me".into();
        assert!(matches!(connect.check(&claims), Err(ConnectError::OwnMetadata)));
        claims.video = Some(crate::VideoGrant { can_update_own_metadata: Some(true), ..Default::default() });
        assert!(connect.check(&claims).is_ok());
    }

    #[test]
    fn single_mode_demands_a_join_request() {
        let result = Connect::from_query(Mode::Single, [("auto_subscribe", "1")]);
        assert!(matches!(result, Err(ConnectError::NoJoinRequest)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            single in any::<bool>(), auto in any::<bool>(), adaptive in any::<bool>(), lite in any::<bool>(),
            resume in proptest::option::of(("[A-Za-z_0-9]{0,20}", 0..5_i32)),
            protocol in 0..100_i32, os in ".{0,20}",
            attributes in proptest::collection::hash_map(".{0,8}", ".{1,8}", 0..3),
        ) {
            let mut connect = Connect::new(if single { Mode::Single } else { Mode::Dual });
            connect.auto_subscribe = auto;
            connect.adaptive_stream = adaptive;
            connect.disable_ice_lite = lite;
            connect.reconnect = resume.map(|(participant_sid, reason)| Reconnect { participant_sid, reason });
            connect.client = proto::ClientInfo { sdk: Sdk::Rust as i32, protocol, os, capabilities: vec![2], ..Default::default() };
            connect.attributes = attributes;
            let query = connect.to_query();
            prop_assert_eq!(Connect::from_query(connect.mode, query).unwrap(), connect);
        }

        #[test]
        fn any_query_is_a_request_or_an_error(query in proptest::collection::vec(
            (prop_oneof!["[a-z_]{0,16}", Just("attributes".to_owned()), Just("join_request".to_owned())], ".{0,40}"), 0..8))
        {
            let _ = Connect::from_query(Mode::Dual, query.clone());
            let _ = Connect::from_query(Mode::Single, query);
        }
    }
}

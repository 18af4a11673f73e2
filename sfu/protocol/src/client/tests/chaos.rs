//! Anything may happen in any order: the script's browser and server check that nothing is asked of
//! a socket or connection that is gone, no sender is added twice, and in the end all is closed.

use proptest::prelude::*;

use super::script::*;
use crate::client::*;
use crate::proto::leave_request::Action;
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, DisconnectReason};

#[derive(Clone, Debug)]
enum Step {
    Open,
    Close,
    Refuse(Option<u16>),
    Join,
    Resume,
    Answer { behind: u32 },
    Offer,
    Published(&'static str),
    Unpublished(&'static str),
    Muted(&'static str),
    Need,
    Leave(Action),
    State(usize, PeerState),
    Broken(usize),
    ChannelOpen,
    SetLocal(Source, Option<&'static str>),
    Unpublish(Source),
    Tile,
    Data,
    Advance(Millis),
    Online,
    Hang(bool),
}

const CIDS: [&str; 3] = ["one", "two", "three"];
const SIDS: [&str; 2] = ["TR_1", "TR_2"];

fn step() -> impl Strategy<Value = Step> {
    let state = prop_oneof![
        Just(PeerState::Connecting),
        Just(PeerState::Connected),
        Just(PeerState::Connected),
        Just(PeerState::Disconnected),
        Just(PeerState::Failed),
    ];
    let status = prop_oneof![Just(None), Just(Some(404)), Just(Some(503)), Just(Some(200))];
    let action = prop_oneof![Just(Action::Resume), Just(Action::Reconnect)];
    let source = || proptest::sample::select(Source::ALL.to_vec());
    let cid = || proptest::sample::select(CIDS.to_vec());
    let sid = || proptest::sample::select(SIDS.to_vec());
    prop_oneof![
        6 => Just(Step::Open),
        1 => Just(Step::Close),
        1 => status.prop_map(Step::Refuse),
        6 => Just(Step::Join),
        4 => Just(Step::Resume),
        6 => (0..2_u32).prop_map(|behind| Step::Answer { behind }),
        2 => Just(Step::Offer),
        3 => cid().prop_map(Step::Published),
        1 => sid().prop_map(Step::Unpublished),
        1 => sid().prop_map(Step::Muted),
        2 => Just(Step::Need),
        1 => action.prop_map(Step::Leave),
        6 => (0..2_usize, state).prop_map(|(peer, state)| Step::State(peer, state)),
        1 => (0..2_usize).prop_map(Step::Broken),
        1 => Just(Step::ChannelOpen),
        5 => (source(), proptest::option::of(cid())).prop_map(|(source, cid)| Step::SetLocal(source, cid)),
        1 => source().prop_map(Step::Unpublish),
        1 => Just(Step::Tile),
        1 => Just(Step::Data),
        3 => (0..20_000_u64).prop_map(Step::Advance),
        1 => Just(Step::Online),
        1 => any::<bool>().prop_map(Step::Hang),
    ]
}

fn play(script: &mut Script, step: Step) {
    let peer = |script: &Script, index: usize| script.peers.keys().nth(index).copied();
    let open = !script.openings().is_empty() && !script.socket_closed;
    match step {
        Step::Open if open => script.open(),
        Step::Close if open => script.close(),
        Step::Refuse(status) if open => {
            script.close();
            let socket = script.socket();
            script.input(Input::Validated { socket, status, body: String::new() });
        }
        Step::Join if open => {
            let bob = participant("PA_bob", &["TR_V"]);
            let subscriber_primary = script.session.mode() == crate::Mode::Dual;
            script.serve(Response::Join(proto::JoinResponse {
                subscriber_primary,
                ..join("PA_me", vec![bob])
            }));
        }
        Step::Resume if open => script.serve(Response::Reconnect(proto::ReconnectResponse::default())),
        Step::Answer { behind } if open => {
            let offers = script.offers();
            script.answer(offers.saturating_sub(behind));
        }
        Step::Offer if open => {
            let offer = "m=video 9 X 96\r\na=mid:0\r\na=sendonly\r\na=msid:PA_bob|TR_V TR_V\r\n";
            script.serve(Response::Offer(description("offer", offer, 9)));
        }
        Step::Published(cid) if open => script.serve(published(cid, SIDS[cid.len() % 2])),
        Step::Unpublished(sid) if open => {
            script
                .serve(Response::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid: sid.into() }));
        }
        Step::Muted(sid) if open => {
            script.serve(Response::Mute(proto::MuteTrackRequest { sid: sid.into(), muted: true }));
        }
        Step::Need if open => {
            let need = proto::MediaSectionsRequirement { num_audios: 1, num_videos: 1 };
            script.serve(Response::MediaSectionsRequirement(need));
        }
        Step::Leave(action) if open => script.serve(leave(DisconnectReason::UnknownReason, action)),
        Step::State(index, state) => {
            if let Some(peer) = peer(script, index) {
                script.input(Input::PeerState { peer, state });
            }
        }
        Step::Broken(index) => {
            if let Some(peer) = peer(script, index) {
                script.input(Input::PeerBroken { peer });
            }
        }
        Step::ChannelOpen => {
            if let Some(peer) = peer(script, 0) {
                script.input(Input::ChannelOpen { peer, channel: Channel::Reliable });
            }
        }
        Step::SetLocal(source, cid) => script.set_local(source, cid),
        Step::Unpublish(source) => script.input(Input::Unpublish { source }),
        Step::Tile => {
            let settings = TileSettings { visible: true, width: 9, height: 9 };
            script.input(Input::Tile { track_sid: "TR_V".into(), settings });
        }
        Step::Data => script.try_send_data(),
        Step::Advance(millis) => script.advance(millis),
        Step::Online => script.input(Input::Online),
        Step::Hang(hangs) => script.browser_hangs = hangs,
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_order_of_events_breaks_a_session(dual in any::<bool>(), early in any::<bool>(), steps in proptest::collection::vec(step(), 0..120)) {
        let mode = if dual { crate::Mode::Dual } else { crate::Mode::Single };
        let mut script = Script::new(Config { mode, offer_in_join: early, ..config() });
        script.input(Input::Start);
        for step in steps {
            play(&mut script, step);
            let ended = script.ended();
            prop_assert!(!ended || (script.peers.is_empty() && script.session.poll_timeout().is_none()));
        }
        script.input(Input::Leave);
        prop_assert!(script.ended() && script.peers.is_empty());
        prop_assert!(script.openings().is_empty() || script.socket_closed);
    }
}

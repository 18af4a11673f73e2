//! Messages of the server (contract livekit.md 2.5).

use super::Session;
use super::api::Event;
use super::lifecycle::Phase;
use crate::proto::signal_response::Message;
use crate::proto::{ReconnectResponse, StreamState};

impl Session {
    pub(super) fn on_message(&mut self, message: Message) {
        match self.phase {
            Phase::Opening { .. } | Phase::Greeting { .. } => self.on_first_message(message),
            Phase::Settling { .. } | Phase::Live => self.on_later_message(message),
            Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Validating { .. }
            | Phase::Waiting { .. }
            | Phase::Ended => {}
        }
    }

    fn on_first_message(&mut self, message: Message) {
        match message {
            Message::Leave(leave) => self.on_leave(&leave),
            Message::Join(join) if self.resume.is_none() => self.joined(join),
            Message::Reconnect(reconnect) if self.resume.is_some() => self.resumed(reconnect),
            // Anything else shows that the resumed participant is there.
            other if self.resume.is_some() => {
                self.resumed(ReconnectResponse::default());
                self.on_later_message(other);
            }
            _ => {}
        }
    }

    fn on_later_message(&mut self, message: Message) {
        match message {
            Message::Answer(answer) => self.on_answer(answer),
            Message::Offer(offer) => self.on_offer(offer),
            Message::Trickle(trickle) => self.on_trickle(trickle),
            Message::Update(update) => {
                let could_publish = self.may_publish();
                let events = self.roster.update(update.participants);
                self.events(events);
                self.permissions_updated(could_publish);
            }
            Message::TrackPublished(published) => self.on_track_published(published),
            Message::TrackUnpublished(unpublished) => self.on_track_unpublished(&unpublished.track_sid),
            Message::Leave(leave) => self.on_leave(&leave),
            Message::Mute(mute) => self.on_mute(&mute),
            Message::SpeakersChanged(changed) => {
                let event = self.roster.speak(changed.speakers);
                self.event(event);
            }
            Message::RoomUpdate(update) => {
                if let Some(room) = update.room {
                    self.event(Event::Room(Box::new(room)));
                }
            }
            Message::ConnectionQuality(quality) => self.event(Event::Quality(quality.updates)),
            Message::StreamStateUpdate(update) => {
                for stream in update.stream_states {
                    let paused = stream.state == StreamState::Paused as i32;
                    self.event(Event::TrackPaused { track_sid: stream.track_sid, paused });
                }
            }
            Message::SubscribedQualityUpdate(update) => self.on_subscribed_quality(&update),
            Message::RefreshToken(token) => {
                self.config.token.clone_from(&token);
                self.event(Event::Token(token));
            }
            Message::PongResp(pong) => self.keepalive.pong(self.now, &pong),
            Message::RequestResponse(response) => self.on_request_response(&response),
            Message::MediaSectionsRequirement(need) => self.add_receivers(need.num_audios, need.num_videos),
            // A second join or reconnect, pongs, and what has no use here.
            _ => {}
        }
    }
}

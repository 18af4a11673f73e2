//! Which tracks are shown how large. The server then sends no more than that (adaptive stream,
//! contract livekit.md 4.3).

use std::collections::BTreeMap;

use super::api::{Millis, TileSettings};
use crate::proto::{UpdateTrackSettings, VideoQuality};

/// Changes are held back for so long, but for those that show a hidden track.
const DEBOUNCE: Millis = 100;

#[derive(Debug, Default)]
pub(super) struct Tiles {
    tiles: BTreeMap<String, Tile>,
    due: Option<Millis>,
}

#[derive(Debug)]
struct Tile {
    wanted: TileSettings,
    sent: Option<TileSettings>,
}

impl Tiles {
    /// Answers what has to be sent at once.
    pub(super) fn set(
        &mut self,
        now: Millis,
        track_sid: String,
        wanted: TileSettings,
    ) -> Option<UpdateTrackSettings> {
        let tile = self.tiles.entry(track_sid.clone()).or_insert(Tile { wanted, sent: None });
        tile.wanted = wanted;
        let appears = wanted.visible && tile.sent.is_none_or(|sent| !sent.visible);
        if appears {
            tile.sent = Some(wanted);
            return Some(message(&track_sid, wanted));
        }
        if tile.sent != Some(wanted) {
            self.due.get_or_insert(now + DEBOUNCE);
        }
        None
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        self.due
    }

    /// What has become due.
    pub(super) fn take_due(&mut self, now: Millis) -> Vec<UpdateTrackSettings> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.due = None;
        let changed = self.tiles.iter_mut().filter(|(_, tile)| tile.sent != Some(tile.wanted));
        changed
            .map(|(track_sid, tile)| {
                tile.sent = Some(tile.wanted);
                message(track_sid, tile.wanted)
            })
            .collect()
    }

    pub(super) fn forget(&mut self, track_sid: &str) {
        self.tiles.remove(track_sid);
    }

    pub(super) fn hidden(&self) -> Vec<String> {
        let hidden = self.tiles.iter().filter(|(_, tile)| tile.sent.is_some_and(|sent| !sent.visible));
        hidden.map(|(track_sid, _)| track_sid.clone()).collect()
    }

    /// A new session of ours knows nothing of the old one's settings: all are due.
    pub(super) fn renew(&mut self, now: Millis) {
        for tile in self.tiles.values_mut() {
            tile.sent = None;
        }
        self.due = (!self.tiles.is_empty()).then_some(now + DEBOUNCE);
    }
}

fn message(track_sid: &str, settings: TileSettings) -> UpdateTrackSettings {
    UpdateTrackSettings {
        track_sids: vec![track_sid.to_owned()],
        disabled: !settings.visible,
        quality: VideoQuality::High as i32,
        width: settings.width,
        height: settings.height,
        ..UpdateTrackSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(visible: bool, width: u32) -> TileSettings {
        TileSettings { visible, width, height: width }
    }

    #[test]
    fn showing_is_sent_at_once_and_all_else_together_later() {
        let mut tiles = Tiles::default();
        assert!(tiles.set(0, "a".into(), size(true, 100)).is_some());
        assert!(tiles.set(10, "a".into(), size(true, 200)).is_none());
        assert!(tiles.set(20, "a".into(), size(true, 300)).is_none());
        assert_eq!(tiles.deadline(), Some(110));
        assert!(tiles.take_due(109).is_empty());
        let due = tiles.take_due(110);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].width, 300);
        assert_eq!(tiles.deadline(), None);
    }

    #[test]
    fn hiding_waits_and_showing_again_does_not() {
        let mut tiles = Tiles::default();
        tiles.set(0, "a".into(), size(true, 100));
        tiles.set(10, "a".into(), size(false, 100));
        assert!(tiles.take_due(110)[0].disabled);
        assert_eq!(tiles.hidden(), ["a"]);
        assert!(!tiles.set(120, "a".into(), size(true, 100)).unwrap().disabled);
        assert!(tiles.hidden().is_empty());
    }

    #[test]
    fn a_change_taken_back_in_time_is_not_sent() {
        let mut tiles = Tiles::default();
        tiles.set(0, "a".into(), size(true, 100));
        tiles.set(10, "a".into(), size(false, 100));
        tiles.set(20, "a".into(), size(true, 100));
        assert!(tiles.take_due(200).is_empty());
    }

    #[test]
    fn a_new_session_is_told_everything() {
        let mut tiles = Tiles::default();
        tiles.set(0, "a".into(), size(true, 100));
        tiles.set(0, "b".into(), size(true, 100));
        tiles.forget("b");
        tiles.renew(50);
        assert_eq!(tiles.take_due(150).len(), 1);
    }
}

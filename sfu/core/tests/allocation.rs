//! Forwarding in steady state takes no memory.

#[path = "../benches/stage/mod.rs"]
mod stage;

use sfu_core::srtp::Profile;
use stage::{PACKETS_A_FRAME, Stage};

const SUBSCRIBERS: u64 = 20;

#[test]
fn a_forwarded_packet_takes_no_allocation() {
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80] {
        let mut stage = Stage::new(profile, SUBSCRIBERS as usize);
        let mut warm = stage.frames(300);
        stage.forward(&mut warm);
        let mut frames = stage.frames(100);
        let mut sent = 0;
        let memory = allocation_counter::measure(|| sent = stage.forward(&mut frames));
        assert!(sent >= 100 * PACKETS_A_FRAME * SUBSCRIBERS, "{sent} were forwarded");
        assert_eq!(memory.count_total, 0, "{profile:?}");
    }
}

//! Forwarding in steady state takes no memory.

#[path = "../benches/stage/mod.rs"]
mod stage;

use std::net::SocketAddr;

use sfu_core::srtp::Profile;
use stage::Stage;

const SUBSCRIBERS: u64 = 20;
const PACKETS_A_FRAME: u64 = 4;

/// Nobody is there: only the packet path is of interest.
fn addresses() -> Vec<SocketAddr> {
    (0..SUBSCRIBERS as u8).map(|index| SocketAddr::from(([10, 1, 0, index], 4000))).collect()
}

#[test]
fn a_forwarded_packet_takes_no_allocation() {
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80] {
        let mut stage = Stage::new(profile, &addresses(), PACKETS_A_FRAME);
        let mut warm = stage.frames(300);
        stage.forward(&mut warm, |_| ());
        let mut frames = stage.frames(100);
        let mut sent = 0;
        let memory = allocation_counter::measure(|| sent = stage.forward(&mut frames, |_| ()));
        assert!(sent >= 100 * PACKETS_A_FRAME * SUBSCRIBERS, "{sent} were forwarded");
        assert_eq!(memory.count_total, 0, "{profile:?}");
    }
}

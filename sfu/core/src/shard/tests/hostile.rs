//! What must not hurt: garbage, forgeries, floods.

use proptest::prelude::*;

use super::lab::*;
use crate::media::*;

#[test]
fn datagrams_from_nowhere_and_garbage_are_only_counted() {
    let mut lab = Lab::new(1);
    let local = LOCAL.parse().unwrap();
    let stranger = "192.0.2.1:9".parse().unwrap();
    for first in 0..=255_u8 {
        for length in [0, 1, 2, 12, 13, 60] {
            let mut bytes = vec![first; length];
            lab.shard.datagram(lab.now, stranger, local, &mut bytes);
        }
    }
    lab.drain();
    let counters = lab.shard.counters();
    assert_eq!(counters.unknown, 256 * 6);
    assert_eq!(counters.datagrams_out, 0);
    assert!(lab.events.is_empty());
}

#[test]
fn forged_and_replayed_packets_are_rejected() {
    let mut lab = Lab::new(2);
    let track = lab.publish(1, audio_section(1111));
    lab.subscribe(1, track, audio_params(500));
    lab.send(0, &audio(0));
    lab.send(0, &audio(0));
    assert_eq!(lab.shard.counters().rejected, 1);
    // Sealed with another client's key.
    let victim = lab.clients[0].address;
    let address = std::mem::replace(&mut lab.clients[1].address, victim);
    lab.push(1, &audio(1));
    lab.clients[1].address = address;
    lab.drain();
    assert_eq!(lab.shard.counters().rejected, 2);
    assert_eq!(lab.clients[1].rtp.len(), 1);
}

#[test]
fn a_flood_of_ssrcs_is_bounded() {
    let mut lab = Lab::new(1);
    lab.publish(2, video_section(&["q", "h", "f"]));
    for n in 0..5000_u32 {
        lab.send(0, &Sent { ssrc: 10_000 + n, ..vp8("q", n as u16, 0, true, true, true) });
        lab.send(0, &Sent { ssrc: 90_000 + n, elements: vec![], ..vp8("q", n as u16, 0, true, true, true) });
    }
    let (_, peer) = lab.shard.peers.iter().next().unwrap();
    assert_eq!(peer.bindings.len(), 1);
}

#[test]
fn a_subscriber_that_is_not_drained_loses_packets_and_nothing_else() {
    let mut lab = Lab::new(2);
    let track = lab.publish(1, audio_section(1111));
    lab.subscribe(1, track, audio_params(500));
    for n in 0..5000 {
        lab.push(0, &audio(n));
    }
    lab.drain();
    let counters = lab.shard.counters();
    assert!(counters.dropped > 1000);
    assert_eq!(lab.clients[1].rtp.len() as u64, 5000 - counters.dropped);
    lab.send(0, &audio(5000));
    assert_eq!(lab.clients[1].stream(500).last().unwrap().payload, audio(5000).payload);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn authenticated_nonsense_does_no_harm(
        packets in prop::collection::vec((any::<u8>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..80), 0..4_u8, any::<u8>()), 1..60),
        reports in prop::collection::vec(prop::collection::vec(any::<u8>(), 8..120), 0..20),
    ) {
        let mut lab = Lab::new(2);
        let track = lab.publish(1, audio_section(1111));
        lab.subscribe(1, track, audio_params(500));
        let track = lab.publish(2, video_section(&["q", "h", "f"]));
        let send = lab.subscribe(1, track, video_params(700));
        lab.select(send, Selection::UpTo(2));
        for (pt, sequence, payload, layer, padding) in packets {
            let pt = [111, 96, 97, pt & 0x7f][usize::from(layer)];
            let base = vp8(["q", "h", "f", ""][usize::from(pt & 3)], sequence, 0, true, true, true);
            // The lab seals with the number as index: a new SSRC each time keeps that true.
            lab.push(0, &Sent { pt, ssrc: u32::from(sequence) << 8 | u32::from(layer), payload, padding, ..base });
            lab.advance_ms(5);
        }
        for report in reports {
            let client = &mut lab.clients[1];
            let mut out = [0; 200];
            let length = client.sealer.rtcp(&report, &mut out).unwrap();
            let address = client.address;
            lab.shard.datagram(lab.now, address, LOCAL.parse().unwrap(), &mut out[..length]);
            lab.advance_ms(5);
        }
        lab.advance_ms(3000);
    }
}

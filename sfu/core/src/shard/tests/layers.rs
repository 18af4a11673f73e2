//! Simulcast: which layer is sent, and how switches look to the subscriber.

use super::lab::*;
use crate::media::*;
use crate::rtp::rtcp::Writer;
use crate::rtp::vp8::Descriptor;

const NAMES: [&str; 3] = ["q", "h", "f"];

struct Camera {
    frame: u16,
    sequences: [u16; 3],
    silent: [bool; 3],
}

impl Camera {
    fn new() -> Camera {
        Camera { frame: 0, sequences: [100, 20_000, 65_500], silent: [false; 3] }
    }

    /// One frame of each layer, the top one first, two packets long; `keys` says which are key frames.
    fn shoot(&mut self, lab: &mut Lab, keys: [bool; 3]) {
        for layer in (0..3).rev() {
            if self.silent[layer] {
                continue;
            }
            for part in 0..2 {
                let sequence = self.sequences[layer];
                let sent = vp8(NAMES[layer], sequence, self.frame, part == 0, keys[layer], part == 1);
                // The numbers of the top layer wrap.
                let cycle = if layer == 2 && sequence < 30_000 { 1 << 16 } else { 0 };
                lab.push_at(0, &sent, cycle + u64::from(sequence));
                self.sequences[layer] = sequence.wrapping_add(1);
            }
        }
        lab.drain();
        self.frame += 1;
        lab.advance_ms(33);
    }

    /// Sender reports that tell all layers' clocks at frame zero.
    fn report(lab: &mut Lab) {
        for layer in 0..3_u32 {
            lab.send_rtcp(0, |writer: &mut Writer<'_>| {
                writer.sender_report(2000 + layer, 5000 << 32, layer * 1_000_000, 0, 0);
            });
        }
    }
}

fn lab() -> (Lab, SendId) {
    let mut lab = Lab::new(2);
    let track = lab.publish(2, video_section(&NAMES));
    let send = lab.subscribe(1, track, video_params(700));
    (lab, send)
}

/// The layer each received packet came from.
fn layers(lab: &Lab) -> Vec<u8> {
    lab.clients[1].stream(700).iter().map(|packet| packet.payload[10]).collect()
}

#[test]
fn layer_switch_waits_for_key_frame() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    lab.select(send, Selection::UpTo(0));
    camera.shoot(&mut lab, [true; 3]);
    Camera::report(&mut lab);
    camera.shoot(&mut lab, [false; 3]);
    lab.select(send, Selection::UpTo(2));
    assert_eq!(lab.key_requests(0).last(), Some(&2002));
    camera.shoot(&mut lab, [false; 3]);
    camera.shoot(&mut lab, [false, false, true]);
    camera.shoot(&mut lab, [false; 3]);
    lab.select(send, Selection::UpTo(1));
    camera.shoot(&mut lab, [false; 3]);
    camera.silent[2] = true;
    camera.shoot(&mut lab, [false, true, false]);
    assert_eq!(layers(&lab), [0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 1, 1]);
    assert!(is_continuous(&lab.clients[1].sequences(700)));

    let stream = lab.clients[1].stream(700);
    for (n, packets) in stream.chunks(2).enumerate() {
        let expected = stream[0].header.timestamp.wrapping_add(n as u32 * 3000);
        for packet in packets {
            assert_eq!(packet.header.timestamp, expected, "frame {n}");
            let descriptor = Descriptor::parse(&packet.payload).unwrap();
            let first = Descriptor::parse(&stream[0].payload).unwrap();
            assert_eq!(
                descriptor.picture_id.unwrap().value,
                first.picture_id.unwrap().value + n as u16,
                "frame {n}"
            );
            assert_eq!(
                descriptor.tl0_picture_index.unwrap(),
                first.tl0_picture_index.unwrap().wrapping_add(n as u8)
            );
        }
    }
}

#[test]
fn without_sender_reports_the_wall_clock_carries_time_over_a_switch() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    lab.select(send, Selection::UpTo(0));
    camera.shoot(&mut lab, [true; 3]);
    lab.select(send, Selection::UpTo(2));
    camera.shoot(&mut lab, [false, false, true]);
    let stream = lab.clients[1].stream(700);
    let step = stream[2].header.timestamp.wrapping_sub(stream[1].header.timestamp);
    assert!((2900..=3100).contains(&step), "{step}");
}

#[test]
fn the_first_key_frame_of_any_wanted_layer_is_shown() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    camera.shoot(&mut lab, [false; 3]);
    lab.select(send, Selection::UpTo(2));
    camera.shoot(&mut lab, [true, false, false]);
    camera.shoot(&mut lab, [false, false, true]);
    assert_eq!(layers(&lab), [0, 0, 2, 2]);
}

#[test]
fn a_layer_above_the_selection_is_never_shown() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    lab.select(send, Selection::UpTo(1));
    camera.silent = [true, true, false];
    for _ in 0..10 {
        camera.shoot(&mut lab, [true; 3]);
    }
    assert!(lab.clients[1].rtp.is_empty());
}

#[test]
fn a_silent_layer_gives_way_to_the_next_lower_one() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    lab.select(send, Selection::UpTo(2));
    camera.shoot(&mut lab, [true; 3]);
    camera.shoot(&mut lab, [false, false, true]);
    camera.silent[2] = true;
    for _ in 0..60 {
        camera.shoot(&mut lab, [false; 3]);
    }
    assert!(lab.events.iter().any(|event| matches!(event, Event::LayerStopped { layer: 2, .. })));
    assert_eq!(lab.key_requests(0).last(), Some(&2001));
    camera.shoot(&mut lab, [false, true, false]);
    assert_eq!(layers(&lab).last(), Some(&1));
    assert!(is_continuous(&lab.clients[1].sequences(700)));
}

#[test]
fn a_key_frame_is_asked_for_until_it_comes_but_not_too_often() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    camera.shoot(&mut lab, [false; 3]);
    lab.select(send, Selection::UpTo(2));
    for _ in 0..150 {
        camera.shoot(&mut lab, [false; 3]);
    }
    let asked = lab.key_requests(0).len();
    assert!((4..=6).contains(&asked), "{asked} in five seconds");
    camera.shoot(&mut lab, [false, false, true]);
    for _ in 0..150 {
        camera.shoot(&mut lab, [false; 3]);
    }
    assert_eq!(lab.key_requests(0).len(), asked);
}

#[test]
fn retransmission_after_a_switch_comes_from_the_layer_it_was() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    lab.select(send, Selection::UpTo(0));
    camera.shoot(&mut lab, [true; 3]);
    lab.select(send, Selection::UpTo(2));
    camera.shoot(&mut lab, [false, false, true]);
    let stream: Vec<Received> = lab.clients[1].stream(700).into_iter().cloned().collect();
    let sequences: Vec<u16> = stream.iter().map(|packet| packet.header.sequence).collect();
    lab.send_rtcp(1, |writer| {
        writer.nack(1, 700, &sequences);
    });
    let repeated = lab.clients[1].stream(701);
    assert_eq!(repeated.len(), 4);
    for (original, repeated) in stream.iter().zip(repeated) {
        assert_eq!(repeated.payload[2..], original.payload[..]);
        assert_eq!(repeated.header.timestamp, original.header.timestamp);
    }
}

#[test]
fn layers_are_known_by_rid_and_repairs_by_repaired_rid() {
    let (mut lab, send) = lab();
    let mut camera = Camera::new();
    lab.select(send, Selection::UpTo(2));
    camera.shoot(&mut lab, [true; 3]);
    camera.shoot(&mut lab, [false, false, true]);
    let started: Vec<(u8, u32)> = lab
        .events
        .iter()
        .filter_map(|event| match event {
            Event::LayerStarted { layer, ssrc, .. } => Some((*layer, *ssrc)),
            _ => None,
        })
        .collect();
    assert_eq!(started, [(2, 2002), (1, 2001), (0, 2000)]);
    // A lost packet of the top layer comes by its repair stream.
    let next = camera.sequences[2];
    let mut lost = vp8("f", next, 9, true, false, true);
    assert!(next > 60_000, "the roll-over is yet to come");
    lab.push(0, &vp8("f", next + 1, 10, true, false, true));
    let before = lab.clients[1].stream(700).len();
    lost.elements = vec![(PUB_MID, b"1".to_vec()), (PUB_REPAIRED, b"f".to_vec())];
    let mut payload = next.to_be_bytes().to_vec();
    payload.extend(&lost.payload);
    lab.send(0, &Sent { pt: 97, ssrc: 3333, sequence: 5, payload, ..lost });
    assert_eq!(lab.clients[1].stream(700).len(), before + 2);
}

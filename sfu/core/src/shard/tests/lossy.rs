//! A publisher and a subscriber behind networks that lose, repeat and reorder: what arrives is what
//! was sent, all of it, because both ways repair their losses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::lab::*;
use crate::media::*;
use crate::rtp::rtcp::Packet;

const PACKETS: u64 = 1500;

fn packet(n: u64) -> Sent {
    let frame = (n / 3) as u16;
    let mut sent = vp8("", n as u16, frame, n.is_multiple_of(3), n < 3, n % 3 == 2);
    sent.payload.extend(n.to_be_bytes());
    sent
}

fn unique(payload: &[u8]) -> u64 {
    u64::from_be_bytes(*payload.last_chunk().unwrap())
}

struct Subscriber {
    random: StdRng,
    read: usize,
    /// Unique number by sequence, as received or recovered.
    got: BTreeMap<u16, u64>,
    asked: BTreeMap<u16, Duration>,
}

impl Subscriber {
    /// Takes what the network lets through, and asks for what is missing.
    fn receive(&mut self, lab: &mut Lab, clock: Duration, loss: f64) {
        for packet in &lab.clients[1].rtp[self.read..] {
            if self.random.random_bool(loss) {
                continue;
            }
            if packet.header.ssrc == 700 {
                self.got.insert(packet.header.sequence, unique(&packet.payload));
            } else {
                let original = u16::from_be_bytes([packet.payload[0], packet.payload[1]]);
                self.got.insert(original, unique(&packet.payload));
            }
        }
        self.read = lab.clients[1].rtp.len();
        let (Some((&first, _)), Some((&last, _))) = (self.got.first_key_value(), self.got.last_key_value())
        else {
            return;
        };
        let missing: Vec<u16> = (first..last)
            .filter(|sequence| !self.got.contains_key(sequence))
            .filter(|sequence| {
                self.asked.get(sequence).is_none_or(|at| clock >= *at + Duration::from_millis(120))
            })
            .take(40)
            .collect();
        self.asked.extend(missing.iter().map(|sequence| (*sequence, clock)));
        if !missing.is_empty() {
            lab.send_rtcp(1, |writer| {
                writer.nack(1, 700, &missing);
            });
        }
    }
}

#[test]
fn everything_arrives_over_lossy_networks() {
    for seed in 0..3_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut lab = Lab::new(2);
        let track = lab.publish(2, video_section(&[]));
        let send = lab.subscribe(1, track, video_params(700));
        lab.select(send, Selection::UpTo(0));
        let mut subscriber = Subscriber {
            random: StdRng::seed_from_u64(seed + 1000),
            read: 0,
            got: BTreeMap::new(),
            asked: BTreeMap::new(),
        };
        let loss = 0.03;
        let (mut clock, mut next, mut rtx) = (Duration::ZERO, 0, 0_u16);
        let (mut answered, mut waiting) = (0, Vec::new());
        while clock < Duration::from_secs(20) {
            // A batch in any order, some of it lost, some of it twice.
            let mut batch: Vec<u64> = (next..(next + 3).min(PACKETS)).collect();
            next = (next + 3).min(PACKETS);
            batch.append(&mut waiting);
            batch.shuffle(&mut random);
            for n in batch {
                if n > 0 && random.random_bool(loss) {
                    continue;
                }
                if n > 0 && random.random_bool(0.1) {
                    waiting.push(n);
                    continue;
                }
                lab.push(0, &packet(n));
                if random.random_bool(0.05) {
                    lab.push(0, &packet(n));
                }
            }
            lab.drain();
            // The publisher repeats what it is asked for, over the same network.
            let wanted: Vec<u16> = lab
                .feedback(0, |packet| match packet {
                    Packet::Nack { lost, .. } => Some(lost.collect::<Vec<_>>()),
                    _ => None,
                })
                .concat();
            for &sequence in &wanted[answered..] {
                if !random.random_bool(loss) {
                    let original = packet(u64::from(sequence));
                    let mut payload = sequence.to_be_bytes().to_vec();
                    payload.extend(&original.payload);
                    lab.push(0, &Sent { pt: 97, ssrc: 9000, sequence: rtx, payload, ..original });
                    rtx += 1;
                }
            }
            answered = wanted.len();
            lab.drain();
            subscriber.receive(&mut lab, clock, loss);
            lab.advance_ms(20);
            clock += Duration::from_millis(20);
            if next == PACKETS && subscriber.got.len() as u64 == PACKETS {
                break;
            }
        }
        let numbers: Vec<u64> = subscriber.got.values().copied().collect();
        let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
        assert_eq!(distinct.len() as u64, PACKETS, "seed {seed}: {} of {PACKETS}", distinct.len());
        assert!(numbers.is_sorted(), "seed {seed}: the subscriber's order is the publisher's");
    }
}

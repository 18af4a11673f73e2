//! One publisher and many subscribers with their keys, for measuring the packet path alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu_core::certificate::Certificate;
use sfu_core::ids::Chance;
use sfu_core::media::*;
use sfu_core::shard::{Shard, ShardConfig};
use sfu_core::srtp::{Profile, Sealer};
use sfu_core::transport::SrtpKeys;

pub(crate) const PAYLOAD: usize = 1100;

pub(crate) struct Stage {
    shard: Shard,
    now: Instant,
    publisher: Sealer,
    packets_a_frame: u64,
    next: u64,
}

/// Sealed packets of whole frames, ready to be received.
pub(crate) type Frames = Vec<Vec<u8>>;

fn publisher_address() -> SocketAddr {
    SocketAddr::from(([10, 2, 0, 1], 4000))
}

fn codec() -> CodecParams {
    CodecParams {
        codec: Codec::Vp8,
        pt: 96,
        clock_rate: 90_000,
        channels: 0,
        fmtp: String::new(),
        rtx_pt: Some(97),
        feedback: vec!["nack".into(), "nack pli".into(), "transport-cc".into()],
    }
}

impl Stage {
    /// One subscriber for each address.
    pub(crate) fn new(profile: Profile, addresses: &[SocketAddr], packets_a_frame: u64) -> Stage {
        let subscribers = addresses.len();
        let now = Instant::now();
        let mut shard = Shard::new(ShardConfig {
            certificate: Certificate::generate().expect("a certificate"),
            candidates: vec![publisher_address()],
            chance: Chance::new([3; 32]),
            epoch: (now, Duration::from_secs(1_800_000_001)),
        });
        let mut publisher = None;
        for index in 0..=subscribers {
            let transport = TransportId(index as u64);
            let local =
                IceCredentials { ufrag: format!("ufrag{index}"), pwd: "a-password-that-is-long".into() };
            shard.command(
                now,
                Command::Open { transport, room: 1, local, controlling: false, channels: ChannelSetup::Peer },
            );
            let key = vec![index as u8; profile.key_len()];
            let salt = vec![index as u8; profile.salt_len()];
            if index == 0 {
                publisher = Sealer::new(profile, &key, &salt).ok();
            }
            let keys = SrtpKeys {
                profile,
                local_key: key.clone(),
                local_salt: salt.clone(),
                remote_key: key,
                remote_salt: salt,
            };
            let address = if index == 0 { publisher_address() } else { addresses[index - 1] };
            shard.adopt(now, transport, address, keys);
        }
        let extensions = ExtensionIds { mid: 4, transport_cc: 3, ..ExtensionIds::default() };
        let track = TrackId(1);
        let section = ReceiveSection {
            mid: "0".into(),
            kind: Kind::Video,
            codecs: vec![codec()],
            extensions,
            rids: vec![],
            ssrcs: vec![SsrcInfo { ssrc: 77, rtx_ssrc: None }],
        };
        shard.command(now, Command::Receive { transport: TransportId(0), track, section });
        for index in 1..=subscribers {
            let send = SendId(index as u64);
            let params = SendParams {
                mid: "1".into(),
                kind: Kind::Video,
                ssrc: 1000 + index as u32,
                rtx_ssrc: Some(2000 + index as u32),
                codecs: vec![codec()],
                extensions: ExtensionIds { mid: 4, abs_send_time: 2, ..ExtensionIds::default() },
                cname: "stage".into(),
            };
            shard.command(now, Command::Send { transport: TransportId(index as u64), send, track, params });
            shard.command(now, Command::Select { send, selection: Selection::UpTo(0) });
        }
        Stage {
            shard,
            now,
            publisher: publisher.expect("keys of the right length"),
            packets_a_frame,
            next: 1,
        }
    }

    /// Frames of full packets; the very first is a key frame.
    pub(crate) fn frames(&mut self, count: u64) -> Frames {
        (0..count * self.packets_a_frame).map(|_| self.packet()).collect()
    }

    fn packet(&mut self) -> Vec<u8> {
        let index = self.next;
        self.next += 1;
        let (frame, part) = ((index - 1) / self.packets_a_frame, (index - 1) % self.packets_a_frame);
        let mut out = vec![0; PAYLOAD + 64];
        out[0] = 0x90;
        out[1] = 0x60 | u8::from(part == self.packets_a_frame - 1) << 7;
        out[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        out[4..8].copy_from_slice(&(frame as u32 * 3000).to_be_bytes());
        out[8..12].copy_from_slice(&77_u32.to_be_bytes());
        out[12..20].copy_from_slice(&[0xbe, 0xde, 0, 1, 0x31, (index >> 8) as u8, index as u8, 0]);
        let mut payload = vec![0x55; PAYLOAD];
        let id = (frame as u16 | 0x8000).to_be_bytes();
        let head = [0x80 | u8::from(part == 0) << 4, 0xc0, id[0], id[1], frame as u8, u8::from(frame > 0)];
        payload[..6].copy_from_slice(&head);
        let length = self.publisher.rtp(&mut out, 20, &payload, 0, index).expect("room for the packet");
        out.truncate(length);
        out
    }

    /// Receives frames, flushing each to `sink`; answers how many datagrams went out.
    pub(crate) fn forward(&mut self, frames: &mut Frames, mut sink: impl FnMut(&Transmit<'_>)) -> u64 {
        let mut sent = 0;
        for frame in frames.chunks_mut(self.packets_a_frame as usize) {
            self.now += Duration::from_millis(33);
            for packet in frame {
                self.shard.datagram(self.now, publisher_address(), publisher_address(), packet);
            }
            if self.shard.poll_timeout().is_some_and(|due| due <= self.now) {
                self.shard.timeout(self.now);
            }
            while let Some(transmit) = self.shard.poll_transmit() {
                let size = transmit.segment_size.unwrap_or(transmit.payload.len());
                sent += transmit.payload.len().div_ceil(size) as u64;
                sink(&transmit);
            }
        }
        sent
    }
}

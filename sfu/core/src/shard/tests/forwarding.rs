//! Single-layer tracks: numbering, mute, pause, retransmission.

use super::lab::*;
use crate::media::*;
use crate::rtp::rtcp::Packet;
use crate::rtp::vp8::Descriptor;
use crate::srtp::Profile;

fn audio_lab() -> (Lab, TrackId) {
    let mut lab = Lab::new(3);
    let track = lab.publish(1, audio_section(1111));
    lab.subscribe(1, track, audio_params(500));
    lab.subscribe(2, track, audio_params(600));
    (lab, track)
}

fn video_lab() -> (Lab, TrackId, SendId) {
    let mut lab = Lab::new(2);
    let track = lab.publish(2, video_section(&[]));
    let send = lab.subscribe(1, track, video_params(700));
    lab.select(send, Selection::UpTo(0));
    (lab, track, send)
}

/// One frame a packet: a key frame first.
fn frame(n: u16) -> Sent {
    vp8("", n, n, true, n == 0, true)
}

#[test]
fn audio_reaches_every_subscriber_under_its_own_numbers() {
    for profile in [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80] {
        let mut lab = Lab::with_profile(3, profile);
        let track = lab.publish(1, audio_section(1111));
        lab.subscribe(1, track, audio_params(500));
        lab.subscribe(2, track, audio_params(600));
        for n in 0..10 {
            lab.send(0, &audio(n));
        }
        for (client, ssrc) in [(1, 500), (2, 600)] {
            let stream = lab.clients[client].stream(ssrc);
            assert_eq!(stream.len(), 10);
            assert!(is_continuous(&lab.clients[client].sequences(ssrc)));
            for (n, packet) in stream.iter().enumerate() {
                assert_eq!(packet.header.pt, 63);
                assert_eq!(packet.payload, vec![n as u8; 80]);
                assert_eq!(packet.header.timestamp.wrapping_sub(stream[0].header.timestamp), n as u32 * 960);
            }
        }
        assert!(lab.clients[0].rtp.is_empty());
        assert!(matches!(
            lab.events[..],
            [
                Event::LayerStarted { layer: 0, codec: Codec::Opus, ssrc: 1111, .. },
                Event::FirstForwarded { .. },
                Event::FirstForwarded { .. }
            ]
        ));
    }
}

#[test]
fn sequence_numbers_roll_over_on_both_sides() {
    let (mut lab, _) = audio_lab();
    for n in 0..70_000_u64 {
        let sent = Sent { payload: vec![n as u8; 3], timestamp: n as u32 * 960, ..audio(n as u16) };
        lab.push_at(0, &sent, n);
        if n % 20 == 0 {
            lab.drain();
        }
    }
    lab.drain();
    assert_eq!(lab.clients[1].rtp.len(), 70_000);
    assert!(is_continuous(&lab.clients[1].sequences(500)));
}

#[test]
fn muted_track_is_not_forwarded() {
    let (mut lab, track) = audio_lab();
    lab.send(0, &audio(0));
    lab.command(Command::Mute { track, muted: true });
    for n in 1..10 {
        lab.send(0, &audio(n));
    }
    assert_eq!(lab.clients[1].rtp.len(), 1);
    lab.command(Command::Mute { track, muted: false });
    for n in 10..13 {
        lab.send(0, &audio(n));
    }
    assert_eq!(lab.clients[1].rtp.len(), 4);
    assert!(is_continuous(&lab.clients[1].sequences(500)));
}

#[test]
fn a_track_muted_before_it_is_received_stays_silent() {
    let mut lab = Lab::new(2);
    lab.command(Command::Mute { track: TrackId(1), muted: true });
    lab.subscribe(1, TrackId(1), audio_params(500));
    lab.publish(1, audio_section(1111));
    lab.send(0, &audio(0));
    assert!(lab.clients[1].rtp.is_empty());
    lab.command(Command::Mute { track: TrackId(1), muted: false });
    lab.send(0, &audio(1));
    assert_eq!(lab.clients[1].rtp.len(), 1);
}

#[test]
fn video_is_paused_until_selected_and_starts_with_a_key_frame() {
    let mut lab = Lab::new(2);
    let track = lab.publish(2, video_section(&[]));
    let send = lab.subscribe(1, track, video_params(700));
    lab.send(0, &frame(0));
    assert!(lab.clients[1].rtp.is_empty());
    lab.select(send, Selection::UpTo(0));
    lab.send(0, &frame(1));
    assert!(lab.clients[1].rtp.is_empty());
    assert_eq!(lab.key_requests(0), [2000]);
    lab.send(0, &vp8("", 2, 2, true, true, true));
    assert_eq!(lab.clients[1].stream(700)[0].header.pt, 120);
}

#[test]
fn paused_then_resumed_sequence_has_no_gap() {
    let (mut lab, _, send) = video_lab();
    for n in 0..5 {
        lab.send(0, &frame(n));
    }
    lab.select(send, Selection::Paused);
    for n in 5..20 {
        lab.advance_ms(33);
        lab.send(0, &frame(n));
    }
    lab.select(send, Selection::UpTo(0));
    for n in 20..25 {
        lab.send(0, &vp8("", n, n, true, n == 22, true));
    }
    let stream = lab.clients[1].stream(700);
    assert_eq!(stream.len(), 8);
    assert!(is_continuous(&lab.clients[1].sequences(700)));
    let ids: Vec<u16> = stream
        .iter()
        .map(|packet| Descriptor::parse(&packet.payload).unwrap().picture_id.unwrap().value)
        .collect();
    assert!(is_continuous(&ids), "{ids:?}");
    // The publisher's clock ran on.
    assert_eq!(stream[5].header.timestamp.wrapping_sub(stream[4].header.timestamp), 18 * 3000);
}

#[test]
fn nack_is_answered_on_rtx() {
    let (mut lab, _, _) = video_lab();
    for n in 0..5 {
        lab.send(0, &frame(n));
    }
    let missed = lab.clients[1].stream(700)[3].clone();
    lab.send_rtcp(1, |writer| {
        writer.nack(1, 700, &[missed.header.sequence]);
    });
    let repeated = lab.clients[1].stream(701);
    assert_eq!(repeated.len(), 1);
    assert_eq!(repeated[0].header.pt, 121);
    assert_eq!(repeated[0].header.timestamp, missed.header.timestamp);
    assert_eq!(repeated[0].payload[..2], missed.header.sequence.to_be_bytes());
    assert_eq!(repeated[0].payload[2..], missed.payload[..]);
    assert_eq!(lab.shard.counters().retransmitted, 1);
}

#[test]
fn a_packet_is_repeated_three_times_at_most_and_not_at_once() {
    let (mut lab, _, _) = video_lab();
    for n in 0..5 {
        lab.send(0, &frame(n));
    }
    let sequence = lab.clients[1].stream(700)[2].header.sequence;
    for _ in 0..100 {
        lab.send_rtcp(1, |writer| {
            writer.nack(1, 700, &[sequence]);
        });
        lab.advance_ms(10);
    }
    assert_eq!(lab.clients[1].stream(701).len(), 3);
}

#[test]
fn nack_of_a_number_never_sent_is_ignored() {
    let (mut lab, _, _) = video_lab();
    lab.send(0, &frame(0));
    let sequence = lab.clients[1].stream(700)[0].header.sequence;
    lab.send_rtcp(1, |writer| {
        writer.nack(
            1,
            700,
            &[sequence.wrapping_sub(1), sequence.wrapping_add(1), sequence.wrapping_add(30_000)],
        );
    });
    assert!(lab.clients[1].stream(701).is_empty());
}

#[test]
fn without_rtx_the_very_same_packet_is_repeated() {
    let (mut lab, _) = audio_lab();
    for n in 0..5 {
        lab.send(0, &audio(n));
    }
    let sequence = lab.clients[1].stream(500)[2].header.sequence;
    let before = lab.clients[1].raw.clone();
    // A report ends the introduction by mid; what is repeated still carries it.
    lab.send_rtcp(1, |writer| {
        writer.receiver_report(1, &[crate::rtp::rtcp::Block { ssrc: 500, ..Default::default() }]);
        writer.nack(1, 500, &[sequence]);
    });
    assert_eq!(lab.clients[1].raw.len(), before.len() + 1);
    assert_eq!(lab.clients[1].raw.last(), Some(&before[2]));
}

#[test]
fn the_mid_is_sent_until_the_first_report() {
    let (mut lab, _) = audio_lab();
    lab.send(0, &audio(0));
    lab.send_rtcp(1, |writer| {
        writer.receiver_report(1, &[crate::rtp::rtcp::Block { ssrc: 500, ..Default::default() }]);
    });
    lab.send(0, &audio(1));
    let stream = lab.clients[1].stream(500);
    assert_eq!(stream[0].elements, [(SUB_MID, b"a5".to_vec())]);
    assert!(stream[1].elements.is_empty());
}

#[test]
fn capture_time_travels_under_the_subscribers_id() {
    let (mut lab, _) = audio_lab();
    let mut sent = audio(0);
    sent.elements.push((PUB_CAPTURE, vec![1, 2, 3, 4, 5, 6, 7, 8]));
    lab.send(0, &sent);
    assert!(lab.clients[1].stream(500)[0].elements.contains(&(SUB_CAPTURE, vec![1, 2, 3, 4, 5, 6, 7, 8])));
}

#[test]
fn padding_is_not_forwarded_and_leaves_no_gap() {
    let (mut lab, _, _) = video_lab();
    for n in 0..20 {
        let sent = match n {
            5 | 6 | 12 => Sent { payload: vec![], padding: 200, ..frame(n) },
            _ => frame(n),
        };
        lab.send(0, &sent);
    }
    assert_eq!(lab.clients[1].stream(700).len(), 17);
    assert!(is_continuous(&lab.clients[1].sequences(700)));
}

#[test]
fn late_packets_keep_their_place() {
    let (mut lab, _, _) = video_lab();
    for n in [0, 1, 4, 3, 2, 5] {
        lab.send(0, &frame(n));
    }
    let sequences = lab.clients[1].sequences(700);
    let first = sequences[0];
    let relative: Vec<u16> = sequences.iter().map(|sequence| sequence.wrapping_sub(first)).collect();
    assert_eq!(relative, [0, 1, 4, 3, 2, 5]);
}

#[test]
fn lost_packets_are_asked_for_and_unwrapped_from_rtx() {
    let (mut lab, _, _) = video_lab();
    for n in [0, 1, 2, 5] {
        lab.send(0, &frame(n));
    }
    lab.advance_ms(25);
    let lost = lab.feedback(0, |packet| match packet {
        Packet::Nack { media, lost } => Some((media, lost.collect::<Vec<_>>())),
        _ => None,
    });
    assert_eq!(lost, [(2000, vec![3, 4])]);
    for n in [3, 4] {
        let original = frame(n);
        let mut payload = n.to_be_bytes().to_vec();
        payload.extend(&original.payload);
        lab.send(0, &Sent { pt: 97, ssrc: 9000, sequence: 40 + n, payload, ..original });
    }
    assert_eq!(lab.clients[1].stream(700).len(), 6);
    lab.advance_ms(1000);
    let asked = lab.feedback(0, |packet| matches!(packet, Packet::Nack { .. }).then_some(()));
    assert_eq!(asked.len(), 1);
    // A repetition of what is here already goes nowhere.
    let mut payload = 3_u16.to_be_bytes().to_vec();
    payload.extend(&frame(3).payload);
    lab.send(0, &Sent { pt: 97, ssrc: 9000, sequence: 60, payload, ..frame(3) });
    assert_eq!(lab.clients[1].stream(700).len(), 6);
}

#[test]
fn probes_on_rtx_are_neither_forwarded_nor_counted() {
    let (mut lab, track, _) = video_lab();
    lab.send(0, &frame(0));
    for n in 0..3000_u16 {
        lab.send(0, &Sent { pt: 97, ssrc: 9000, sequence: n, payload: vec![], padding: 224, ..frame(0) });
        lab.advance_ms(2);
    }
    assert_eq!(lab.clients[1].rtp.len(), 1);
    assert!(
        lab.events
            .iter()
            .any(|event| matches!(event, Event::LayerStopped { track: stopped, .. } if *stopped == track))
    );
}

#[test]
fn a_frame_leaves_as_one_run_with_audio_behind_it() {
    let (mut lab, _, _) = video_lab();
    let track = lab.publish(1, audio_section(1111));
    lab.subscribe(1, track, audio_params(500));
    lab.send(0, &frame(0));
    lab.runs.clear();
    for n in 1..=4 {
        let mut sent = vp8("", n, 1, n == 1, false, n == 4);
        sent.payload.resize(1100 + usize::from(n == 4), 0);
        lab.push(0, &sent);
        if n == 2 {
            lab.push(0, &audio(0));
        }
    }
    lab.drain();
    assert_eq!(lab.runs, [5]);
    let sizes: Vec<usize> =
        lab.clients[1].stream(700)[1..].iter().map(|packet| packet.payload.len()).collect();
    assert_eq!(sizes, [1100, 1100, 1100, 1101]);
}

#[test]
fn redundant_audio_is_stripped_for_a_subscriber_without_it() {
    let mut lab = Lab::new(3);
    let mut section = audio_section(1111);
    section.codecs.insert(0, codec(Codec::Red, 63, None));
    let track = lab.publish(1, section);
    lab.subscribe(1, track, audio_params(500));
    let mut with_red = audio_params(600);
    with_red.codecs.push(codec(Codec::Red, 64, None));
    lab.subscribe(2, track, with_red);
    let payload = vec![0xef, 0, 0, 2, 111, 9, 9, 1, 2, 3];
    lab.send(0, &Sent { pt: 63, payload: payload.clone(), ..audio(0) });
    let stripped = lab.clients[1].stream(500)[0];
    assert_eq!((stripped.header.pt, &stripped.payload[..]), (63, &[1, 2, 3][..]));
    let whole = lab.clients[2].stream(600)[0];
    assert_eq!((whole.header.pt, &whole.payload), (64, &payload));
}

#[test]
fn another_ssrc_of_the_publisher_continues_the_stream() {
    let (mut lab, _, _) = video_lab();
    for n in 0..5 {
        lab.send(0, &frame(n));
    }
    lab.advance_ms(33);
    for n in 0..5 {
        lab.send(0, &Sent { ssrc: 4321, sequence: 300 + n, timestamp: 77, ..frame(n) });
    }
    let stream = lab.clients[1].stream(700);
    assert_eq!(stream.len(), 10);
    assert!(is_continuous(&lab.clients[1].sequences(700)));
    let step = stream[5].header.timestamp.wrapping_sub(stream[4].header.timestamp);
    assert!((1..9000).contains(&step), "{step}");
}

#[test]
fn codecs_the_subscriber_lacks_are_not_sent() {
    let mut lab = Lab::new(2);
    let mut section = video_section(&[]);
    section.codecs = vec![codec(Codec::Av1, 96, None)];
    let track = lab.publish(2, section);
    let send = lab.subscribe(1, track, video_params(700));
    lab.select(send, Selection::UpTo(0));
    lab.send(0, &Sent { payload: vec![0x18, 0x0a, 1], ..frame(0) });
    assert!(lab.clients[1].rtp.is_empty());
}

#[test]
fn what_is_stopped_or_closed_is_forgotten() {
    let (mut lab, track) = audio_lab();
    lab.send(0, &audio(0));
    lab.command(Command::StopSending { send: SendId(101) });
    lab.send(0, &audio(1));
    assert_eq!((lab.clients[1].rtp.len(), lab.clients[2].rtp.len()), (1, 2));
    lab.command(Command::StopReceiving { track });
    lab.send(0, &audio(2));
    assert_eq!(lab.clients[2].rtp.len(), 2);
    for client in 0..3 {
        let transport = lab.clients[client].transport;
        lab.command(Command::Close { transport });
    }
    let shard = &lab.shard;
    assert!(shard.peers.is_empty() && shard.tracks.is_empty() && shard.sends.is_empty());
    assert!(shard.addresses.is_empty() && shard.ufrags.is_empty());
    assert!(shard.track_keys.is_empty() && shard.send_keys.is_empty() && shard.peer_keys.is_empty());
    lab.advance_ms(1000);
    assert_eq!(lab.shard.poll_timeout(), None);
}

#[test]
fn a_stream_started_again_under_its_ssrc_never_repeats_a_number() {
    let (mut lab, track) = audio_lab();
    for n in 0..5 {
        lab.send(0, &audio(n));
    }
    lab.command(Command::StopSending { send: SendId(101) });
    lab.subscribe(1, track, audio_params(500));
    for n in 5..10 {
        lab.send(0, &audio(n));
    }
    assert_eq!(lab.clients[1].rtp.len(), 10);
    assert!(is_continuous(&lab.clients[1].sequences(500)));
}

#[test]
fn an_ssrc_in_use_is_not_given_to_another_track() {
    let (mut lab, _) = audio_lab();
    let other = lab.publish(2, video_section(&[]));
    lab.subscribe(1, other, video_params(500));
    lab.select(SendId(201), Selection::UpTo(0));
    lab.send(0, &audio(0));
    lab.send(0, &frame(0));
    assert_eq!(lab.clients[1].rtp.len(), 1);
}

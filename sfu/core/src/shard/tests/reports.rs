//! Reports, feedback and speaker levels.

use super::lab::*;
use crate::media::*;
use crate::rtp::rtcp::{Block, Packet};

#[test]
fn publishers_get_receiver_reports() {
    let mut lab = Lab::new(1);
    lab.publish(1, audio_section(1111));
    for n in 0..120 {
        if n % 4 != 0 || n == 0 {
            lab.send(0, &audio(n));
        }
        lab.advance_ms(20);
    }
    let blocks = lab.feedback(0, |packet| match packet {
        Packet::ReceiverReport { mut blocks } => blocks.next(),
        _ => None,
    });
    assert!(blocks.len() >= 2, "{blocks:?}");
    let last = blocks.last().unwrap();
    assert_eq!(last.ssrc, 1111);
    assert!((50..80).contains(&last.fraction_lost), "{last:?}");
}

#[test]
fn transport_feedback_comes_every_50_ms_and_names_a_real_ssrc() {
    let mut lab = Lab::new(1);
    lab.publish(1, audio_section(1111));
    for n in 0..50_u16 {
        let mut sent = audio(n);
        sent.elements.push((PUB_TWCC, n.to_be_bytes().to_vec()));
        lab.send(0, &sent);
        lab.advance_ms(20);
    }
    let messages = lab.feedback(0, |packet| match packet {
        Packet::Twcc { feedback } => Some((
            u32::from_be_bytes(feedback[4..8].try_into().unwrap()),
            u16::from_be_bytes(feedback[10..12].try_into().unwrap()),
        )),
        _ => None,
    });
    assert!((14..=21).contains(&messages.len()), "{}", messages.len());
    assert!(messages.iter().all(|(media, _)| *media == 1111));
    let reported: u32 = messages.iter().map(|(_, count)| u32::from(*count)).sum();
    assert!(reported >= 47, "{reported}");
}

#[test]
fn sender_reports_carry_the_publishers_clock() {
    let mut lab = Lab::new(2);
    let audio_track = lab.publish(1, audio_section(1111));
    let video_track = lab.publish(2, video_section(&[]));
    lab.subscribe(1, audio_track, audio_params(500));
    let send = lab.subscribe(1, video_track, video_params(700));
    lab.select(send, Selection::UpTo(0));
    lab.send(0, &audio(0));
    lab.send(0, &vp8("", 0, 0, true, true, true));
    lab.send_rtcp(0, |writer| {
        writer.sender_report(1111, 100 << 32, 48_000, 0, 0);
        writer.sender_report(2000, 100 << 32, 900, 0, 0);
    });
    lab.advance_ms(2500);
    lab.send(0, &audio(1));
    let reports = lab.feedback(1, |packet| match packet {
        Packet::SenderReport { ssrc, ntp, rtp, .. } => Some((ssrc, ntp, rtp)),
        _ => None,
    });
    for (ssrc, rate, base) in [(500, 48_000.0, 48_000.0), (700, 90_000.0, 900.0)] {
        let offset = lab.clients[1].stream(ssrc)[0].header.timestamp;
        let last = reports.iter().rev().find(|report| report.0 == ssrc).expect("a report for each stream");
        let elapsed = (last.1 - (100 << 32)) as f64 / (1_u64 << 32) as f64;
        let expected = base + elapsed * rate;
        let told = f64::from(last.2.wrapping_sub(offset));
        assert!((told - expected).abs() < 50.0, "{ssrc}: {told} {expected}");
        assert!((1.0..2.6).contains(&elapsed));
    }
}

#[test]
fn round_trip_is_measured_from_receiver_reports() {
    let mut lab = Lab::new(2);
    let track = lab.publish(1, audio_section(1111));
    lab.subscribe(1, track, audio_params(500));
    lab.send(0, &audio(0));
    lab.send_rtcp(0, |writer| {
        writer.sender_report(1111, 100 << 32, 0, 0, 0);
    });
    lab.advance_ms(1200);
    let (ntp, at) = lab
        .feedback(1, |packet| match packet {
            Packet::SenderReport { ntp, .. } => Some(ntp),
            _ => None,
        })
        .pop()
        .map(|ntp| (ntp, lab.now))
        .unwrap();
    let _ = at;
    lab.advance_ms(60);
    lab.send_rtcp(1, |writer| {
        writer.receiver_report(
            1,
            &[Block { ssrc: 500, last_sender_report: (ntp >> 16) as u32, delay: 655, ..Block::default() }],
        );
    });
    let round_trip = lab.shard.sends.iter().next().unwrap().1.round_trip.unwrap().as_millis();
    // The report was sent at some time in the last 1.2 s.
    assert!((50..1260).contains(&round_trip), "{round_trip}");
}

#[test]
fn a_pli_of_a_subscriber_reaches_the_publisher_and_stops_retransmissions() {
    let mut lab = Lab::new(2);
    let track = lab.publish(2, video_section(&[]));
    let send = lab.subscribe(1, track, video_params(700));
    lab.select(send, Selection::UpTo(0));
    lab.send(0, &vp8("", 0, 0, true, true, true));
    lab.advance_ms(3000);
    let before = lab.key_requests(0).len();
    lab.send_rtcp(1, |writer| {
        writer.pli(1, 700);
    });
    assert_eq!(lab.key_requests(0).len(), before + 1);
    let sequence = lab.clients[1].stream(700)[0].header.sequence;
    lab.send_rtcp(1, |writer| {
        writer.nack(1, 700, &[sequence]);
        writer.fir(1, 700, 1);
    });
    assert!(lab.clients[1].stream(701).is_empty());
    lab.send(0, &vp8("", 1, 1, true, true, true));
    lab.send_rtcp(1, |writer| {
        writer.nack(1, 700, &[sequence]);
    });
    assert_eq!(lab.clients[1].stream(701).len(), 1);
}

#[test]
fn who_speaks_is_told_each_interval_and_once_when_it_ends() {
    let mut lab = Lab::new(1);
    let track = lab.publish(1, audio_section(1111));
    for n in 0..200 {
        let mut sent = audio(n);
        if n >= 100 {
            sent.elements[1].1[0] = 127;
        }
        lab.send(0, &sent);
        lab.advance_ms(20);
    }
    lab.advance_ms(5000);
    let told: Vec<Vec<(TrackId, f32)>> = lab
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Speakers { room: ROOM, levels } => Some(levels.clone()),
            _ => None,
        })
        .collect();
    assert!(told.len() >= 5, "{told:?}");
    assert!(told[1..4].iter().all(|levels| levels[0].0 == track && levels[0].1 > 0.05));
    assert_eq!(told.iter().filter(|levels| levels.is_empty()).count(), 1);
    assert!(told.last().unwrap().is_empty());
}

#[test]
fn muted_speakers_are_silent() {
    let mut lab = Lab::new(1);
    let track = lab.publish(1, audio_section(1111));
    lab.command(Command::Mute { track, muted: true });
    for n in 0..100 {
        lab.send(0, &audio(n));
        lab.advance_ms(20);
    }
    assert!(!lab.events.iter().any(|event| matches!(event, Event::Speakers { .. })));
}

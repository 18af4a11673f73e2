//! Time of the packet path per forwarded packet, without the socket: opening one packet of a
//! publisher, rewriting and sealing it for 20 subscribers, and laying out runs.
//!
//! The bare seal of the same bytes is measured beside it: the path should cost little more. What is
//! measured is the thread's processor time, so that a busy machine disturbs less.

mod stage;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustix::time::{ClockId, clock_gettime};
use sfu_core::srtp::{Profile, Sealer};
use stage::{PAYLOAD, Stage};

const SUBSCRIBERS: usize = 20;
const FRAMES: u64 = 16;
const PACKETS_A_FRAME: u64 = 4;

/// Nobody is there: only the packet path is of interest.
fn addresses() -> Vec<SocketAddr> {
    (0..SUBSCRIBERS as u8).map(|index| SocketAddr::from(([10, 1, 0, index], 4000))).collect()
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn forward(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packet");
    group.measurement_time(Duration::from_secs(3)).sample_size(20);
    for profile in [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80] {
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("forward {profile:?}"), |bencher| {
            let mut stage = Stage::new(profile, &addresses(), PACKETS_A_FRAME);
            let mut warm = stage.frames(300);
            stage.forward(&mut warm, |_| ());
            // One iteration is one forwarded packet; packets are made outside the measured time.
            bencher.iter_custom(|iterations| {
                let each = FRAMES * PACKETS_A_FRAME * SUBSCRIBERS as u64;
                let rounds = iterations.div_ceil(each);
                let mut time = Duration::ZERO;
                for _ in 0..rounds {
                    let mut frames = stage.frames(FRAMES);
                    let start = processor_time();
                    let sent = black_box(stage.forward(&mut frames, |_| ()));
                    time += processor_time().saturating_sub(start);
                    assert!(sent >= each, "{sent} of {each} were forwarded");
                }
                time.mul_f64(iterations as f64 / (rounds * each) as f64)
            });
        });
        group.bench_function(format!("bare seal {profile:?}"), |bencher| {
            let sealer = Sealer::new(profile, &vec![1; profile.key_len()], &vec![2; profile.salt_len()])
                .expect("keys of the right length");
            let (payload, mut out) = ([0x55; PAYLOAD], [0x80; PAYLOAD + 64]);
            let mut index = 0;
            bencher.iter_custom(|iterations| {
                let start = processor_time();
                for _ in 0..iterations {
                    index += 1;
                    let _ = black_box(sealer.rtp(black_box(&mut out), 20, black_box(&payload), 0, index));
                }
                processor_time().saturating_sub(start)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);

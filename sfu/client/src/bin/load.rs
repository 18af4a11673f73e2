//! Fills a room with synthetic participants and prints what share of the media arrives.
//!
//! ```text
//! load [--server ws://localhost:7880] [--key devkey] [--secret secret] [--room load]
//!      [--participants 4] [--seconds 10] [--mode single|dual]
//! ```

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use sfu_client::{Client, Counts, Options, token};
use sfu_protocol::Mode;
use sfu_protocol::client::Event;

/// The generator shares its machine with the server: more says nothing about the server.
const MOST_PARTICIPANTS: usize = 100;
const MOST_SECONDS: u64 = 600;
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
const SETTLE_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Arguments {
    server: String,
    key: String,
    secret: String,
    room: String,
    participants: usize,
    seconds: u64,
    mode: Mode,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
        let mut arguments = Arguments {
            server: "ws://localhost:7880".to_owned(),
            key: "devkey".to_owned(),
            secret: "secret".to_owned(),
            room: "load".to_owned(),
            participants: 4,
            seconds: 10,
            mode: Mode::Single,
        };
        while let Some(name) = words.next() {
            let value = words.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--server" => arguments.server = value,
                "--key" => arguments.key = value,
                "--secret" => arguments.secret = value,
                "--room" => arguments.room = value,
                "--participants" => arguments.participants = value.parse().context("--participants")?,
                "--seconds" => arguments.seconds = value.parse().context("--seconds")?,
                "--mode" if value == "single" => arguments.mode = Mode::Single,
                "--mode" if value == "dual" => arguments.mode = Mode::Dual,
                _ => bail!("unknown argument {name} {value}"),
            }
        }
        ensure!(
            (2..=MOST_PARTICIPANTS).contains(&arguments.participants),
            "--participants is from 2 to {MOST_PARTICIPANTS}"
        );
        ensure!((1..=MOST_SECONDS).contains(&arguments.seconds), "--seconds is from 1 to {MOST_SECONDS}");
        Ok(arguments)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all streams arrived.
async fn run() -> anyhow::Result<bool> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let mut clients = Vec::new();
    for index in 0..arguments.participants {
        clients.push(join(&arguments, index).await?);
    }
    let complete = settle(&clients).await;
    let before = totals(&clients);
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let after = totals(&clients);
    report(&arguments, after.0 - before.0, after.1 - before.1);
    for client in clients {
        client.leave().await;
    }
    if !complete {
        eprintln!("not every participant received every stream within {} s", SETTLE_TIMEOUT.as_secs());
    }
    Ok(complete)
}

async fn join(arguments: &Arguments, index: usize) -> anyhow::Result<Client> {
    let lifetime = Duration::from_secs(arguments.seconds) + Duration::from_hours(1);
    let identity = format!("load-{index}");
    let token = token::sign(&arguments.key, &arguments.secret, &arguments.room, &identity, lifetime)?;
    let mut client = Client::join(Options {
        server: arguments.server.clone(),
        token,
        mode: arguments.mode,
        microphone: true,
        camera: true,
    });
    let joined =
        client.wait_for(JOIN_TIMEOUT, |event| matches!(event, Event::Connected | Event::Ended(_))).await;
    match joined {
        Some(Event::Connected) => Ok(client),
        Some(Event::Ended(reason)) => bail!("{identity} cannot join: {reason:?}"),
        _ => bail!("{identity} did not join within {} s", JOIN_TIMEOUT.as_secs()),
    }
}

/// Waits until everybody hears and sees everybody.
async fn settle(clients: &[Client]) -> bool {
    let wanted = 2 * (clients.len() - 1);
    let settled = async {
        while clients.iter().any(|client| client.streams() < wanted) {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(SETTLE_TIMEOUT, settled).await.is_ok()
}

fn totals(clients: &[Client]) -> (Counts, Counts) {
    let totals = || clients.iter().map(Client::totals);
    (totals().map(|of| of.sent).sum(), totals().map(|of| of.received).sum())
}

#[expect(clippy::print_stdout, reason = "this is what the user of the program is to see")]
fn report(arguments: &Arguments, sent: Counts, received: Counts) {
    let others = arguments.participants as u64 - 1;
    let ratio = |received: u64, sent: u64| received as f64 / (sent * others).max(1) as f64;
    let megabits = |bytes: u64| bytes as f64 * 8.0 / 1e6 / arguments.seconds as f64;
    println!(
        "{} participants, {} s: audio {:.4}, video {:.4} of what was sent arrived",
        arguments.participants,
        arguments.seconds,
        ratio(received.audio_packets, sent.audio_packets),
        ratio(received.video_packets, sent.video_packets),
    );
    println!(
        "sent {} packets, {:.1} Mbit/s; received {} packets, {:.1} Mbit/s; missing {}, late {}",
        sent.audio_packets + sent.video_packets,
        megabits(sent.bytes),
        received.audio_packets + received.video_packets,
        megabits(received.bytes),
        received.missing,
        received.late,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> anyhow::Result<Arguments> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn count_and_time_are_bounded() {
        assert_eq!(parse(&[]).unwrap().participants, 4);
        assert_eq!(parse(&["--participants", "8", "--mode", "dual"]).unwrap().mode, Mode::Dual);
        for bad in [
            ["--participants", "1"],
            ["--participants", "101"],
            ["--seconds", "0"],
            ["--seconds", "601"],
            ["--mode", "triple"],
            ["--speed", "9"],
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
        assert!(parse(&["--room"]).is_err());
    }
}

//! A shard's thread: waits for the socket, commands or time, feeds the [`Shard`] and drains it.
//!
//! Invariant: the thread waits for nothing but those three. Datagrams the socket does not take are
//! dropped; events a room does not take are dropped if lossy, else kept, bounded.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sfu_core::media::{Channel, Command, Counters, Event};
use sfu_core::shard::{Shard, ShardConfig};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::socket::Socket;

/// Messages that wait for a shard; rooms wait when they are full.
const MESSAGES: usize = 8192;
/// Messages handled before the socket gets its turn.
const MESSAGE_BURST: usize = 256;
/// Batches read before what they caused is sent.
const READ_BURST: usize = 4;
const MAX_BACKLOG: usize = 65_536;
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const BACKLOG_INTERVAL: Duration = Duration::from_millis(5);

/// Low bits of an id belong to the room that made it.
const ROOM_BITS: u32 = 32;

/// First id of the range of the `number`th room.
pub(crate) fn id_base(number: u64) -> u64 {
    number << ROOM_BITS
}

pub(crate) enum ShardMessage {
    /// Events of this room go there.
    Attach {
        room: u64,
        events: mpsc::Sender<Event>,
    },
    Detach {
        room: u64,
    },
    Command(Command),
    Stop,
}

/// What other threads see of a shard.
#[derive(Default)]
pub(crate) struct Report {
    counters: Mutex<Counters>,
    unsent: AtomicU64,
    dropped_events: AtomicU64,
}

impl Report {
    pub(crate) fn counters(&self) -> Counters {
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    pub(crate) fn dropped_events(&self) -> u64 {
        self.dropped_events.load(Ordering::Relaxed)
    }
}

/// Starts the thread of a shard; it ends on [`ShardMessage::Stop`] or when all senders are gone.
pub(crate) fn spawn(
    index: usize,
    socket: std::net::UdpSocket,
    config: ShardConfig,
    report: Arc<Report>,
) -> io::Result<(mpsc::Sender<ShardMessage>, std::thread::JoinHandle<()>)> {
    let (sender, messages) = mpsc::channel(MESSAGES);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let thread = std::thread::Builder::new().name(format!("sfu-shard-{index}")).spawn(move || {
        let run = async {
            let socket = Socket::new(socket)?;
            Driver::new(socket, Shard::new(config), messages, report).run().await
        };
        if let Err(error) = runtime.block_on(run) {
            tracing::error!(%error, shard = index, "media socket failed");
        }
    })?;
    Ok((sender, thread))
}

struct Driver {
    socket: Socket,
    shard: Shard,
    messages: mpsc::Receiver<ShardMessage>,
    rooms: HashMap<u64, mpsc::Sender<Event>>,
    backlog: VecDeque<(u64, Event)>,
    report: Arc<Report>,
    report_at: Instant,
}

impl Driver {
    fn new(
        socket: Socket,
        shard: Shard,
        messages: mpsc::Receiver<ShardMessage>,
        report: Arc<Report>,
    ) -> Self {
        Self {
            socket,
            shard,
            messages,
            rooms: HashMap::new(),
            backlog: VecDeque::new(),
            report,
            report_at: Instant::now() + REPORT_INTERVAL,
        }
    }

    async fn run(mut self) -> io::Result<()> {
        let sleep = tokio::time::sleep_until(self.next_wake().into());
        tokio::pin!(sleep);
        loop {
            sleep.as_mut().reset(self.next_wake().into());
            tokio::select! {
                ready = self.socket.readable() => {
                    ready?;
                    self.read()?;
                }
                message = self.messages.recv() => match message {
                    Some(message) => {
                        if self.messages_burst(message).is_break() {
                            return Ok(());
                        }
                    }
                    None => return Ok(()),
                },
                () = &mut sleep => {}
            }
            let now = Instant::now();
            if self.shard.poll_timeout().is_some_and(|at| at <= now) {
                self.shard.timeout(now);
            }
            self.drain();
            if self.report_at <= now {
                self.publish_report(now);
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let backlog = (!self.backlog.is_empty()).then(|| Instant::now() + BACKLOG_INTERVAL);
        [self.shard.poll_timeout(), backlog].into_iter().flatten().fold(self.report_at, Instant::min)
    }

    fn read(&mut self) -> io::Result<()> {
        for _ in 0..READ_BURST {
            let now = Instant::now();
            let shard = &mut self.shard;
            let more =
                self.socket.receive(|source, local, datagram| shard.datagram(now, source, local, datagram));
            match more {
                Ok(true) => {}
                Ok(false) => break,
                // Reported late by the kernel about something sent earlier: concerns one client only.
                Err(error) if is_about_a_peer(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn messages_burst(&mut self, first: ShardMessage) -> std::ops::ControlFlow<()> {
        let now = Instant::now();
        let mut next = Some(first);
        for _ in 0..MESSAGE_BURST {
            match next {
                Some(ShardMessage::Command(command)) => self.shard.command(now, command),
                Some(ShardMessage::Attach { room, events }) => {
                    self.rooms.insert(room, events);
                }
                Some(ShardMessage::Detach { room }) => {
                    self.rooms.remove(&room);
                }
                Some(ShardMessage::Stop) => {
                    self.drain();
                    return std::ops::ControlFlow::Break(());
                }
                None => break,
            }
            next = self.messages.try_recv().ok();
        }
        std::ops::ControlFlow::Continue(())
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.shard.poll_transmit() {
            self.socket.send(&transmit);
        }
        for _ in 0..self.backlog.len() {
            let Some((room, event)) = self.backlog.pop_front() else { break };
            self.deliver(room, event);
        }
        while let Some(event) = self.shard.poll_event() {
            self.deliver(room_of(&event), event);
        }
    }

    fn deliver(&mut self, room: u64, event: Event) {
        let Some(sender) = self.rooms.get(&room) else { return };
        match sender.try_send(event) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(event)) => {
                let lossy =
                    matches!(event, Event::Data { channel: Channel::Lossy, .. } | Event::Speakers { .. });
                if lossy || self.backlog.len() >= MAX_BACKLOG {
                    self.report.dropped_events.fetch_add(1, Ordering::Relaxed);
                } else {
                    self.backlog.push_back((room, event));
                }
            }
        }
    }

    fn publish_report(&mut self, now: Instant) {
        self.report_at = now + REPORT_INTERVAL;
        *self.report.counters.lock().unwrap_or_else(PoisonError::into_inner) = self.shard.counters();
        self.report.unsent.store(self.socket.unsent(), Ordering::Relaxed);
    }
}

fn room_of(event: &Event) -> u64 {
    let id = match event {
        Event::Connected { transport }
        | Event::Disconnected { transport }
        | Event::Failed { transport, .. }
        | Event::ChannelsOpen { transport }
        | Event::Data { transport, .. } => transport.0,
        Event::LayerStarted { track, .. } | Event::LayerStopped { track, .. } => track.0,
        Event::Speakers { room, .. } => *room,
        Event::FirstForwarded { send } => send.0,
    };
    id_base(id >> ROOM_BITS)
}

fn is_about_a_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::Interrupted
    )
}

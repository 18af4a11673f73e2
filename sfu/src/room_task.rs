//! The task that owns one room: gives it inputs and time, carries out its outputs.
//!
//! It waits for the shard's queue (which never waits for it), never for clients or for the consumer
//! of room events. It ends when the room says so, or when its shard is gone.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sfu_core::media::{Channel, Command, Event};
use sfu_core::room::{Admin, AdminError, ConnectionId, Input, Join, Now, Output, Room, RoomEvent, RoomInit};
use sfu_protocol::{Claims, Connect, proto};
use tokio::sync::{mpsc, oneshot};

use crate::JoinError;
use crate::driver::ShardMessage;
use crate::session::{REQUESTS, RESPONSES, Session, SessionMessage};

/// Requests that wait for a room; their senders wait when they are full.
const REQUEST_QUEUE: usize = 256;
/// Events of the shard that wait for a room.
const EVENT_QUEUE: usize = 4096;
/// Room events that wait for their consumer.
const MAX_ROOM_EVENTS: usize = 4096;

pub(crate) enum Request {
    Join { claims: Box<Claims>, connect: Box<Connect>, reply: oneshot::Sender<Result<Session, JoinError>> },
    Signal { connection: ConnectionId, request: Box<proto::SignalRequest> },
    Closed { connection: ConnectionId },
    Info { reply: oneshot::Sender<proto::Room> },
    Participants { reply: oneshot::Sender<Vec<proto::ParticipantInfo>> },
    Admin { command: Admin, reply: oneshot::Sender<Result<(), AdminError>> },
}

/// What the rooms of a process share.
#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) participants: AtomicUsize,
    pub(crate) dropped_data: AtomicU64,
    pub(crate) slow_clients: AtomicU64,
    pub(crate) lost_room_events: AtomicU64,
}

pub(crate) struct RoomTask {
    room: Room,
    id: u64,
    requests: mpsc::Receiver<Request>,
    /// For the tasks that carry clients' requests here.
    own: mpsc::WeakSender<Request>,
    media: mpsc::Receiver<Event>,
    shard: mpsc::Sender<ShardMessage>,
    /// Participants on the shard, over all of its rooms.
    load: Arc<AtomicUsize>,
    counted: usize,
    sessions: HashMap<ConnectionId, Outbox>,
    next_connection: u64,
    room_events: mpsc::Sender<RoomEvent>,
    pending_events: VecDeque<RoomEvent>,
    totals: Arc<Totals>,
    finished: bool,
}

/// Where the messages for one socket go.
struct Outbox {
    responses: mpsc::Sender<SessionMessage>,
    /// Until the first message is there.
    joining: Option<Joining>,
}

struct Joining {
    reply: oneshot::Sender<Result<Session, JoinError>>,
    requests: mpsc::Sender<proto::SignalRequest>,
    responses: mpsc::Receiver<SessionMessage>,
}

impl RoomTask {
    /// Makes the room; [`RoomTask::run`] it as a task.
    pub(crate) fn new(
        init: RoomInit,
        shard: mpsc::Sender<ShardMessage>,
        load: Arc<AtomicUsize>,
        room_events: mpsc::Sender<RoomEvent>,
        totals: Arc<Totals>,
    ) -> (RoomTask, mpsc::Sender<Request>, ShardMessage) {
        let (own, requests) = mpsc::channel(REQUEST_QUEUE);
        let (events, media) = mpsc::channel(EVENT_QUEUE);
        let id = init.id_base;
        let task = RoomTask {
            room: Room::new(init, now()),
            id,
            requests,
            own: own.downgrade(),
            media,
            shard,
            load,
            counted: 0,
            sessions: HashMap::new(),
            next_connection: 0,
            room_events,
            pending_events: VecDeque::new(),
            totals,
            finished: false,
        };
        (task, own, ShardMessage::Attach { room: id, events })
    }

    pub(crate) async fn run(mut self, attach: ShardMessage) {
        if self.shard.send(attach).await.is_err() {
            self.abandon();
        }
        self.drain().await;
        let room_events = self.room_events.clone();
        while !self.finished {
            let wake = self.room.poll_timeout();
            let sleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                request = self.requests.recv() => match request {
                    Some(request) => self.request(request),
                    None => break,
                },
                Some(event) = self.media.recv() => self.room.handle(Input::Media(event), now()),
                Ok(permit) = room_events.reserve(), if !self.pending_events.is_empty() => {
                    if let Some(event) = self.pending_events.pop_front() {
                        permit.send(event);
                    }
                }
                () = sleep => self.room.handle(Input::Timeout, now()),
            }
            self.drain().await;
            self.count();
        }
        self.load.fetch_sub(self.counted, Ordering::Relaxed);
        self.totals.participants.fetch_sub(self.counted, Ordering::Relaxed);
        let _ = self.shard.send(ShardMessage::Detach { room: self.id }).await;
        // Nothing runs any more, so the consumer may take its time.
        for event in std::mem::take(&mut self.pending_events) {
            if room_events.send(event).await.is_err() {
                break;
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Join { claims, connect, reply } => self.join(*claims, *connect, reply),
            Request::Signal { connection, request } => {
                self.room.handle(Input::Signal { connection, request }, now());
            }
            Request::Closed { connection } => {
                self.sessions.remove(&connection);
                self.room.handle(Input::Closed { connection }, now());
            }
            // A caller that has gone away needs no answer.
            Request::Info { reply } => drop(reply.send(self.room.info())),
            Request::Participants { reply } => drop(reply.send(self.room.participants())),
            Request::Admin { command, reply } => drop(reply.send(self.room.admin(command, now()))),
        }
    }

    fn join(&mut self, claims: Claims, connect: Connect, reply: oneshot::Sender<Result<Session, JoinError>>) {
        if connect.reconnect.is_none() && self.room.is_full(&claims) {
            let _ = reply.send(Err(JoinError::Full));
            return;
        }
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let (outbox, responses) = mpsc::channel(RESPONSES);
        let joining = Some(Joining { reply, requests, responses });
        self.sessions.insert(connection, Outbox { responses: outbox, joining });
        tokio::spawn(carry_requests(connection, inbox, self.own.clone()));
        self.room.handle(Input::Join(Box::new(Join { connection, claims, connect })), now());
    }

    async fn drain(&mut self) {
        while let Some(output) = self.room.poll() {
            match output {
                Output::Signal { connection, response } => {
                    self.tell(connection, SessionMessage::Signal(response));
                }
                Output::RefreshToken { connection, claims } => {
                    self.tell(connection, SessionMessage::RefreshToken(claims));
                }
                Output::Close { connection } => {
                    if let Some(Outbox { joining: Some(joining), .. }) = self.sessions.remove(&connection) {
                        let _ = joining.reply.send(Err(JoinError::Unavailable));
                    }
                }
                Output::Media(command) => self.command(command).await,
                Output::Event(event) => {
                    if self.pending_events.len() < MAX_ROOM_EVENTS {
                        self.pending_events.push_back(*event);
                    } else {
                        tracing::error!(room = self.id, "nobody takes room events: one is lost");
                        self.totals.lost_room_events.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Output::Finished => self.finished = true,
            }
        }
    }

    fn tell(&mut self, connection: ConnectionId, message: SessionMessage) {
        let Some(outbox) = self.sessions.get_mut(&connection) else { return };
        if let Some(Joining { reply, requests, responses }) = outbox.joining.take() {
            // If the caller is gone the session is dropped here, which tells the room.
            let _ = reply.send(Ok(Session { first: message, requests, responses }));
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = outbox.responses.try_send(message) {
            tracing::warn!(room = self.id, "client does not read its messages: cut off");
            self.totals.slow_clients.fetch_add(1, Ordering::Relaxed);
            self.sessions.remove(&connection);
            self.room.handle(Input::Closed { connection }, now());
        }
    }

    async fn command(&mut self, command: Command) {
        let lossy = matches!(command, Command::Data { channel: Channel::Lossy, .. });
        let message = ShardMessage::Command(command);
        if lossy {
            if self.shard.try_send(message).is_err() {
                self.totals.dropped_data.fetch_add(1, Ordering::Relaxed);
            }
        } else if self.shard.send(message).await.is_err() {
            self.abandon();
        }
    }

    /// The shard is gone: nobody here has media any more.
    fn abandon(&mut self) {
        if !self.finished {
            self.finished = true;
            tracing::error!(room = self.id, "room has lost its media shard");
            let _ = self.room.admin(Admin::Shutdown, now());
        }
    }

    fn count(&mut self) {
        let count = self.room.occupancy();
        if count > self.counted {
            self.load.fetch_add(count - self.counted, Ordering::Relaxed);
            self.totals.participants.fetch_add(count - self.counted, Ordering::Relaxed);
        } else {
            self.load.fetch_sub(self.counted - count, Ordering::Relaxed);
            self.totals.participants.fetch_sub(self.counted - count, Ordering::Relaxed);
        }
        self.counted = count;
    }
}

/// Carries the requests of one socket to its room; ends with the session or the room.
async fn carry_requests(
    connection: ConnectionId,
    mut inbox: mpsc::Receiver<proto::SignalRequest>,
    room: mpsc::WeakSender<Request>,
) {
    while let Some(request) = inbox.recv().await {
        let Some(room) = room.upgrade() else { return };
        if room.send(Request::Signal { connection, request: Box::new(request) }).await.is_err() {
            return;
        }
    }
    if let Some(room) = room.upgrade() {
        // A room that has ended needs no notice.
        let _ = room.send(Request::Closed { connection }).await;
    }
}

fn now() -> Now {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), unix_ms: since_epoch.as_millis() as u64 }
}

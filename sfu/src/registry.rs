//! The table of rooms, and the shards they run on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::TryRngCore;
use sfu_core::certificate::Certificate;
use sfu_core::ids::Chance;
use sfu_core::media::Codec;
use sfu_core::room::{Admin, AdminError, Environment, RoomEvent, RoomInit, RoomOptions, state_mismatch};
use sfu_core::shard::ShardConfig;
use sfu_protocol::{Claims, Connect, proto};
use tokio::sync::{mpsc, oneshot};

use crate::address::host_addresses;
use crate::driver::{self, Report, ShardMessage, id_base};
use crate::room_task::{Request, RoomTask, Totals};
use crate::session::Session;
use crate::socket::Socket;
use crate::{Config, Counters, JoinError, StartError};

/// In order of preference; the first is the clients' fallback.
const CODECS: [Codec; 5] = [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1, Codec::Opus];
/// Longest time a room may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// Longest time rooms may take to say goodbye.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);
/// A room may end between being found and being asked.
const ATTEMPTS: usize = 3;

pub(crate) struct Registry {
    config: Config,
    certificate: Certificate,
    shards: Vec<ShardHandle>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    rooms: Mutex<HashMap<String, RoomHandle>>,
    next_room: AtomicU64,
    events: mpsc::Sender<RoomEvent>,
    totals: Arc<Totals>,
    closing: AtomicBool,
    /// Cloned into every room task: when all are gone, [`Registry::idle`] ends.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    idle: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

struct ShardHandle {
    messages: mpsc::Sender<ShardMessage>,
    candidates: Vec<SocketAddr>,
    report: Arc<Report>,
    load: Arc<AtomicUsize>,
    rooms: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct RoomHandle {
    id: u64,
    requests: mpsc::Sender<Request>,
}

impl Registry {
    pub(crate) fn start(config: Config, events: mpsc::Sender<RoomEvent>) -> Result<Registry, StartError> {
        let certificate = Certificate::generate().map_err(|error| {
            tracing::error!(%error, "no certificate");
            StartError::Certificate
        })?;
        let addresses = if config.advertise.is_empty() {
            host_addresses(config.bind).unwrap_or_default()
        } else {
            config.advertise.clone()
        };
        if addresses.is_empty() {
            return Err(StartError::NoAddress);
        }
        let count = match config.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let epoch = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let mut shards = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let port = match config.udp_port {
                0 => 0,
                first => first.saturating_add(index as u16),
            };
            let address = SocketAddr::new(config.bind, port);
            let bound = |source| StartError::Bind { address, source };
            let socket = Socket::bind(address).map_err(bound)?;
            let port = socket.local_addr().map_err(bound)?.port();
            let candidates: Vec<SocketAddr> = addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
            tracing::info!(shard = index, ?candidates, "media socket is open");
            let shard = ShardConfig {
                certificate: certificate.clone(),
                candidates: candidates.clone(),
                chance: chance(),
                epoch,
            };
            let report = Arc::new(Report::default());
            let (messages, thread) =
                driver::spawn(index, socket, shard, Arc::clone(&report)).map_err(StartError::Thread)?;
            threads.push(thread);
            shards.push(ShardHandle {
                messages,
                candidates,
                report,
                load: Arc::default(),
                rooms: Arc::default(),
            });
        }
        let (alive, idle) = mpsc::channel(1);
        Ok(Registry {
            config,
            certificate,
            shards,
            threads: Mutex::new(threads),
            rooms: Mutex::default(),
            next_room: AtomicU64::new(1),
            events,
            totals: Arc::default(),
            closing: AtomicBool::new(false),
            alive: Mutex::new(Some(alive)),
            idle: tokio::sync::Mutex::new(idle),
        })
    }

    pub(crate) async fn join(
        self: &Arc<Self>,
        options: RoomOptions,
        claims: Claims,
        connect: Connect,
    ) -> Result<Session, JoinError> {
        for _ in 0..ATTEMPTS {
            let room = if connect.reconnect.is_some() {
                self.find(&options.name)
            } else {
                Some(self.find_or_make(&options)?)
            };
            let Some(room) = room else { return Ok(Session::only(state_mismatch())) };
            let (reply, answer) = oneshot::channel();
            let request =
                Request::Join { claims: Box::new(claims.clone()), connect: Box::new(connect.clone()), reply };
            match ask(&room, request, answer).await {
                Some(Err(JoinError::Unavailable)) | None => {}
                Some(result) => return result,
            }
        }
        Err(JoinError::Unavailable)
    }

    pub(crate) async fn create_room(
        self: &Arc<Self>,
        options: RoomOptions,
    ) -> Result<proto::Room, JoinError> {
        for _ in 0..ATTEMPTS {
            let room = self.find_or_make(&options)?;
            let (reply, answer) = oneshot::channel();
            if let Some(info) = ask(&room, Request::Info { reply }, answer).await {
                return Ok(info);
            }
        }
        Err(JoinError::Unavailable)
    }

    pub(crate) async fn rooms(&self) -> Vec<proto::Room> {
        let handles: Vec<RoomHandle> = self.lock().values().cloned().collect();
        let mut infos = Vec::with_capacity(handles.len());
        for room in handles {
            let (reply, answer) = oneshot::channel();
            infos.extend(ask(&room, Request::Info { reply }, answer).await);
        }
        infos
    }

    pub(crate) async fn participants(&self, room: &str) -> Option<Vec<proto::ParticipantInfo>> {
        let (reply, answer) = oneshot::channel();
        ask(&self.find(room)?, Request::Participants { reply }, answer).await
    }

    pub(crate) async fn admin(&self, room: &str, command: Admin) -> Option<Result<(), AdminError>> {
        let (reply, answer) = oneshot::channel();
        ask(&self.find(room)?, Request::Admin { command, reply }, answer).await
    }

    pub(crate) fn counters(&self) -> Counters {
        let sum = |of: fn(&Report) -> u64| self.shards.iter().map(|shard| of(&shard.report)).sum::<u64>();
        Counters {
            rooms: self.lock().len(),
            participants: self.totals.participants.load(Ordering::Relaxed),
            shards: self.shards.iter().map(|shard| shard.report.counters()).collect(),
            unsent: sum(Report::unsent),
            dropped_events: sum(Report::dropped_events) + self.totals.dropped_data.load(Ordering::Relaxed),
            slow_clients: self.totals.slow_clients.load(Ordering::Relaxed),
            lost_room_events: self.totals.lost_room_events.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn candidates(&self) -> Vec<Vec<SocketAddr>> {
        self.shards.iter().map(|shard| shard.candidates.clone()).collect()
    }

    pub(crate) async fn shutdown(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let handles: Vec<RoomHandle> = self.lock().values().cloned().collect();
        for room in handles {
            let (reply, answer) = oneshot::channel();
            ask(&room, Request::Admin { command: Admin::Shutdown, reply }, answer).await;
        }
        drop(self.alive.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut idle = self.idle.lock().await;
        if tokio::time::timeout(SHUTDOWN_PATIENCE, idle.recv()).await.is_err() {
            tracing::warn!("some rooms did not end in time");
        }
        for shard in &self.shards {
            // A shard that is gone already needs no telling.
            let _ = shard.messages.send(ShardMessage::Stop).await;
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().all(|thread| thread.join().is_ok()));
        if !matches!(joined.await, Ok(true)) {
            tracing::error!("a media thread ended badly");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, RoomHandle>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Option<RoomHandle> {
        self.lock().get(name).filter(|room| !room.requests.is_closed()).cloned()
    }

    fn find_or_make(self: &Arc<Self>, options: &RoomOptions) -> Result<RoomHandle, JoinError> {
        let mut rooms = self.lock();
        if let Some(room) = rooms.get(&options.name).filter(|room| !room.requests.is_closed()) {
            return Ok(room.clone());
        }
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(alive) = alive.filter(|_| !self.closing.load(Ordering::SeqCst)) else {
            return Err(JoinError::ShuttingDown);
        };
        let by_load =
            |shard: &&ShardHandle| shard.load.load(Ordering::Relaxed) + shard.rooms.load(Ordering::Relaxed);
        let Some(shard) = self.shards.iter().min_by_key(by_load) else { return Err(JoinError::Unavailable) };
        let id = id_base(self.next_room.fetch_add(1, Ordering::Relaxed));
        let init = RoomInit {
            options: options.clone(),
            environment: self.environment(shard),
            id_base: id,
            chance: chance(),
        };
        let (task, requests, attach) = RoomTask::new(
            init,
            shard.messages.clone(),
            Arc::clone(&shard.load),
            self.events.clone(),
            Arc::clone(&self.totals),
        );
        let room = RoomHandle { id, requests };
        rooms.insert(options.name.clone(), room.clone());
        drop(rooms);
        let (registry, name, on_shard) = (Arc::clone(self), options.name.clone(), Arc::clone(&shard.rooms));
        on_shard.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            task.run(attach).await;
            on_shard.fetch_sub(1, Ordering::Relaxed);
            registry.forget(&name, id);
            drop(alive);
        });
        Ok(room)
    }

    /// Unless a new room of that name has taken the place.
    fn forget(&self, name: &str, id: u64) {
        let mut rooms = self.lock();
        if rooms.get(name).is_some_and(|room| room.id == id) {
            rooms.remove(name);
        }
    }

    fn environment(&self, shard: &ShardHandle) -> Environment {
        Environment {
            node_id: self.config.node_id.clone(),
            region: self.config.region.clone(),
            version: self.config.version.clone(),
            fingerprint: self.certificate.fingerprint().clone(),
            candidates: shard.candidates.clone(),
            codecs: CODECS.to_vec(),
            ice_servers: self.config.ice_servers.clone(),
        }
    }
}

/// `None` when the room has ended or takes too long.
async fn ask<T>(room: &RoomHandle, request: Request, answer: oneshot::Receiver<T>) -> Option<T> {
    let asked = async {
        room.requests.send(request).await.ok()?;
        answer.await.ok()
    };
    tokio::time::timeout(ANSWER_PATIENCE, asked).await.ok().flatten()
}

/// Seeded by the operating system.
fn chance() -> Chance {
    let mut seed = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut seed).expect("the operating system has random numbers");
    Chance::new(seed)
}

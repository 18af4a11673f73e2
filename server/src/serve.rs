//! Opens all parts of the process and takes them down in order, within a bounded time.
//!
//! Order of the end: participants are told, their sockets close, requests finish, what happened is
//! recorded, the database closes.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use sfu::Sfu;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::app::App;
use crate::clock::now_ms;
use crate::config::Config;
use crate::http::assets::Dist;
use crate::lifecycle;
use crate::store::{Store, StoreError};

/// Events of rooms that may wait to be recorded; the media server waits when there are more.
const EVENT_QUEUE: usize = 1024;
/// Longest time for each step of the end.
const STEP: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Media(#[from] sfu::StartError),
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
}

/// The process, open but not yet serving.
#[derive(Debug)]
pub struct Server {
    app: App,
    web: TcpListener,
    livekit: TcpListener,
    sockets_gone: mpsc::Receiver<()>,
    lifecycle: JoinHandle<()>,
    data_dir: PathBuf,
}

/// Opens the database, the media server and the ports.
pub async fn start(config: Config) -> Result<Server, StartError> {
    // Ports first: a second process on the same machine must not touch the database of the first.
    let web = listen(SocketAddr::new(config.http.bind, config.http.port)).await?;
    let livekit = listen(SocketAddr::new(config.http.bind, config.signalling.port)).await?;

    let store = Store::open(&config.storage.data_dir).await?;
    let api_key = config.initial.api_key.as_ref().map(|key| key.reveal());
    store.take_initial_values(api_key, now_ms()).await?;
    lifecycle::recover(&store).await?;

    let (events, happened) = mpsc::channel(EVENT_QUEUE);
    let sfu = Sfu::start(media_config(&config), events).await?;
    let lifecycle = tokio::spawn(lifecycle::follow(store.clone(), happened));

    let data_dir = config.storage.data_dir.clone();
    let data_dir = data_dir.canonicalize().unwrap_or(data_dir);
    let (app, sockets_gone) = App::new(config, store, sfu);
    Ok(Server { app, web, livekit, sockets_gone, lifecycle, data_dir })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

fn media_config(config: &Config) -> sfu::Config {
    sfu::Config {
        udp_port: config.media.udp_port,
        shards: 0,
        bind: config.http.bind,
        advertise: config.media.node_ips.clone(),
        node_id: format!("ND_{:012x}", rand::random::<u64>() & 0xffff_ffff_ffff),
        region: String::new(),
        version: LIVEKIT_VERSION.to_owned(),
        ice_servers: Vec::new(),
    }
}

/// Version of LiveKit that we speak like; clients refuse RPC below 1.8.0.
const LIVEKIT_VERSION: &str = "1.13.5";

impl Server {
    pub fn web_port(&self) -> u16 {
        port(&self.web)
    }

    pub fn livekit_port(&self) -> u16 {
        port(&self.livekit)
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Serves until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Server { app, web, livekit, mut sockets_gone, mut lifecycle, .. } = self;
        let (stopping, stopped) = watch::channel(false);
        let web = serve(web, crate::http::router::<Dist>(app.clone()), stopped.clone());
        let livekit = serve(livekit, crate::livekit::router(app.clone()), stopped);
        stop.await;

        let App { store, sfu, sockets, .. } = app;
        drop(sockets);
        step("media", sfu.shutdown()).await;
        drop(sfu);
        stopping.send_replace(true);
        step("requests", async {
            for task in [web, livekit] {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a port ended badly");
                }
            }
        })
        .await;
        // Every handler is gone, so the last of these handles is with a socket.
        step("sockets", async { while sockets_gone.recv().await.is_some() {} }).await;
        step("records", async {
            if let Err(error) = (&mut lifecycle).await {
                tracing::error!(%error, "the recorder of events ended badly");
            }
        })
        .await;
        lifecycle.abort();
        step("database", store.close()).await;
        tracing::info!("down");
    }
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}

fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let stopped = async move {
            // The other end is dropped only after it has said so.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "cannot serve");
        }
    })
}

async fn step(name: &str, work: impl Future<Output = ()>) {
    if timeout(STEP, work).await.is_err() {
        tracing::warn!("{name}: not done in time, going on without");
    }
}

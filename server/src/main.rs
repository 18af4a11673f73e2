//! Reads the environment, says where things are, serves until told to stop.

use std::io::IsTerminal;

use anyhow::Context;
use meet_server::config::{Config, Secret};
use meet_server::serve;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(&config.log.filter));
    tracing_subscriber::fmt()
        .with_env_filter(filter.context("log filter")?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let server = serve::start(config.clone()).await?;
    greet(&config, &server);
    server.run(told_to_stop()).await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what the user of the program is to see")]
fn greet(config: &Config, server: &serve::Server) {
    let key = match &config.initial.api_key {
        Some(key) => shown(key, "meet-api-key"),
        None => "none yet",
    };
    let web = match &config.http.base_url {
        Some(url) => url.clone(),
        None => format!("http://localhost:{}", server.web_port()),
    };
    println!("OpenVidu Meet {}", env!("CARGO_PKG_VERSION"));
    println!("  App and REST API  {web}");
    println!(
        "  LiveKit API       ws://localhost:{} (key {})",
        server.livekit_port(),
        config.signalling.api_key
    );
    println!(
        "  Administrator     {} / {}",
        config.initial.admin_user,
        shown(&config.initial.admin_password, "admin")
    );
    println!("  API key           {key}");
    println!("  Data              {}", server.data_dir().display());
}

/// Only a well-known default is shown in clear.
fn shown<'a>(secret: &Secret, default: &'a str) -> &'a str {
    if secret.reveal() == default { default } else { "(as configured at the first start)" }
}

/// Ends with SIGINT or SIGTERM.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: shutting down"),
        result = tokio::signal::ctrl_c() => match result {
            Ok(()) => tracing::info!("SIGINT: shutting down"),
            Err(error) => tracing::error!(%error, "no signals: shutting down"),
        },
    }
}

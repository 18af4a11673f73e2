//! `run` and `dev`: the product on this machine.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{RecursiveMode, Watcher};

use crate::bundle::{self, Profile};
use crate::checkout::Checkout;
use crate::process::{cargo, loudly};
use crate::setup;

const SERVER: &str = "meet-server";

/// An editor saves in several steps; changes this close together are one.
const QUIET: Duration = Duration::from_millis(300);

/// Becomes the server: signals and the exit code are its own.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<()> {
    setup::for_build(checkout)?;
    bundle::build(checkout, Profile::Release, false)?;
    eprintln!("server: building");
    let error =
        cargo(&checkout.root).args(["run", "--release", "--package", SERVER, "--"]).args(arguments).exec();
    Err(error).context("cannot start cargo")
}

/// Builds and serves; after a change of a source file builds what it touches and serves that.
pub(crate) fn dev(checkout: &Checkout, arguments: &[String]) -> Result<()> {
    setup::for_build(checkout)?;
    let app = folders(checkout, "meet-app", &["style", "public"])?;
    let server = folders(checkout, SERVER, &[])?;

    let (sender, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !event.kind.is_access()
        {
            // The receiver is gone only when xtask ends.
            let _ = sender.send(event.paths);
        }
    })
    .context("cannot watch files")?;
    for folder in app.iter().chain(&server).filter(|folder| folder.is_dir()) {
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .with_context(|| format!("cannot watch {}", folder.display()))?;
    }

    let mut running: Option<Running> = None;
    let (mut app_changed, mut server_changed) = (true, true);
    loop {
        if app_changed && let Err(error) = bundle::build(checkout, Profile::Dev, false) {
            eprintln!("{error:#}");
        }
        if server_changed {
            match loudly("the server's build", cargo(&checkout.root).args(["build", "--package", SERVER])) {
                Ok(()) => {
                    // The old one must give up its ports first.
                    drop(running.take());
                    running = Some(Running::start(checkout, arguments)?);
                }
                Err(error) => eprintln!("{error:#}"),
            }
        }
        eprintln!("waiting for changes");
        let Some(changed) = next_changes(&changes) else { return Ok(()) };
        app_changed = changed.iter().any(|path| is_below(path, &app));
        server_changed = changed.iter().any(|path| is_below(path, &server));
    }
}

fn folders(checkout: &Checkout, package: &str, more: &[&str]) -> Result<Vec<PathBuf>> {
    let mut folders = checkout.source_folders(package)?;
    folders.extend(more.iter().map(|name| checkout.path(name)));
    Ok(folders)
}

fn is_below(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Blocks until something changed and then was quiet; `None` when the watcher is gone.
fn next_changes(changes: &Receiver<Vec<PathBuf>>) -> Option<Vec<PathBuf>> {
    let mut changed = changes.recv().ok()?;
    loop {
        match changes.recv_timeout(QUIET) {
            Ok(paths) => changed.extend(paths),
            Err(RecvTimeoutError::Timeout) => return Some(changed),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// The debug server; stopped when dropped.
struct Running(Child);

impl Running {
    fn start(checkout: &Checkout, arguments: &[String]) -> Result<Self> {
        let program = checkout.target().join("debug").join(SERVER);
        let child = Command::new(&program)
            .args(arguments)
            .current_dir(&checkout.root)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM lets it say goodbye to its participants; `Child::kill` would not.
        let asked =
            Command::new("kill").arg(self.0.id().to_string()).status().is_ok_and(|status| status.success());
        if !asked {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

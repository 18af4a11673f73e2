//! Running other programs: quietly with a sign of life, or loudly, and finding them.
//!
//! Invariant: a function that starts a child returns only after the child has ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
const LINES_OF_LOG: usize = 40;

/// Path of a program on `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Standard output of a short command, trimmed; `None` when it fails or does not exist.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `12 s` or `3 min 4 s`.
pub(crate) fn spent(since: Instant) -> String {
    let seconds = since.elapsed().as_secs();
    match seconds / 60 {
        0 => format!("{:.1} s", since.elapsed().as_secs_f64()),
        minutes => format!("{minutes} min {} s", seconds % 60),
    }
}

/// Runs a command whose output matters only when it fails: it goes to a log in `logs`, whose end is
/// shown on failure. A line every 15 seconds says that it is still at work.
pub(crate) fn quietly(title: &str, logs: &Path, command: &mut Command) -> Result<()> {
    let start = Instant::now();
    eprintln!("{title} ...");
    let name: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let log = logs.join(format!("{name}.log"));
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let status = wait_with_signs(title, start, command)?;
    if status.success() {
        eprintln!("{title}: done in {}", spent(start));
        return Ok(());
    }
    let text = fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(LINES_OF_LOG)..] {
        eprintln!("    {line}");
    }
    bail!("{title} failed ({status}); its whole output is in {}", log.display())
}

fn wait_with_signs(title: &str, start: Instant, command: &mut Command) -> Result<ExitStatus> {
    let mut child = command.spawn().with_context(|| format!("cannot start {}", shown(command)))?;
    let (done, ended) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || done.send(child.wait()));
        loop {
            match ended.recv_timeout(SIGN_OF_LIFE) {
                Ok(status) => return status.with_context(|| format!("cannot wait for {title}")),
                Err(RecvTimeoutError::Timeout) => eprintln!("{title}: still at work after {}", spent(start)),
                Err(RecvTimeoutError::Disconnected) => bail!("lost sight of {title}"),
            }
        }
    })
}

/// Runs a command that shows its own progress.
pub(crate) fn loudly(title: &str, command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{title} failed ({status}): {}", shown(command));
    }
    Ok(())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The cargo that runs us, in the checkout.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What `cargo run` set for xtask itself would make cargo rebuild crates that look at it.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name.as_ref());
        }
    }
    command
}

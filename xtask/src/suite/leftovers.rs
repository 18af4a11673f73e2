//! Ends what a browser test left behind when it was itself ended too early to do so.
//!
//! The tests note each process they start as a line `<pid> <start time>` (field 22 of
//! `/proc/<pid>/stat`): a pid that was given to another program since then has another start time.

use std::fs;
use std::path::Path;
use std::process::Command;

pub(super) fn end(list: &Path) {
    let Ok(lines) = fs::read_to_string(list) else { return };
    for line in lines.lines() {
        let Some((pid, started)) = line.split_once(' ') else { continue };
        if start_time(pid).is_some_and(|now| now == started) {
            eprintln!("ending process {pid}, left by a test");
            // It may end by itself in between.
            let _ = Command::new("kill").args(["-KILL", pid]).status();
        }
    }
    let _ = fs::remove_file(list);
}

fn start_time(pid: &str) -> Option<String> {
    let pid: u32 = pid.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain blanks; what follows is field 3 and up.
    stat.rsplit_once(')')?.1.split_whitespace().nth(22 - 3).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_process_is_ended_and_a_reused_pid_is_not() {
        let mut ours = Command::new("sleep").arg("600").spawn().unwrap();
        let mut other = Command::new("sleep").arg("600").spawn().unwrap();
        let started = start_time(&ours.id().to_string()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("pids");
        fs::write(&list, format!("{} {started}\n{} 1\n", ours.id(), other.id())).unwrap();
        end(&list);
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(!list.exists());
    }
}

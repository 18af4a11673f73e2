//! How many tests a runner ran, read from its closing lines.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::shown;

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Counts {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
}

impl Counts {
    pub(super) fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Runs a test runner, passes its output on and adds up what `of_line` sees in it.
pub(super) fn counted(command: &mut Command, of_line: fn(&str) -> Option<Counts>) -> Result<Counts> {
    command.stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {}", shown(command)))?;
    let output = child.stdout.take().context("its output is piped")?;
    let mut counts = Counts::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(more) = of_line(&line) {
            counts.add(more);
        }
    }
    let status = child.wait()?;
    if counts == Counts::default() {
        bail!("no test was run ({status}): {}", shown(command));
    }
    // A build that fails for one crate leaves the others' tests passing.
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; ...`
pub(super) fn of_cargo(line: &str) -> Option<Counts> {
    let result = line.strip_prefix("test result: ")?;
    let (_, numbers) = result.split_once(". ")?;
    let mut counts = Counts::default();
    for part in numbers.split("; ") {
        let (number, what) = part.split_once(' ')?;
        let Ok(number) = number.parse() else { continue };
        match what {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.skipped = number,
            _ => {}
        }
    }
    Some(counts)
}

/// `ℹ pass 3`, `ℹ fail 0`, `ℹ skipped 1`: one line each.
pub(super) fn of_node(line: &str) -> Option<Counts> {
    let mut words = line.trim_start_matches(['ℹ', '#']).split_whitespace();
    let (what, number) = (words.next()?, words.next()?.parse().ok()?);
    if words.next().is_some() || !line.starts_with(['ℹ', '#']) {
        return None;
    }
    match what {
        "pass" => Some(Counts { passed: number, ..Counts::default() }),
        "fail" | "cancelled" => Some(Counts { failed: number, ..Counts::default() }),
        "skipped" => Some(Counts { skipped: number, ..Counts::default() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let line = "test result: FAILED. 41 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.5s";
        assert_eq!(of_cargo(line), Some(Counts { passed: 41, failed: 2, skipped: 1 }));
        assert_eq!(of_cargo("test room::joins ... ok"), None);
        assert_eq!(of_node("ℹ pass 12"), Some(Counts { passed: 12, ..Counts::default() }));
        assert_eq!(of_node("# fail 1"), Some(Counts { failed: 1, ..Counts::default() }));
        assert_eq!(of_node("ℹ duration_ms 12.5"), None);
        assert_eq!(of_node("pass 12"), None);
    }

    #[test]
    fn a_runner_that_ran_nothing_has_failed() {
        assert!(counted(Command::new("echo").arg("hello"), of_cargo).is_err());
    }

    #[test]
    fn a_bad_exit_code_is_a_failure_even_without_a_failed_test() {
        let script = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'; exit 7";
        let counts = counted(Command::new("sh").args(["-c", script]), of_cargo).unwrap();
        assert_eq!(counts, Counts { passed: 3, failed: 1, skipped: 0 });
    }
}

//! `test`: every check and test of the product, each timed; and `bench`.
//!
//! Invariant: all stages run even when one fails, except those that need what a failed one builds, and
//! nothing that was started is left running.

mod counts;
mod leftovers;

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::bundle::{self, Profile};
use crate::checkout::Checkout;
use crate::process::{cargo, loudly, spent};
use crate::{setup, tidy};
use counts::{Counts, counted};

/// A stage and what it does; the tests that it counted, or one for a check that passed.
struct Stage {
    name: &'static str,
    /// A later stage is pointless when this one failed.
    builds: bool,
    run: fn(&Checkout) -> Result<Counts>,
}

const STAGES: [Stage; 10] = [
    Stage { name: "setup", builds: true, run: |checkout| check(setup::for_tests(checkout)) },
    Stage { name: "format", builds: false, run: |checkout| check(format(checkout)) },
    Stage { name: "tidy", builds: false, run: |checkout| check(tidy::run(checkout)) },
    Stage { name: "clippy", builds: false, run: |checkout| check(clippy(checkout)) },
    Stage { name: "clippy-app", builds: false, run: |checkout| check(clippy_app(checkout)) },
    Stage { name: "deny", builds: false, run: |checkout| check(deny(checkout)) },
    Stage { name: "rust", builds: false, run: rust_tests },
    Stage {
        name: "app",
        builds: true,
        run: |checkout| check(bundle::build(checkout, Profile::Release, false)),
    },
    Stage { name: "server", builds: true, run: |checkout| check(release_server(checkout)) },
    Stage { name: "browser", builds: false, run: browser_tests },
];

pub(crate) fn run(checkout: &Checkout, only: &[String]) -> Result<()> {
    for name in only {
        if !STAGES.iter().any(|stage| stage.name == name) {
            let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
            bail!("there is no stage `{name}`; the stages are {}", names.join(", "));
        }
    }
    let start = Instant::now();
    let mut lines = Vec::new();
    let mut total = Counts::default();
    for stage in STAGES.iter().filter(|stage| only.is_empty() || only.iter().any(|name| name == stage.name)) {
        println!("\n=== {} ===", stage.name);
        let stage_start = Instant::now();
        let (counts, failed) = match (stage.run)(checkout) {
            Ok(counts) => (counts, counts.failed > 0),
            Err(error) => {
                println!("error: {error:#}");
                (Counts { failed: 1, ..Counts::default() }, true)
            }
        };
        total.add(counts);
        lines.push(format!("{:<11} {:>14}  {counts}", stage.name, spent(stage_start)));
        if failed && stage.builds {
            lines.push("the rest was not run: it needs what this stage builds".to_owned());
            break;
        }
    }
    println!("\n=== summary, {} ===", spent(start));
    for line in lines {
        println!("{line}");
    }
    println!("{total}");
    if total.failed > 0 {
        bail!("not everything passed");
    }
    Ok(())
}

pub(crate) fn bench(checkout: &Checkout, arguments: &[String]) -> Result<()> {
    loudly("the benchmark", cargo(&checkout.root).args(["bench", "--package", "sfu-core"]).args(arguments))
}

/// A check counts as one test.
fn check(outcome: Result<()>) -> Result<Counts> {
    outcome.map(|()| Counts { passed: 1, ..Counts::default() })
}

fn format(checkout: &Checkout) -> Result<()> {
    loudly("the format check", cargo(&checkout.root).args(["fmt", "--all", "--check"]))
}

fn clippy(checkout: &Checkout) -> Result<()> {
    let mut command = cargo(&checkout.root);
    command.args(["clippy", "--workspace", "--exclude", "meet-app", "--all-targets", "--", "-D", "warnings"]);
    loudly("clippy", &mut command)
}

fn clippy_app(checkout: &Checkout) -> Result<()> {
    let mut command = cargo(&checkout.root);
    command.args([
        "clippy",
        "--package",
        "meet-app",
        "--target",
        "wasm32-unknown-unknown",
        "--",
        "-D",
        "warnings",
    ]);
    loudly("clippy of the web app", &mut command)
}

/// Advisories need a database that is not on a registry: see deny.toml.
fn deny(checkout: &Checkout) -> Result<()> {
    loudly("cargo deny", cargo(&checkout.root).args(["deny", "check", "licenses", "bans", "sources"]))
}

fn rust_tests(checkout: &Checkout) -> Result<Counts> {
    counted(cargo(&checkout.root).args(["test", "--workspace", "--no-fail-fast"]), counts::of_cargo)
}

fn release_server(checkout: &Checkout) -> Result<()> {
    loudly(
        "the server's build",
        cargo(&checkout.root).args(["build", "--release", "--package", "meet-server"]),
    )
}

fn browser_tests(checkout: &Checkout) -> Result<Counts> {
    let folder = checkout.playwright();
    let outcome = counted(
        Command::new("node")
            .arg("run.mjs")
            .current_dir(&folder)
            .env("MEET_SERVER", checkout.target().join("release/meet-server"))
            .env("MEET_PYTHON", setup::python_interpreter(checkout)),
        counts::of_node,
    );
    leftovers::end(&folder.join("test-results/pids"));
    outcome
}

//! Set-up, build, run and test of the whole product: `cargo xtask <command>`.
//!
//! Every command works from a clean clone: what is missing is installed first, long steps show that
//! they are alive, and a failure ends with one sentence that says what to do.

mod bundle;
mod checkout;
mod process;
mod serve;
mod setup;
mod size;
mod suite;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::bundle::Profile;
use crate::checkout::Checkout;

const USAGE: &str = "\
cargo xtask <command>

  run [args]       install what is missing, build the app, serve it (args go to meet-server)
  dev [args]       the same with quick builds, again after each change of a source file
  test [stages]    every check and test; or only the named stages
  build [--dev] [--force]
                   build the web app into dist/ (--dev: quick, not minimised)
  setup [--tests]  only install what is missing (--tests: also what the tests need)
  bench            benchmark of the packet path
  size             size of the app and of the server binary
  tidy             rules of the house that no compiler checks";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((command, rest)) = arguments.split_first() else {
        bail!("no command given\n\n{USAGE}");
    };
    let checkout = Checkout::find()?;
    match command.as_str() {
        "run" => serve::run(&checkout, rest),
        "dev" => serve::dev(&checkout, rest),
        "test" => suite::run(&checkout, rest),
        "build" => {
            let mut profile = Profile::Release;
            let mut force = false;
            for option in rest {
                match option.as_str() {
                    "--dev" => profile = Profile::Dev,
                    "--force" => force = true,
                    other => bail!("build does not know `{other}`\n\n{USAGE}"),
                }
            }
            setup::for_build(&checkout)?;
            bundle::build(&checkout, profile, force)
        }
        "setup" => match rest {
            [] => setup::for_build(&checkout),
            [option] if option == "--tests" => setup::for_tests(&checkout),
            _ => bail!("setup knows only `--tests`\n\n{USAGE}"),
        },
        "bench" => suite::bench(&checkout, rest),
        "size" => size::print(&checkout),
        "tidy" => tidy::run(&checkout),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}

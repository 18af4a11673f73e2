//! Rust to WebAssembly and its JavaScript.
//!
//! Without wasm-opt: it gains little after compression, and Debian's version does not know every
//! instruction that rustc uses (`table.fill`).

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::{Message, TargetKind};
use wasm_bindgen_cli_support::Bindgen;

use super::{APP, Profile, short_digest};
use crate::checkout::Checkout;
use crate::process::cargo;

const TARGET: &str = "wasm32-unknown-unknown";

/// Puts the program into `out`; answers the tags that load it.
pub(super) fn build(checkout: &Checkout, profile: Profile, out: &Path) -> Result<String> {
    let compiled = compile(checkout, profile)?;
    eprintln!("web app: making the JavaScript side");
    let bindings = out.join(".bindings");
    bind(&compiled, profile, &bindings)?;
    let wasm = bindings.join(format!("{APP}_bg.wasm"));

    let module = fs::read(bindings.join(format!("{APP}.js")))?;
    let program = fs::read(&wasm)?;
    let name = format!("{APP}-{}", short_digest(&[&module[..], &program].concat()));
    fs::rename(bindings.join(format!("{APP}.js")), out.join(format!("{name}.js")))?;
    fs::rename(&wasm, out.join(format!("{name}_bg.wasm")))?;
    let snippets = bindings.join("snippets");
    if snippets.is_dir() {
        fs::rename(&snippets, out.join("snippets"))?;
    }
    fs::remove_dir_all(&bindings)?;
    Ok(loader(&name))
}

/// The same tags and event as trunk's.
fn loader(name: &str) -> String {
    format!(
        r#"<link rel="modulepreload" href="/{name}.js" crossorigin="anonymous">
<link rel="preload" href="/{name}_bg.wasm" crossorigin="anonymous" as="fetch" type="application/wasm">
<script type="module">
import init, * as bindings from '/{name}.js';
const wasm = await init({{ module_or_path: '/{name}_bg.wasm' }});
window.wasmBindings = bindings;
dispatchEvent(new CustomEvent("TrunkApplicationStarted", {{ detail: {{ wasm }} }}));
</script>"#
    )
}

fn compile(checkout: &Checkout, profile: Profile) -> Result<PathBuf> {
    let package = checkout.package(APP)?;
    let is_program = package.targets.iter().any(|target| target.kind.contains(&TargetKind::Bin));
    let mut command = cargo(&checkout.root);
    command
        .args(["build", "--package", APP, "--target", TARGET, "--profile", profile.cargo()])
        .arg(if is_program { "--bins" } else { "--lib" })
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo's output is piped")?;
    let mut wasm = None;
    for message in Message::parse_stream(BufReader::new(output)) {
        if let Message::CompilerArtifact(artifact) = message.context("cannot read cargo's messages")?
            && artifact.package_id == package.id
        {
            wasm = artifact.filenames.into_iter().find(|file| file.extension() == Some("wasm")).or(wasm);
        }
    }
    if !child.wait()?.success() {
        bail!("the web app does not compile");
    }
    wasm.map(Into::into)
        .with_context(|| format!("{APP} has neither a program nor a cdylib to run in a browser"))
}

fn bind(wasm: &Path, profile: Profile, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .web(true)
        .map_err(|error| anyhow!("{error:#}"))?
        .input_path(wasm)
        .out_name(APP)
        .typescript(false)
        .keep_debug(profile == Profile::Dev)
        .remove_name_section(profile == Profile::Release)
        .remove_producers_section(profile == Profile::Release);
    bindgen.generate(out).map_err(|error| anyhow!("wasm-bindgen: {error:#}"))
}

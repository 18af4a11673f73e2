//! Rebuilds the crate when the app it embeds was built anew. Debug builds read the app's files at
//! run time, so only release builds need to look.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../dist");
    }
}

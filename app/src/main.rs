//! Entry point of the browser bundle.

fn main() {
    meet_app::start();
}

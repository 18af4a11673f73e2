//! Prints the script of the element; the build puts it at `dist/v1/openvidu-meet.js`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(openvidu_meet_element::script().as_bytes())
}

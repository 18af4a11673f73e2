//! The media ports.

use std::net::IpAddr;

use super::{ConfigError, Reader};

#[derive(Clone, Debug)]
pub struct Media {
    /// First UDP port; one per shard, counting up. 0 lets the system choose.
    pub udp_port: u16,
    /// Addresses to advertise instead of those of every interface.
    pub node_ips: Vec<IpAddr>,
}

impl Media {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Media, ConfigError> {
        let expected = "a comma-separated list of IP addresses";
        Ok(Media {
            udp_port: reader.port("LIVEKIT_UDP_PORT", 7882)?,
            node_ips: reader.parsed("LIVEKIT_NODE_IP", expected, Vec::new(), |text| {
                text.split(',').map(|part| part.trim().parse().ok()).collect()
            })?,
        })
    }
}

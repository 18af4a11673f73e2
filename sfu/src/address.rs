//! Which addresses clients are told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of this host that a socket bound to `bind` can be reached at, best first: loopback
/// comes last (Firefox never tries it), link-local ones are left out.
pub(crate) fn host_addresses(bind: IpAddr) -> std::io::Result<Vec<IpAddr>> {
    if !bind.is_unspecified() {
        return Ok(vec![bind]);
    }
    let found = if_addrs::get_if_addrs()?.into_iter().map(|interface| interface.ip());
    Ok(order(found.collect(), bind))
}

fn order(mut addresses: Vec<IpAddr>, bind: IpAddr) -> Vec<IpAddr> {
    addresses.retain(|address| address.is_ipv4() == bind.is_ipv4() && !is_link_local(*address));
    // Stable: interfaces keep their order.
    addresses.sort_by_key(|address| address.is_loopback());
    let mut seen = Vec::new();
    addresses.retain(|address| {
        let new = !seen.contains(address);
        seen.push(*address);
        new
    });
    addresses
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => Ipv4Addr::is_link_local(&address),
        IpAddr::V6(address) => Ipv6Addr::is_unicast_link_local(&address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_last_and_link_local_left_out() {
        let addresses = ["127.0.0.1", "169.254.1.1", "10.0.0.1", "::1", "10.0.0.1", "192.0.2.1"];
        let addresses = addresses.map(|text| text.parse().unwrap()).to_vec();
        let ordered: Vec<String> =
            order(addresses, IpAddr::V4(Ipv4Addr::UNSPECIFIED)).iter().map(IpAddr::to_string).collect();
        assert_eq!(ordered, ["10.0.0.1", "192.0.2.1", "127.0.0.1"]);
    }

    #[test]
    fn bound_address_is_the_only_one() {
        let bound = "192.0.2.7".parse().unwrap();
        assert_eq!(host_addresses(bound).unwrap(), [bound]);
    }
}

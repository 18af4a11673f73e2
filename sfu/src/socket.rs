//! A UDP socket with the kernel's batching: segmented sends (`UDP_SEGMENT`), `recvmmsg` and `UDP_GRO`.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use sfu_core::media::Transmit;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Asked of the kernel, which may grant less.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Room for one datagram.
const DATAGRAM_BYTES: usize = 1500;
/// Entries of the source table before it is started anew; anyone can add some by spoofing.
const MAX_SOURCES: usize = 65_536;

pub struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    port: u16,
    buffers: Vec<Vec<u8>>,
    /// Which of our addresses a client talks to: answers must come from there.
    sources: HashMap<SocketAddr, IpAddr>,
    unsent: u64,
}

impl Socket {
    /// Binds without a runtime; [`Socket::new`] then runs inside the shard's.
    pub fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
        let socket = std::net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    pub fn new(socket: std::net::UdpSocket) -> io::Result<Socket> {
        let port = socket.local_addr()?.port();
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // Smaller buffers than asked for only cost packets under load.
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), BUFFER_BYTES);
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), BUFFER_BYTES);
        let buffers = (0..BATCH_SIZE).map(|_| vec![0; DATAGRAM_BYTES * state.gro_segments()]).collect();
        let io = UdpSocket::from_std(socket)?;
        Ok(Socket { io, state, port, buffers, sources: HashMap::new(), unsent: 0 })
    }

    pub async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Takes one batch: calls `each` with source, our address and datagram. False when nothing is left.
    pub fn receive(&mut self, mut each: impl FnMut(SocketAddr, SocketAddr, &mut [u8])) -> io::Result<bool> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut slices = self.buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer));
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
        let (io, state) = (&self.io, &self.state);
        let received =
            io.try_io(Interest::READABLE, || state.recv(UdpSockRef::from(io), &mut slices, &mut metas));
        let count = match received {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        for (meta, slice) in metas.iter().zip(&mut slices).take(count) {
            let stride = meta.stride.max(1);
            let local = meta.dst_ip.map(|ip| SocketAddr::new(ip, self.port));
            let Some(local) = local else { continue };
            for datagram in slice[..meta.len].chunks_mut(stride) {
                if is_stun(datagram) {
                    remember(&mut self.sources, meta.addr, local.ip());
                }
                each(meta.addr, local, datagram);
            }
        }
        Ok(true)
    }

    /// Sends or drops: the kernel's buffer is the only queue.
    pub fn send(&mut self, transmit: &Transmit<'_>) {
        let src_ip = self.sources.get(&transmit.destination).copied();
        let segmented = transmit.segment_size.filter(|_| self.state.max_gso_segments() > 1);
        if (segmented.is_some() || transmit.segment_size.is_none())
            && self.send_one(transmit.destination, transmit.payload, segmented, src_ip).is_ok()
        {
            return;
        }
        let Some(size) = transmit.segment_size else {
            self.unsent += 1;
            return;
        };
        for datagram in transmit.payload.chunks(size.max(1)) {
            if self.send_one(transmit.destination, datagram, None, src_ip).is_err() {
                self.unsent += 1;
            }
        }
    }

    /// Datagrams that the kernel did not take.
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    fn send_one(
        &self,
        destination: SocketAddr,
        contents: &[u8],
        segment_size: Option<usize>,
        src_ip: Option<IpAddr>,
    ) -> io::Result<()> {
        let transmit = quinn_udp::Transmit { destination, ecn: None, contents, segment_size, src_ip };
        self.io.try_io(Interest::WRITABLE, || self.state.try_send(UdpSockRef::from(&self.io), &transmit))
    }
}

/// RFC 7983.
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

fn remember(sources: &mut HashMap<SocketAddr, IpAddr>, client: SocketAddr, ours: IpAddr) {
    if sources.get(&client) == Some(&ours) {
        return;
    }
    if sources.len() >= MAX_SOURCES {
        sources.clear();
    }
    sources.insert(client, ours);
}

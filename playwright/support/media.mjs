// What a page really receives, from getStats of its peer connections.

/** Runs in each page before its own scripts: keeps the peer connections it makes. */
export function recordPeers() {
  const Native = window.RTCPeerConnection;
  if (!Native) return;
  window.testPeers = [];
  window.RTCPeerConnection = new Proxy(Native, {
    construct(target, args, newTarget) {
      const peer = Reflect.construct(target, args, newTarget);
      window.testPeers.push(peer);
      return peer;
    },
  });
}

/** Peer connections of the page that are not closed. */
export function openPeers(page) {
  return page.evaluate(() => window.testPeers.filter((peer) => peer.connectionState !== 'closed').length);
}

/** Inbound streams: `{kind, track, frames, energy, bytes, lost, codec}` each. */
export function inbound(page) {
  return page.evaluate(async () => {
    const streams = [];
    for (const peer of window.testPeers) {
      if (peer.connectionState === 'closed') continue;
      const report = await peer.getStats();
      for (const entry of report.values()) {
        if (entry.type !== 'inbound-rtp') continue;
        streams.push({
          kind: entry.kind,
          track: entry.trackIdentifier,
          frames: entry.framesDecoded ?? 0,
          energy: entry.totalAudioEnergy ?? 0,
          bytes: entry.bytesReceived ?? 0,
          lost: entry.packetsLost ?? 0,
          codec: report.get(entry.codecId)?.mimeType,
        });
      }
    }
    return streams;
  });
}

/** Video frames decoded by the page, of all senders. */
export async function framesDecoded(page) {
  return (await inbound(page)).filter((stream) => stream.kind === 'video').reduce((sum, stream) => sum + stream.frames, 0);
}

/** Energy of the sound that the page played, of all senders; it stands still in silence. */
export async function audioEnergy(page) {
  return (await inbound(page)).filter((stream) => stream.kind === 'audio').reduce((sum, stream) => sum + stream.energy, 0);
}

/** Outbound streams: `{kind, rid, frames, bytes, codec}` each. */
export function outbound(page) {
  return page.evaluate(async () => {
    const streams = [];
    for (const peer of window.testPeers) {
      if (peer.connectionState === 'closed') continue;
      const report = await peer.getStats();
      for (const entry of report.values()) {
        if (entry.type !== 'outbound-rtp') continue;
        streams.push({
          kind: entry.kind,
          rid: entry.rid,
          frames: entry.framesEncoded ?? 0,
          bytes: entry.bytesSent ?? 0,
          codec: report.get(entry.codecId)?.mimeType,
        });
      }
    }
    return streams;
  });
}

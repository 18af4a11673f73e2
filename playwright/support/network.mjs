// A network of its own for one browser, which a test can break: a namespace joined to this machine by a
// pair of virtual interfaces. Needs root.

import { execFileSync } from 'node:child_process';

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });

/** A locally administered hardware address without an owner. */
const NOBODY = '02:00:00:00:00:99';

export const mayMakeNetworks = process.getuid?.() === 0;

export class Network {
  /** The server must be started after this, so that it finds the new interface. */
  constructor() {
    const id = process.pid % 100_000;
    this.namespace = `meet-${id}`;
    this.outside = `mo${id}`;
    this.inside = `mi${id}`;
    // A /30 of its own out of a block that is for testing between networks (RFC 2544).
    const net = `198.18.${(id >> 6) & 255}`;
    const base = (id & 63) * 4;
    this.hostAddress = `${net}.${base + 1}`;
    this.insideAddress = `${net}.${base + 2}`;
    ip('netns', 'add', this.namespace);
    try {
      ip('link', 'add', this.outside, 'type', 'veth', 'peer', 'name', this.inside, 'netns', this.namespace);
      ip('addr', 'add', `${this.hostAddress}/30`, 'dev', this.outside);
      ip('link', 'set', this.outside, 'up');
      ip('-n', this.namespace, 'addr', 'add', `${this.insideAddress}/30`, 'dev', this.inside);
      ip('-n', this.namespace, 'link', 'set', 'lo', 'up');
      ip('-n', this.namespace, 'link', 'set', this.inside, 'up');
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /**
   * Loses everything in both directions without telling anybody, as a dead router does: each side
   * sends to a hardware address that nobody has.
   */
  silence() {
    ip('neigh', 'replace', this.insideAddress, 'lladdr', NOBODY, 'dev', this.outside, 'nud', 'permanent');
    ip('-n', this.namespace, 'neigh', 'replace', this.hostAddress, 'lladdr', NOBODY, 'dev', this.inside, 'nud', 'permanent');
  }

  endSilence() {
    ip('neigh', 'del', this.insideAddress, 'dev', this.outside);
    ip('-n', this.namespace, 'neigh', 'del', this.hostAddress, 'dev', this.inside);
  }

  /** Takes the interface down: the browser learns that it is offline. */
  unplug() {
    ip('-n', this.namespace, 'link', 'set', this.inside, 'down');
  }

  plug() {
    ip('-n', this.namespace, 'link', 'set', this.inside, 'up');
  }

  remove() {
    // Removing the namespace removes its interface and so the pair.
    ip('netns', 'del', this.namespace);
  }
}

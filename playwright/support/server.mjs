// The product under test: the release server on free ports with a data folder of its own.

import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { hasEnded, RESULTS, start, stop } from './processes.mjs';
import { accessToken } from './token.mjs';
import { until } from './wait.mjs';

const PROGRAM = process.env.MEET_SERVER ?? path.resolve(RESULTS, '../../target/release/meet-server');

export const API_KEY = 'meet-api-key';

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise((resolve, reject) => {
      const server = net.createServer().once('error', reject).listen(0, '0.0.0.0', () => resolve(server));
    })),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

let servers = 0;

export class Server {
  /** Starts a server and waits until it answers. `env` adds to or replaces its settings. */
  static async start(env = {}, { everyMs } = {}) {
    const [port, livekitPort] = await freePorts(2);
    const data = mkdtempSync(path.join(os.tmpdir(), 'meet-test-'));
    servers += 1;
    const log = path.join(RESULTS, `server-${process.pid}-${servers}.log`);
    const settings = {
      PATH: process.env.PATH,
      HOME: data,
      SERVER_PORT: String(port),
      LIVEKIT_PORT: String(livekitPort),
      LIVEKIT_UDP_PORT: '0',
      MEET_DATA_DIR: data,
      MEET_INITIAL_API_KEY: API_KEY,
      ...env,
    };
    const since = performance.now();
    const child = start(PROGRAM, [], { env: settings, cwd: data, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = createWriteStream(log);
    child.stdout?.pipe(output, { end: false });
    child.stderr?.pipe(output, { end: false });
    const server = new Server({ child, data, port, livekitPort, log, output });
    try {
      await until(`${PROGRAM} answers (log: ${log})`, async () => {
        if (hasEnded(child)) return { gone: true };
        return (await fetch(`${server.url}/health`)).ok;
      }, undefined, everyMs);
      server.startedInMs = performance.now() - since;
      if (hasEnded(child)) throw new Error(`${PROGRAM} does not start: see ${log}`);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  constructor(fields) {
    Object.assign(this, fields);
    this.url = `http://127.0.0.1:${this.port}`;
    this.livekitUrl = `ws://127.0.0.1:${this.livekitPort}`;
  }

  /** Calls the REST API; answers `{status, body}`. */
  async call(method, target, body, headers = { 'X-API-KEY': API_KEY }) {
    const response = await fetch(`${this.url}${target}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  /** A new room with its links, as a host backend makes it. */
  async createRoom(options = { roomName: 'Browser test' }) {
    const { status, body } = await this.call('POST', '/api/v1/rooms', options);
    if (status !== 201) throw new Error(`POST /rooms answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** A LiveKit token for a client that is not our app. */
  token(room, identity, grant = {}) {
    return accessToken({ room, identity, grant });
  }

  /** Ends it as an operator would; answers the exit code. */
  async stop() {
    const code = await stop(this.child);
    this.output.end();
    rmSync(this.data, { recursive: true, force: true });
    return code;
  }
}

/** Serves files and pages for the other clients; answers `{url, close}`. */
export async function serveFiles(files) {
  const server = http.createServer((request, response) => {
    const file = files[new URL(request.url, 'http://localhost').pathname];
    response.writeHead(file ? 200 : 404, { 'Content-Type': file?.type ?? 'text/plain' });
    response.end(file?.content ?? 'not found');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.closeAllConnections?.();
      server.close(resolve);
    }),
  };
}

// Browsers with synthetic cameras and microphones.

import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { note, RESULTS } from './processes.mjs';
import { recordPeers } from './media.mjs';

const CHROMIUM = process.env.MEET_CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.MEET_FIREFOX ?? '/usr/bin/firefox-esr';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
];

/**
 * A Chromium process. With `namespace` all of it lives in that network namespace; `trust` is an
 * origin to treat as secure although it is neither HTTPS nor localhost.
 */
export async function launchChromium({ namespace, trust } = {}) {
  const args = trust ? [...FLAGS, `--unsafely-treat-insecure-origin-as-secure=${trust}`] : FLAGS;
  const executablePath = namespace ? insideNamespace(namespace) : CHROMIUM;
  const server = await chromium.launchServer({ executablePath, args, headless: true });
  const pid = server.process().pid;
  note(pid);
  const browser = await chromium.connect(server.wsEndpoint());
  return {
    pid,
    newPage: (options) => newPage(browser, options),
    /** As when the machine dies: no goodbye to anybody. */
    kill: () => server.kill(),
    close: () => server.close(),
  };
}

/** A program that starts Chromium inside a namespace and becomes it, so that the pid is the browser's. */
function insideNamespace(namespace) {
  const file = path.join(RESULTS, `chromium-in-${namespace}`);
  writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${namespace} ${CHROMIUM} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A Firefox ESR, driven over BiDi: the only way for a browser that the driver did not bring along. */
export async function launchFirefox() {
  const { firefox } = await import('playwright-core-firefox');
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: FIREFOX,
    firefoxUserPrefs: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
    },
  });
  return { newPage: (options) => newPage(browser, options), close: () => browser.close() };
}

/** A page in a profile of its own, with its complaints collected in `page.complaints`. */
async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: 'en-GB', ...options });
  await context.addInitScript(recordPeers);
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') page.complaints.push(`console: ${message.text()}`);
  });
  page.sockets = [];
  page.on('websocket', (socket) => page.sockets.push(socket.url()));
  return page;
}

// LiveKit's Python SDK, a native client: its synthetic tracks reach a browser, and ours reach it.

import { after, before, describe, test } from 'node:test';
import path from 'node:path';
import readline from 'node:readline';

import { launchChromium } from '../support/browsers.mjs';
import { Participant } from '../support/meeting.mjs';
import { RESULTS, start, stop } from '../support/processes.mjs';
import { Server } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const PYTHON = process.env.MEET_PYTHON ?? path.join(RESULTS, '../.venv/bin/python');
const PROGRAM = path.join(RESULTS, '../python/participant.py');

describe('the Python SDK', () => {
  let server, browser, python;

  before(async () => {
    server = await Server.start();
    browser = await launchChromium();
  });
  after(async () => {
    if (python) await stop(python);
    await browser?.close();
    await server?.stop();
  });

  test('exchanges decoded media with our app', async () => {
    const room = await server.createRoom();
    const anna = await Participant.join(browser, room.moderatorUrl, 'Anna');

    const facts = [];
    python = start(PYTHON, [PROGRAM, server.livekitUrl, server.token(room.roomId, 'python')], { stdio: ['pipe', 'pipe', 'pipe'] });
    readline.createInterface({ input: python.stdout }).on('line', (line) => facts.push(JSON.parse(line)));
    let complaints = '';
    python.stderr.on('data', (data) => { complaints += data; });
    const fact = (what, holds) => until(what, () => {
      if (facts.some(holds)) return true;
      throw new Error(`${JSON.stringify(facts.slice(-5))} ${complaints.slice(-2000)}`);
    });

    await fact('the SDK publishes', (fact) => fact.published);
    await anna.seesMoving(1);
    await anna.hears();
    await fact('the SDK decodes our video', (fact) => fact.video && fact.frames >= 20 && fact.width > 0);
    await fact('the SDK hears our microphone', (fact) => fact.audio && fact.loudest > 500);

    python.stdin.end();
    await anna.untilRemoteTiles(0);
  });
});

// A browser that dies, a network that is cut, a server that ends.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { launchChromium } from '../support/browsers.mjs';
import { framesDecoded } from '../support/media.mjs';
import { Participant } from '../support/meeting.mjs';
import { mayMakeNetworks, Network } from '../support/network.mjs';
import { Server } from '../support/server.mjs';
import { until, untilStill } from '../support/wait.mjs';

/** How long the network is away: the event under test, not a wait for one. */
const CUT_MS = 10_000;

/** The server notices a silent peer within its ping time-out. */
const NOTICE_MS = 60_000;

describe('trouble', () => {
  let server, network, stays;

  before(async () => {
    if (mayMakeNetworks) network = new Network();
    server = await Server.start();
    stays = await launchChromium();
  });
  after(async () => {
    await stays?.close();
    await server?.stop();
    network?.remove();
  });

  test('a killed browser leaves the others intact', async () => {
    const room = await server.createRoom();
    const anna = await Participant.join(stays, room.moderatorUrl, 'Anna');
    const carla = await Participant.join(stays, room.speakerUrl, 'Carla');
    const doomed = await launchChromium();
    await Participant.join(doomed, room.speakerUrl, 'Ben');
    await anna.seesMoving(2);
    await doomed.kill();
    await carla.seesMoving(1, NOTICE_MS);
    await anna.seesMoving(1, NOTICE_MS);
    await anna.hears();
    await anna.untilRemoteTiles(1);
    await anna.page.context().close();
    await carla.page.context().close();
  });

  // A dead router says nothing; a pulled cable tells the browser that it is offline.
  for (const [what, cut, mend] of [
    ['that falls silent', () => network.silence(), () => network.endSilence()],
    ['that is unplugged', () => network.unplug(), () => network.plug()],
  ]) {
    test(`a network ${what} for 10 s comes back with its media`, { skip: mayMakeNetworks ? false : 'needs root for a network namespace' }, async () => {
      const room = await server.createRoom();
      const away = await launchChromium({ namespace: network.namespace, trust: `http://${network.hostAddress}:${server.port}` });
      try {
        const anna = await Participant.join(stays, room.moderatorUrl, 'Anna');
        const carla = await Participant.join(stays, room.speakerUrl, 'Carla');
        const link = new URL(room.speakerUrl);
        link.hostname = network.hostAddress;
        const ben = await Participant.join(away, link.href, 'Ben');
        await ben.seesMoving(2);
        await anna.seesMoving(2);

        cut();
        const since = Date.now();
        await untilStill('the number of frames that Ben decodes', () => framesDecoded(ben.page));
        await carla.hears();
        await sleep(Math.max(0, CUT_MS - (Date.now() - since)));
        mend();

        await ben.seesMoving(2, NOTICE_MS);
        await anna.seesMoving(2, NOTICE_MS);
        await carla.seesMoving(2, NOTICE_MS);
        await ben.hears(NOTICE_MS);
        await anna.hears();
        await anna.page.context().close();
        await carla.page.context().close();
      } finally {
        await away.close();
      }
    });
  }

  test('a reload in the middle of a meeting leaves one tile', async () => {
    const room = await server.createRoom();
    const anna = await Participant.join(stays, room.moderatorUrl, 'Anna');
    const ben = await Participant.join(stays, room.speakerUrl, 'Ben');
    await anna.seesMoving(1);
    await ben.join(room.speakerUrl, 'Ben');
    await ben.seesMoving(1);
    await anna.seesMoving(1, NOTICE_MS);
    await anna.page.context().close();
    await ben.page.context().close();
  });

  test('a server that is told to end says so and ends well', async () => {
    const own = await Server.start();
    try {
      const room = await own.createRoom();
      const anna = await Participant.join(stays, room.moderatorUrl, 'Anna');
      assert.equal(await own.stop(), 0);
      await until('Anna is told', async () =>
        (await anna.page.locator('ov-end-meeting').count()) + (await anna.page.locator('ov-error').count()) === 1, NOTICE_MS);
      await anna.page.context().close();
    } finally {
      await own.stop();
    }
  });

  test('rooms survive a restart of the server', async () => {
    const data = mkdtempSync(path.join(os.tmpdir(), 'meet-kept-'));
    const servers = [];
    try {
      servers.push(await Server.start({ MEET_DATA_DIR: data }));
      const room = await servers[0].createRoom({ roomName: 'Kept' });
      await servers[0].stop();
      servers.push(await Server.start({ MEET_DATA_DIR: data }));
      const { status, body } = await servers[1].call('GET', `/api/v1/rooms/${room.roomId}`);
      assert.equal(status, 200);
      assert.equal(body.roomName, 'Kept');
      assert.equal(new URL(body.speakerUrl).search, new URL(room.speakerUrl).search);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(data, { recursive: true, force: true });
    }
  });
});

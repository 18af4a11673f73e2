// Two and three people in Chromium, each in a browser process of its own, through the links of
// POST /api/v1/rooms.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { launchChromium } from '../support/browsers.mjs';
import { Participant } from '../support/meeting.mjs';
import { Server } from '../support/server.mjs';
import { until, untilGrows, untilStill } from '../support/wait.mjs';

describe('a meeting in Chromium', () => {
  let server, first, second, room;

  before(async () => {
    server = await Server.start();
    [first, second] = await Promise.all([launchChromium(), launchChromium()]);
    room = await server.createRoom({ roomName: 'Daily' });
  });
  after(async () => {
    await Promise.all([first?.close(), second?.close()]);
    await server?.stop();
  });

  let anna, ben;

  test('moderator and speaker see and hear each other', async () => {
    anna = await Participant.join(first, room.moderatorUrl, 'Anna');
    ben = await Participant.join(second, room.speakerUrl, 'Ben');
    await anna.seesMoving(1);
    await ben.seesMoving(1);
    await anna.hears();
    await ben.hears();
    await anna.page.locator('.OV_stream.remote', { hasText: 'Ben' }).waitFor();
    await ben.page.locator('.OV_stream.remote', { hasText: 'Anna' }).waitFor();
  });

  test('the secret does not stay in the address', () => {
    assert.equal(new URL(anna.page.url()).searchParams.get('secret'), null);
  });

  test('a muted microphone is silent for the other, and speaks again', async () => {
    await ben.press('#mic-btn');
    await untilStill('the energy of what Anna hears', () => anna.energy());
    await ben.press('#mic-btn');
    await anna.hears();
  });

  test('a camera that is off sends no picture, and shows again', async () => {
    await ben.press('#camera-btn');
    await untilStill('the number of frames that Anna decodes', () => anna.frames());
    await until('Anna sees no video of Ben', async () =>
      (await anna.page.locator('.OV_stream.remote video:visible').count()) === 0);
    await ben.press('#camera-btn');
    await anna.seesMoving(1);
  });

  test('a third who joins late sees and hears both', async () => {
    const carla = await Participant.join(second, room.speakerUrl, 'Carla');
    await carla.seesMoving(2);
    await carla.hears();
    await anna.seesMoving(2);
    await ben.seesMoving(2);
    await carla.leave();
    await carla.page.locator('ov-end-meeting').waitFor();
    await anna.untilRemoteTiles(1);
    await ben.untilRemoteTiles(1);
  });

  test('equal names are told apart', async () => {
    const other = await Participant.join(second, room.speakerUrl, 'Ben');
    await anna.page.locator('.OV_stream.remote', { hasText: 'Ben_1' }).waitFor();
    await other.leave();
    await anna.untilRemoteTiles(1);
  });

  test('leaving removes the tile and shows the end view', async () => {
    await ben.leave();
    await ben.page.locator('ov-end-meeting').waitFor();
    await anna.untilRemoteTiles(0);
    const tracks = await ben.page.evaluate(() => window.testPeers.map((peer) => peer.connectionState));
    assert.ok(tracks.every((state) => state === 'closed'), `peer connections after leaving: ${tracks}`);
  });

  test('who left can come back through the same link', async () => {
    ben = await Participant.join(second, room.speakerUrl, 'Ben');
    await anna.seesMoving(1);
    await ben.seesMoving(1);
    await untilGrows('the energy of what Ben hears', () => ben.energy(), 1e-9);
  });

  test('nothing was complained about', () => {
    assert.deepEqual(anna.page.complaints, []);
    assert.deepEqual(ben.page.complaints, []);
  });
});

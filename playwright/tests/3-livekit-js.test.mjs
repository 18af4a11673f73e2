// livekit-client from npm, in a page of its own, in a meeting with our app; with one peer connection
// and with two.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { launchChromium } from '../support/browsers.mjs';
import { audioEnergy, framesDecoded, openPeers } from '../support/media.mjs';
import { Participant } from '../support/meeting.mjs';
import { serveFiles, Server } from '../support/server.mjs';
import { until, untilGrows, untilStill } from '../support/wait.mjs';

const library = new URL('../node_modules/livekit-client/dist/livekit-client.umd.js', import.meta.url);

const PAGE = `<!doctype html><meta charset="utf-8"><title>livekit-client</title>
<script src="/livekit-client.js"></script><body></body>`;

/** Runs in the page: connects, publishes camera and microphone, plays what it gets. */
async function connect({ url, token, single }) {
  const { Room, RoomEvent } = window.LivekitClient;
  const room = new Room({ singlePeerConnection: single });
  window.room = room;
  window.received = [];
  room.on(RoomEvent.TrackSubscribed, (track) => document.body.append(track.attach()));
  room.on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((element) => element.remove()));
  room.on(RoomEvent.DataReceived, (payload, from, kind, topic) => {
    window.received.push({ text: new TextDecoder().decode(payload), from: from?.identity, topic });
  });
  await room.connect(url, token);
  await room.localParticipant.enableCameraAndMicrophone();
}

describe('livekit-client', () => {
  let server, files, ours, theirs;

  before(async () => {
    server = await Server.start();
    files = await serveFiles({
      '/': { type: 'text/html', content: PAGE },
      '/livekit-client.js': { type: 'text/javascript', content: readFileSync(library) },
    });
    [ours, theirs] = await Promise.all([launchChromium(), launchChromium()]);
  });
  after(async () => {
    await Promise.all([ours?.close(), theirs?.close()]);
    await files?.close();
    await server?.stop();
  });

  async function client(room, identity, single) {
    const page = await theirs.newPage();
    await page.goto(files.url);
    await page.evaluate(connect, { url: server.livekitUrl, token: server.token(room.roomId, identity), single });
    return page;
  }

  for (const single of [true, false]) {
    const mode = single ? 'one peer connection' : 'two peer connections';

    test(`exchanges media with our app over ${mode}`, async () => {
      const room = await server.createRoom();
      const anna = await Participant.join(ours, room.moderatorUrl, 'Anna');
      const page = await client(room, 'livekit-js', single);

      const path = new URL(page.sockets.at(-1)).pathname;
      assert.equal(path, single ? '/rtc/v1' : '/rtc');

      await anna.seesMoving(1);
      await anna.hears();
      await untilGrows('frames decoded by livekit-client', () => framesDecoded(page), 10);
      await untilGrows('energy heard by livekit-client', () => audioEnergy(page), 1e-9);
      assert.equal(await openPeers(page), single ? 1 : 2);

      // Mute on either side reaches the other.
      await page.evaluate(() => window.room.localParticipant.setMicrophoneEnabled(false));
      await untilStill('the energy of what Anna hears', () => anna.energy());
      await anna.press('#camera-btn');
      await until('livekit-client knows that the camera is off', () => page.evaluate(() => {
        const [remote] = window.room.remoteParticipants.values();
        return remote && !remote.isCameraEnabled;
      }));
      await anna.press('#camera-btn');
      await untilGrows('frames decoded by livekit-client', () => framesDecoded(page), 10);

      await page.evaluate(() => window.room.disconnect());
      await anna.untilRemoteTiles(0);
      await anna.page.context().close();
      await page.context().close();
    });
  }

  test('one with one and one with two peer connections exchange media and data', async () => {
    const room = await server.createRoom();
    const single = await client(room, 'single', true);
    const dual = await client(room, 'dual', false);
    for (const page of [single, dual]) {
      await untilGrows('frames decoded', () => framesDecoded(page), 10);
      await untilGrows('energy heard', () => audioEnergy(page), 1e-9);
    }
    const send = (page, text, reliable) => page.evaluate(
      ([text, reliable]) => window.room.localParticipant.publishData(new TextEncoder().encode(text), { reliable, topic: 'test' }),
      [text, reliable],
    );
    const received = (page) => page.evaluate(() => window.received);
    await send(single, 'to dual', true);
    await until('reliable data reaches the other', async () =>
      (await received(dual)).some((data) => data.text === 'to dual' && data.from === 'single' && data.topic === 'test'));
    await send(dual, 'to single', true);
    await until('reliable data comes back', async () =>
      (await received(single)).some((data) => data.text === 'to single' && data.from === 'dual'));
    // A lossy message may be lost: it is sent until one arrives.
    await until('lossy data arrives', async () => {
      await send(single, 'lossy', false);
      return (await received(dual)).some((data) => data.text === 'lossy');
    });
    assert.ok(!(await received(single)).some((data) => data.from === 'single'), 'data does not come back to its sender');
    await single.context().close();
    await dual.context().close();
  });

  test('a second participant of the same identity replaces the first', async () => {
    const room = await server.createRoom();
    const first = await client(room, 'twin', true);
    await client(room, 'twin', true);
    await until('the first is told to go', () => first.evaluate(() => window.room.state === 'disconnected'));
  });

  test('a token of a wrong key is refused', async () => {
    const room = await server.createRoom();
    const page = await theirs.newPage();
    await page.goto(files.url);
    const token = server.token(room.roomId, 'stranger').replace(/.{10}$/, 'AAAAAAAAAA');
    await assert.rejects(page.evaluate(connect, { url: server.livekitUrl, token, single: true }), /401|not ?allowed|token|unauthori/i);
  });
});

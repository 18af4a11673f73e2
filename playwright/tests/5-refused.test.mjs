// Links that lead nowhere, and a front door that stands.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { launchChromium } from '../support/browsers.mjs';
import { Server } from '../support/server.mjs';

describe('refused', () => {
  let server, browser, room;

  before(async () => {
    server = await Server.start();
    browser = await launchChromium();
    room = await server.createRoom();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function isRefused(link) {
    const page = await browser.newPage();
    await page.goto(link);
    await page.locator('ov-error .error-title').waitFor();
    const title = await page.locator('ov-error .error-title').innerText();
    assert.ok(title.trim().length > 0);
    assert.equal(await page.locator('#participant-name-input').count(), 0);
    await page.context().close();
    return title;
  }

  test('a wrong secret shows the error view', async () => {
    const link = new URL(room.speakerUrl);
    link.searchParams.set('secret', 'wrongsecret');
    await isRefused(link.href);
  });

  test('a missing secret shows the error view', async () => {
    const link = new URL(room.speakerUrl);
    link.search = '';
    await isRefused(link.href);
  });

  test('an unknown room shows the error view', async () => {
    const link = new URL(room.speakerUrl);
    link.pathname = '/room/nowhere-abcdefghijklmno';
    await isRefused(link.href);
  });

  test('a room deleted while the join view is open shows the error view', async () => {
    const gone = await server.createRoom();
    const page = await browser.newPage();
    await page.goto(gone.speakerUrl);
    await page.locator('#participant-name-input').fill('Late');
    const { status } = await server.call('DELETE', `/api/v1/rooms/${gone.roomId}`);
    assert.equal(status, 200);
    await page.locator('#participant-name-submit').click();
    await page.locator('ov-error .error-title').waitFor();
    await page.context().close();
  });

  test('names of blanks do nothing', async () => {
    const page = await browser.newPage();
    await page.goto(room.speakerUrl);
    await page.locator('#participant-name-input').fill('   ');
    assert.equal(await page.locator('#participant-name-submit').isEnabled(), false);
    await page.context().close();
  });

  test('the API answers strangers with typed errors', async () => {
    const stranger = await server.call('GET', '/api/v1/rooms', undefined, {});
    assert.deepEqual([stranger.status, stranger.body.error], [401, 'Authentication Error']);
    const wrong = await server.call('GET', '/api/v1/rooms', undefined, { 'X-API-KEY': 'wrong' });
    assert.deepEqual([wrong.status, wrong.body.message], [401, 'Invalid API key']);
    const nowhere = await server.call('GET', '/api/v1/nothing');
    assert.deepEqual([nowhere.status, nowhere.body.error], [404, 'Path Not Found']);
  });
});

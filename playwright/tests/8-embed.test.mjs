// The element, a bare iframe and a direct link, in host pages of another origin (contract embedding.md 12).

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { launchChromium } from '../support/browsers.mjs';
import { attributes, escape, page as hostPage, startHost } from '../support/host.mjs';
import { Server } from '../support/server.mjs';
import { until } from '../support/wait.mjs';

const ALLOW = 'camera; microphone; display-capture; fullscreen; autoplay; compute-pressure;';

describe('embedded', () => {
  let server, host, browser, room;
  let paths = 0;
  const open = [];

  before(async () => {
    [server, host, browser] = await Promise.all([Server.start(), startHost(), launchChromium()]);
    room = await server.createRoom({ roomName: 'Embedded' });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((page) => page.context().close()));
  });
  after(async () => {
    await browser?.close();
    await host?.close();
    await server?.stop();
  });

  /** Shows a host page with this body. */
  async function show(body, { headers, head } = {}) {
    paths += 1;
    const path = `/page-${paths}`;
    host.pages.set(path, { html: hostPage(server, body, head), headers });
    const page = await browser.newPage({ viewport: { width: 900, height: 1000 } });
    open.push(page);
    await page.goto(host.url + path);
    return page;
  }

  const element = (values) => `<openvidu-meet${attributes({ id: 'meet', ...values })}></openvidu-meet>`;
  const inside = (page, id = 'meet') => page.frameLocator(`#${id} iframe`);

  /** Goes through the join and the device view of a frame. */
  async function join(frame, name) {
    if (name) await frame.locator('#participant-name-input').fill(name);
    await frame.locator('#participant-name-submit').click();
    await frame.locator('#join-button').click();
    await frame.locator('ov-session').waitFor();
  }

  const seen = (page, type) => page.evaluate((wanted) => window.seen.filter((event) => event.type === wanted), type);

  function untilSeen(page, type, count = 1) {
    return until(`${type} is seen ${count} times`, async () => {
      const events = await seen(page, type);
      return events.length === count ? events : Promise.reject(new Error(JSON.stringify(events)));
    });
  }

  test('the script is small, defines the element at once and may be included twice', async () => {
    const url = `${server.url}/v1/openvidu-meet.js`;
    const answer = await fetch(url);
    assert.equal(answer.headers.get('content-type'), 'application/javascript');
    assert.match(answer.headers.get('etag'), /^"[0-9a-f]{64}"$/);
    assert.equal((await fetch(url, { headers: { 'If-None-Match': answer.headers.get('etag') } })).status, 304);
    const page = await show(`<script>window.defined = !!customElements.get('openvidu-meet')</script><script src="${url}"></script>`);
    assert.equal(await page.evaluate(() => window.defined), true);
    assert.deepEqual(page.complaints, []);
  });

  test('the life of a meeting is told once, in every spelling', async () => {
    const page = await show(element({ 'room-url': room.moderatorUrl, 'participant-name': 'Alice' }));
    await page.evaluate(() => {
      const meet = document.getElementById('meet');
      window.heard = [];
      const hear = (name) => (event) => window.heard.push([name, JSON.stringify(event), event === event.detail]);
      meet.on('JOINED', hear('on')).once('meetingJoined', hear('once'));
      const removed = hear('removed');
      meet.once('joined', removed).off('Joined', removed).on('joined', removed).off('joined', removed);
      meet.on('left', (event) => window.heard.push(['left', event.reason]));
      meet.on('nonsense', hear('nonsense'));
    });
    await join(inside(page));
    const detail = { roomId: room.roomId, participantIdentity: 'Alice' };
    for (const type of ['joined', 'JOINED', 'meetingJoined']) {
      assert.deepEqual(await untilSeen(page, type), [{ type, id: 'meet', detail }]);
    }
    assert.deepEqual(await page.evaluate(() => window.heard), [
      ['on', JSON.stringify(detail), true],
      ['once', JSON.stringify(detail), true],
    ]);

    await page.evaluate(() => {
      const meet = document.getElementById('meet');
      meet.className = 'wide';
      meet.style.border = '0';
      meet.dataset.x = '1';
      meet.setAttribute('participant-name', 'Somebody');
      meet.leaveRedirectUrl = '/later';
    });
    await page.evaluate(() => document.getElementById('meet').meetingLeave());
    const [left] = await untilSeen(page, 'left');
    assert.deepEqual(left.detail, { ...detail, reason: 'voluntary_leave' });
    await inside(page).locator('ov-end-meeting').waitFor();
    await inside(page).getByRole('button', { name: 'Accept' }).click();
    assert.deepEqual((await untilSeen(page, 'closed'))[0].detail, {});
    assert.equal((await seen(page, 'ready')).length, 1, 'the frame was loaded once');
    assert.equal((await seen(page, 'left')).length, 1);
    assert.deepEqual((await page.evaluate(() => window.heard)).at(-1), ['left', 'voluntary_leave']);
    assert.deepEqual(page.complaints, []);
  });

  test('a moderator kicks and ends by command, a speaker does neither', async () => {
    const page = await show(
      `<div style="height:50%">${element({ id: 'chair', 'room-url': room.moderatorUrl, 'participant-name': 'Chair' })}</div>
       <div style="height:50%">${element({ id: 'guest', 'room-url': room.speakerUrl, 'participant-name': 'Guest' })}</div>`,
    );
    await join(inside(page, 'chair'), 'Chair');
    await join(inside(page, 'guest'), 'Guest');
    const joined = await untilSeen(page, 'joined', 2);
    assert.deepEqual(joined.map((event) => [event.id, event.detail.participantIdentity]).sort(), [['chair', 'Chair'], ['guest', 'Guest']]);
    await page.evaluate(() => {
      document.getElementById('guest').endMeeting();
      document.getElementById('guest').kickParticipant('Chair');
    });
    await page.evaluate(() => document.getElementById('chair').kickParticipant('Guest'));
    const [kicked] = await untilSeen(page, 'left');
    assert.deepEqual([kicked.id, kicked.detail.reason], ['guest', 'participant_kicked']);
    await page.evaluate(() => document.getElementById('chair').endMeeting());
    const ended = (await untilSeen(page, 'left', 2)).at(-1);
    assert.deepEqual([ended.id, ended.detail.reason], ['chair', 'meeting_ended_by_self']);
  });

  test('two elements with two rooms keep their events apart', async () => {
    const other = await server.createRoom({ roomName: 'Other' });
    const page = await show(
      `<div style="height:50%">${element({ id: 'one', 'room-url': room.speakerUrl })}</div>
       <div style="height:50%">${element({ id: 'two', 'room-url': other.speakerUrl })}</div>`,
    );
    await untilSeen(page, 'ready', 2);
    await join(inside(page, 'two'), 'Tom');
    const [joined] = await untilSeen(page, 'joined');
    assert.deepEqual([joined.id, joined.detail.roomId], ['two', other.roomId]);
    // A reload of the frame finds its own room's secret.
    await join(inside(page, 'one'), 'Ann');
    assert.equal((await untilSeen(page, 'joined', 2))[1].detail.roomId, room.roomId);
  });

  test('properties before definition, innerHTML, removal and return', async () => {
    const page = await show('<div id="box" style="height:100%"></div>');
    await page.evaluate((url) => {
      document.getElementById('box').innerHTML = '<openvidu-meet id="meet"></openvidu-meet>';
      const meet = document.getElementById('meet');
      meet.roomUrl = url;
      meet.participantName = 'Prop';
    }, room.speakerUrl);
    await join(inside(page));
    await untilSeen(page, 'joined');
    await page.evaluate(() => {
      window.kept = document.getElementById('meet');
      window.kept.remove();
      document.getElementById('box').append(window.kept);
    });
    await untilSeen(page, 'ready', 2);
    await join(inside(page));
    assert.equal((await untilSeen(page, 'joined', 2))[1].id, 'meet');
    assert.equal(await page.evaluate(() => window.kept.shadowRoot.querySelectorAll('iframe').length), 1);
    assert.equal(await page.evaluate(() => window.kept.shadowRoot.querySelector('iframe').allow), ALLOW);
  });

  test('only known attributes reach the server', async () => {
    const page = await show(
      element({ 'room-url': room.speakerUrl, class: 'c', 'data-x': 'y', user: 'z', 'participant-name': 'A B', 'leave-redirect-url': '/bye' }),
    );
    const src = new URL(await page.evaluate(() => document.getElementById('meet').shadowRoot.querySelector('iframe').src));
    assert.deepEqual(Object.fromEntries(src.searchParams), {
      secret: new URL(room.speakerUrl).searchParams.get('secret'),
      'participant-name': 'A B',
      'leave-redirect-url': `${host.url}/bye`,
    });
  });

  for (const [name, values] of [
    ['no address', {}],
    ['a recording that is null', { 'recording-url': 'null' }],
    ['a script as the room', { 'room-url': 'javascript:alert(document.domain)' }],
    ['data as the room', { 'room-url': 'data:text/html,x' }],
  ]) {
    test(`${name} is a visible error, not a frame`, async () => {
      const page = await show(element(values));
      await page.locator('#meet .error-container .error-message').waitFor();
      assert.equal(await page.evaluate(() => document.getElementById('meet').shadowRoot.querySelector('iframe').hasAttribute('src')), false);
      await page.evaluate((url) => document.getElementById('meet').setAttribute('room-url', url), room.speakerUrl);
      await inside(page).locator('#participant-name-input').waitFor();
      assert.equal(await page.locator('#meet .error-container').isVisible(), false);
    });
  }

  test('a server that is away is a visible error, and retry works', async () => {
    const page = await show('');
    await page.clock.install();
    let away = true;
    await page.route('**/room/**', (route) => (away ? route.abort() : route.continue()));
    await page.evaluate((html) => { document.body.innerHTML = html; }, element({ 'room-url': room.speakerUrl }));
    await page.clock.fastForward(11_000);
    await page.locator('#meet .error-container').waitFor();
    away = false;
    await page.locator('#meet').getByRole('button', { name: 'Retry' }).click();
    await inside(page).locator('#participant-name-input').waitFor();
    assert.equal(await page.locator('#meet .error-container').isVisible(), false);
  });

  test('a strict Content-Security-Policy of the host is no hindrance', async () => {
    const csp = `default-src 'none'; script-src ${server.url} 'unsafe-inline'; style-src 'none'; frame-src ${server.url}; require-trusted-types-for 'script'`;
    const page = await show(element({ 'room-url': room.speakerUrl }), { headers: { 'Content-Security-Policy': csp } });
    await inside(page).locator('#participant-name-input').waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.getElementById('meet').shadowRoot.querySelector('iframe')).borderWidth), '0px');
  });

  const bare = (url) => `<iframe id="bare" src="${escape(url)}" allow="${ALLOW}" style="width:100%;height:100%"></iframe>
    <script>
      window.told = [];
      addEventListener('message', (event) => {
        if (event.source === document.getElementById('bare').contentWindow) told.push(event.data);
      });
    </script>`;

  for (const policy of ['strict-origin-when-cross-origin', 'no-referrer']) {
    test(`a bare iframe obeys and tells, without handshake (${policy})`, async () => {
      const page = await show(bare(`${room.speakerUrl}&participant-name=Bea`), { headers: { 'Referrer-Policy': policy } });
      const frame = page.frameLocator('#bare');
      await join(frame);
      const told = (name) => until(`${name} is told`, () => page.evaluate((wanted) => window.told.filter((message) => message.event === wanted), name)
        .then((all) => all.length > 0 && all));
      const [joined] = await told('joined');
      assert.deepEqual(Object.keys(joined), ['event', 'payload']);
      assert.equal(joined.payload.roomId, room.roomId);
      await page.evaluate(() => {
        const send = (message) => document.getElementById('bare').contentWindow.postMessage(message, '*');
        for (const message of [null, 'leaveRoom', ['leaveRoom'], 7, {}, { command: 1 }, { command: 'dance' }, { command: 'initialize', payload: { domain: 'https://else.example' } }]) send(message);
        send({ command: 'leaveRoom' });
      });
      assert.deepEqual(await told('left'), [{ event: 'left', payload: { ...joined.payload, reason: 'voluntary_leave' } }]);
      await frame.locator('ov-end-meeting').waitFor();
    });
  }

  test('frames beside and windows inside are not obeyed, the handshake of 3.4.1 is', async () => {
    const page = await show(`${bare(`${room.speakerUrl}&participant-name=Cleo`)}<iframe id="hostile" srcdoc="<p>hostile</p>"></iframe>`);
    await join(page.frameLocator('#bare'));
    await until('joined is told', () => page.evaluate(() => window.told.some((message) => message.event === 'joined')));
    // Same origin as the host, but not the parent: only the window tells them apart.
    await page.frames().find((frame) => frame.name() === 'hostile' || frame.url() === 'about:srcdoc').evaluate(() => {
      parent.document.getElementById('bare').contentWindow.postMessage({ command: 'leaveRoom' }, '*');
    });
    await page.evaluate(() => {
      document.getElementById('bare').contentWindow.postMessage({ command: 'initialize', payload: { domain: location.origin } }, '*');
      document.getElementById('bare').contentWindow.postMessage({ command: 'kickParticipant', payload: { participantIdentity: 'Cleo' } }, '*');
    });
    // Messages arrive in order: were one of these obeyed, Cleo would have left before this round trip.
    const frame = page.frames().find((one) => one.url().startsWith(server.url));
    await frame.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
    assert.equal(await page.frameLocator('#bare').locator('ov-session').count(), 1);
    await page.evaluate(() => document.getElementById('bare').contentWindow.postMessage({ command: 'leaveRoom' }, '*'));
    await page.frameLocator('#bare').locator('ov-end-meeting').waitFor();
  });

  test('storage that throws is survived', async () => {
    const page = await show('');
    await page.addInitScript((origin) => {
      if (location.origin !== origin) return;
      for (const name of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, name, { get() { throw new DOMException('blocked', 'SecurityError'); } });
      }
    }, server.url);
    await page.evaluate((html) => { document.body.innerHTML = html; }, element({ 'room-url': room.speakerUrl, 'participant-name': 'Dora' }));
    await join(inside(page));
    await untilSeen(page, 'joined');
  });

  for (const [given, expected] of [['/', '/'], ['javascript:alert(1)', null], ['data:text/html,x', null]]) {
    test(`leave-redirect-url="${given}" leads to ${expected ?? 'nowhere'} after closed`, async () => {
      host.pages.set('/', '<h1>Home</h1>');
      // The app itself refuses too: a bare iframe has no element that would.
      const page = await show(bare(`${room.speakerUrl}&leave-redirect-url=${encodeURIComponent(given)}`));
      const before = page.url();
      await page.frameLocator('#bare').getByRole('button', { name: 'Back' }).click();
      if (expected) {
        await page.waitForURL(host.url + expected);
      } else {
        await until('closed is told', () => page.evaluate(() => window.told.some((message) => message.event === 'closed')));
        assert.equal(page.url(), before);
      }
    });
  }

  test('a direct link comes back to where it was clicked', async () => {
    const link = `${room.speakerUrl}&participant-name=Eve`;
    const page = await show(`<a href="${escape(link)}" referrerpolicy="no-referrer-when-downgrade">Join</a>`);
    const home = page.url();
    await page.getByRole('link', { name: 'Join' }).click();
    assert.equal(await page.locator('#participant-name-input').inputValue(), 'Eve');
    await join(page);
    await page.locator('#leave-btn').click();
    await page.locator('ov-end-meeting').getByRole('button', { name: 'Accept' }).click();
    await page.waitForURL(home);
  });

  test('the moderator chooses whether the meeting goes on, by keyboard too', async () => {
    const page = await browser.newPage();
    open.push(page);
    await page.goto(`${room.moderatorUrl}&participant-name=Mo`);
    await join(page);
    await page.locator('.OV_stream.local').first().waitFor();
    await page.locator('#leave-btn').focus();
    await page.keyboard.press('Enter');
    await until('the first entry has the focus', () => page.locator('#leave-option').evaluate((item) => item === document.activeElement));
    await page.keyboard.press('Escape');
    await page.locator('#leave-option').waitFor({ state: 'detached' });
    assert.equal(await page.locator('#leave-btn').evaluate((button) => button === document.activeElement), true);
    await page.keyboard.press('ArrowUp');
    await page.locator('#end-meeting-option').waitFor();
    await until('the first entry has the focus', () => page.locator('#leave-option').evaluate((item) => item === document.activeElement));
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/disconnected\?reason=meeting_ended_by_self/);
  });
});

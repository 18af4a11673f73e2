// Pages of a host application, on an origin that is not the server's.

import { createServer } from 'node:http';

/**
 * Serves pages from `pages`, a map from path to HTML or `{html, headers}` that tests may add to, on
 * `localhost`: another site than the server's 127.0.0.1. Answers `{url, pages, close}`.
 */
export async function startHost() {
  const pages = new Map();
  const server = createServer((request, response) => {
    const page = pages.get(new URL(request.url, 'http://localhost').pathname);
    const { html, headers } = typeof page === 'string' ? { html: page } : page ?? {};
    response.writeHead(html === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8', ...headers });
    response.end(html ?? 'not found');
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  return {
    url: `http://localhost:${server.address().port}`,
    pages,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

export const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

/** An attribute list in HTML. */
export const attributes = (values) => Object.entries(values).map(([name, value]) => ` ${name}="${escape(value)}"`).join('');

/** A page with the script and what stands in its body. All events of all elements are kept in `window.seen`. */
export const page = (server, body, head = '') => `<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Host</title><link rel="icon" href="data:,">${head}
<style>html,body{height:100%;margin:0}</style>
<script>
  window.seen = [];
  for (const type of ['ready', 'joined', 'JOINED', 'meetingJoined', 'left', 'LEFT', 'meetingLeft', 'closed', 'CLOSED', 'meetingClosed'])
    addEventListener(type, (event) => seen.push({ type, id: event.target.id, detail: event.detail }));
</script>
<script src="${server.url}/v1/openvidu-meet.js"></script>
</head><body>${body}</body></html>`;

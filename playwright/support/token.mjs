// LiveKit access tokens, signed as a host backend would.

import { createHmac } from 'node:crypto';

const base64url = (value) => Buffer.from(value).toString('base64url');

export function accessToken({ room, identity, grant, key = 'devkey', secret = 'secret', lifetimeS = 3600 }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: key,
    sub: identity,
    name: identity,
    nbf: now - 5,
    exp: now + lifetimeS,
    video: { roomJoin: true, room, ...grant },
  };
  const text = `${base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }))}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

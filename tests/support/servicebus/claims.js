'use strict';
const crypto = require('crypto');

/** "sb://host:port/orders/" and "amqp://host/orders" are both the path "orders". */
function pathOf(audience) {
  return audience.replace(/^[a-z]+:\/\/[^/]*\/?/, '').replace(/\/$/, '');
}

/** What a token allows: { path, until } or { error }. */
function readToken(token, key) {
  const fields = new Map(
    token
      .replace(/^SharedAccessSignature /, '')
      .split('&')
      .map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
  );
  const signed = fields.get('sr') + '\n' + fields.get('se');
  const expected = crypto.createHmac('sha256', key.value).update(signed).digest('base64');
  if (fields.get('skn') !== key.name || decodeURIComponent(fields.get('sig') ?? '') !== expected) {
    return { error: 'InvalidSignature: The token has an invalid signature.' };
  }
  const until = Number(fields.get('se')) * 1000;
  if (!(until > Date.now())) return { error: 'ExpiredToken: The token is expired.' };
  return { path: pathOf(decodeURIComponent(fields.get('sr'))), until };
}

/** The claims of one connection, as put to its $cbs node. */
class Claims {
  constructor(key) {
    this.key = key;
    this.tokens = new Map(); // path -> until
    this.all = false; // logged in by SASL PLAIN
  }

  /** Answers a put-token request with a status and its words. */
  put(request) {
    const { operation, type, name } = request.application_properties ?? {};
    if (operation !== 'put-token' || type !== 'servicebus.windows.net:sastoken' || !name) return [400, 'Bad Request'];
    const token = readToken(String(request.body), this.key);
    if (token.error) return [401, token.error];
    const path = pathOf(name);
    if (path !== token.path && !path.startsWith(token.path + '/') && token.path !== '') return [401, 'InvalidAudience'];
    this.tokens.set(path, token.until);
    return [202, 'Accepted'];
  }

  allow(path) {
    return this.all || (this.tokens.get(path) ?? 0) > Date.now();
  }
}

module.exports = { Claims };

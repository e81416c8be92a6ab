'use strict';
const fs = require('fs');
const rhea = require('rhea');

/** What survives kill -9: one line for each message that came and for each that is gone. Not for a power cut. */
class Journal {
  /** Without a file nothing is kept. */
  constructor(file) {
    this.kept = new Map(); // sequence number -> { path, message, count }
    this.last = 0;
    if (!file) return;
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    for (const line of text.split('\n').slice(0, -1)) this.#replay(JSON.parse(line));
    this.fd = fs.openSync(file, 'a');
  }

  put(path, entry) {
    this.#write({
      put: path,
      seq: entry.seq,
      count: entry.count,
      data: rhea.message.encode(entry.message).toString('base64'),
    });
  }

  count(entry) {
    this.#write({ count: entry.count, seq: entry.seq });
  }

  gone(entry) {
    this.#write({ gone: entry.seq });
  }

  #write(line) {
    if (this.fd !== undefined) fs.writeSync(this.fd, JSON.stringify(line) + '\n');
  }

  #replay(line) {
    if (line.gone) return this.kept.delete(line.gone);
    this.last = Math.max(this.last, line.seq);
    if (line.put) {
      const message = rhea.message.decode(Buffer.from(line.data, 'base64'));
      return this.kept.set(line.seq, { path: line.put, seq: line.seq, message, count: line.count });
    }
    const entry = this.kept.get(line.seq);
    if (entry) entry.count = line.count;
  }
}

module.exports = { Journal };

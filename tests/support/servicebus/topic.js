'use strict';

/** A topic: what comes goes to each subscription whose rules take it. */
class Topic {
  constructor(subscriptions, journal) {
    this.subscriptions = subscriptions;
    this.journal = journal;
    this.path = 'topic';
    this.copies = new Map(); // a scheduled message's number -> [[subscription, its number there]]
  }
  /** As a queue's. */
  put(message) {
    const copies = [];
    let refused;
    for (const queue of this.subscriptions) {
      if (!queue.rules.match(message)) continue;
      refused ??= queue.put(message);
      copies.push([queue, this.journal.last]);
    }
    const number = ++this.journal.last;
    if (message.message_annotations?.['x-opt-scheduled-enqueue-time'] !== undefined) this.copies.set(number, copies);
    return refused;
  }
  cancel(number) {
    const copies = this.copies.get(number);
    this.copies.delete(number);
    return (copies ?? []).map(([queue, seq]) => queue.cancel(seq)).some(Boolean);
  }
}

module.exports = { Topic };

'use strict';
const { randomBytes } = require('crypto');
const rhea = require('rhea');

const error = (condition, description) => ({ condition, description });
const lockLost = error('com.microsoft:message-lock-lost', 'The lock supplied is invalid.');

/** What a link can be sent at once: its credit less what it was given and has not written yet. */
function roomOf(link) {
  const { outgoing } = link.session;
  let unsent = 0;
  for (let id = outgoing.next_pending_delivery; id < outgoing.next_delivery_id; ++id) {
    if (outgoing.deliveries.by_id(id)?.link === link) ++unsent;
  }
  return Math.min(link.credit - unsent, outgoing.available());
}

/** A rejection says in its error's third field why the message is dead. */
function infoOf(state) {
  const info = state?.value?.[0]?.value?.[2];
  return info?.value ? rhea.types.unwrap_map_simple(info) : {};
}

/** One queue, or a topic's subscription, and its dead letters. */
class Queue {
  constructor(path, options, journal) {
    this.path = path;
    this.options = {
      lockMs: 30_000,
      deliveriesMax: 10,
      sessions: false,
      duplicatesMs: 0,
      busy: 0,
      sessionWaitMs: 60_000,
      ...options,
    };
    this.journal = journal;
    this.ready = []; // { seq, message, count }, by sequence number
    this.locked = new Map(); // token in hex -> { entry, timer, link }
    this.deferred = new Map(); // sequence number -> entry
    this.scheduled = new Map(); // sequence number -> { entry, timer }
    this.seen = new Map(); // message id -> when
    this.links = new Set();
    this.sessions = new Map(); // session id -> { link, until, timer }
    this.states = new Map(); // session id -> bytes
    this.waiting = []; // links that wait for a session
    if (!path.endsWith('/$DeadLetterQueue')) {
      this.dead = new Queue(
        path + '/$DeadLetterQueue',
        { ...options, sessions: false, deliveriesMax: Infinity },
        journal,
      );
    }
  }

  /** A new message; the error that refuses it, or nothing. */
  put(message) {
    if (this.options.busy > 0) {
      --this.options.busy;
      return error('com.microsoft:server-busy', 'The request was terminated because the entity is being throttled.');
    }
    if (this.options.sessions && !message.group_id) {
      return error('amqp:not-allowed', 'The SessionId was not set on a message, and it cannot be sent to the entity.');
    }
    if (this.#isDuplicate(message)) return undefined;
    this.#add({ seq: ++this.journal.last, message, count: 0 }, 'new');
    return undefined;
  }
  /** One that the journal kept. */
  restore(entry) {
    this.#add(entry, 'kept');
  }
  /** When it is due it is as if it came then; its number stays the answer to who scheduled it. */
  cancel(seq) {
    const found = this.scheduled.get(seq);
    if (!found) return false;
    clearTimeout(found.timer);
    this.scheduled.delete(seq);
    this.journal.gone(found.entry);
    return true;
  }

  /** Tells `link` everything that its session, or every one, has. */
  attach(link, session) {
    link.session_id = session;
    this.links.add(link);
    this.pump();
  }
  detach(link) {
    this.links.delete(link);
    this.waiting = this.waiting.filter((other) => other.link !== link || clearTimeout(other.timer));
    if (this.sessions.get(link.session_id)?.link === link) this.#freeSession(link.session_id);
  }
  pump() {
    for (const link of this.links) {
      for (let room = roomOf(link); room > 0; --room) {
        const at = this.ready.findIndex(
          (entry) => !this.options.sessions || entry.message.group_id === link.session_id,
        );
        if (at < 0) break;
        this.#send(link, this.ready.splice(at, 1)[0]);
      }
    }
  }

  /** The outcome of a message that is locked; the error that refuses it, or nothing. */
  settle(token, outcome, state) {
    const deferred = outcome === 'modified' && state?.undeliverable_here;
    return this.dispose(token, deferred ? 'deferred' : outcome, infoOf(state)) ? undefined : lockLost;
  }
  /** The same by what it means; whether the lock held. */
  dispose(token, outcome, info) {
    const lock = this.#unlock(token);
    if (!lock) return false;
    const { entry } = lock;
    if (outcome === 'accepted') {
      this.journal.gone(entry);
    } else if (outcome === 'rejected') {
      this.#bury(entry, info);
    } else if (outcome === 'deferred') {
      this.deferred.set(entry.seq, entry);
    } else {
      this.#giveBack(entry, lock.deferred);
    }
    return true;
  }
  /** Locks those of these numbers, or takes them for good; nothing unless all are deferred. */
  takeDeferred(numbers, peekLock) {
    if (!numbers.every((seq) => this.deferred.has(seq))) return undefined;
    return numbers.map((seq) => {
      const entry = this.deferred.get(seq);
      this.deferred.delete(seq);
      const token = randomBytes(16).toString('hex');
      let until = Date.now();
      if (peekLock) {
        const lock = { entry, deferred: true };
        this.locked.set(token, lock);
        until = this.#watch(token, lock);
      } else {
        this.journal.gone(entry);
      }
      return { token, message: this.#outgoing(entry, until) };
    });
  }
  /** Until when the lock holds now; nothing when it is lost. */
  renew(token) {
    const lock = this.locked.get(token);
    if (!lock) return undefined;
    clearTimeout(lock.timer);
    return this.#watch(token, lock);
  }

  /** Calls back with (nothing, name, until) once `link` has a session, the wanted one or the next; or with an error. */
  acceptSession(link, wanted, done) {
    if (this.sessions.has(wanted)) {
      return done(error('com.microsoft:session-cannot-be-locked', `The session '${wanted}' is locked by another.`));
    }
    const wait = { link, wanted, done };
    wait.timer = setTimeout(() => {
      this.waiting = this.waiting.filter((other) => other !== wait);
      done(error('com.microsoft:timeout', 'No session came in time.'));
    }, this.options.sessionWaitMs);
    this.waiting.push(wait);
    return this.#giveSessions();
  }
  renewSession(id) {
    const session = this.sessions.get(id);
    if (!session) return undefined;
    clearTimeout(session.timer);
    session.until = Date.now() + this.options.lockMs;
    session.timer = setTimeout(() => {
      session.link.close(error('com.microsoft:session-lock-lost', 'The session lock has expired.'));
      this.detach(session.link);
    }, this.options.lockMs);
    return session.until;
  }

  #isDuplicate(message) {
    const { duplicatesMs } = this.options;
    if (!duplicatesMs || message.message_id === undefined) return false;
    const id = String(message.message_id);
    const before = this.seen.get(id);
    this.seen.set(id, Date.now());
    return before !== undefined && before > Date.now() - duplicatesMs;
  }
  #add(entry, how) {
    if (how === 'new') this.journal.put(this.path, entry);
    const due = entry.message.message_annotations?.['x-opt-scheduled-enqueue-time'];
    const wait = due === undefined ? 0 : Number(due) - Date.now();
    if (wait > 0) {
      const timer = setTimeout(() => {
        this.scheduled.delete(entry.seq);
        this.#insert(entry);
      }, wait);
      this.scheduled.set(entry.seq, { entry, timer });
    } else {
      this.#insert(entry);
    }
  }
  #insert(entry) {
    let at = this.ready.length;
    while (at > 0 && this.ready[at - 1].seq > entry.seq) --at;
    this.ready.splice(at, 0, entry);
    this.#giveSessions();
    this.pump();
  }
  /** One that was deferred before stays so. */
  #giveBack(entry, deferred = false) {
    ++entry.count;
    if (entry.count >= this.options.deliveriesMax) {
      return this.#bury(entry, { DeadLetterReason: 'MaxDeliveryCountExceeded' });
    }
    this.journal.count(entry);
    if (deferred) return this.deferred.set(entry.seq, entry);
    return this.#insert(entry);
  }
  #bury(entry, info) {
    this.journal.gone(entry);
    const { DeadLetterReason, DeadLetterErrorDescription } = info;
    const properties = { ...entry.message.application_properties, DeadLetterReason, DeadLetterErrorDescription };
    for (const name of Object.keys(properties)) if (properties[name] === undefined) delete properties[name];
    (this.dead ?? this).put(
      Object.assign(Object.create(Object.getPrototypeOf(entry.message)), entry.message, {
        application_properties: properties,
      }),
    );
  }

  #send(link, entry) {
    const tag = randomBytes(16);
    const token = tag.toString('hex');
    if (link.snd_settle_mode === 1) {
      this.journal.gone(entry);
      return link.send(entry.message, tag).update(true);
    }
    const lock = { entry, link };
    this.locked.set(token, lock);
    const until = this.#watch(token, lock);
    link.send(this.#outgoing(entry, until), tag);
  }
  #outgoing(entry, until) {
    const annotations = {
      ...entry.message.message_annotations,
      'x-opt-sequence-number': rhea.types.wrap_long(entry.seq),
      'x-opt-enqueued-time': rhea.types.wrap_timestamp(Date.now()),
      'x-opt-locked-until': rhea.types.wrap_timestamp(until),
    };
    return { ...entry.message, delivery_count: entry.count, message_annotations: annotations };
  }
  #watch(token, lock) {
    lock.timer = setTimeout(() => this.#giveBack(this.#unlock(token).entry, lock.deferred), this.options.lockMs);
    return Date.now() + this.options.lockMs;
  }
  #unlock(token) {
    const lock = this.locked.get(token);
    if (!lock) return undefined;
    clearTimeout(lock.timer);
    this.locked.delete(token);
    return lock;
  }

  #giveSessions() {
    this.waiting = this.waiting.filter(({ link, wanted, done, timer }) => {
      const id = wanted ?? this.ready.find((entry) => !this.sessions.has(entry.message.group_id))?.message.group_id;
      if (id === undefined || this.sessions.has(id)) return true;
      clearTimeout(timer);
      this.sessions.set(id, { link });
      done(undefined, id, this.renewSession(id));
      this.attach(link, id);
      return false;
    });
  }
  /** What a session's consumer had locked comes again at once. */
  #freeSession(id) {
    clearTimeout(this.sessions.get(id).timer);
    this.sessions.delete(id);
    for (const [token, lock] of this.locked) {
      if (lock.entry.message.group_id === id) this.#giveBack(this.#unlock(token).entry);
    }
    this.#giveSessions();
  }
}

module.exports = { Queue, error };

'use strict';
/*
 * Azure Service Bus's conventions over AMQP 1.0, as far as the tests of adapters/servicebus need them: $cbs, peek-lock
 * with settling by both sides, dead letters, scheduled messages, sessions, duplicate detection, batches, $management.
 * It is no Service Bus: one process on the loopback, every entity given by its configuration.
 *
 *   node emulator.js CONFIG.json
 *   { "port": 5672, "key": { "name": "...", "value": "..." }, "bytesMax": 1048576, "journal": "FILE",
 *     "tls": { "key": "FILE.pem", "certificate": "FILE.pem" },
 *     "queues": { "orders": { "lockMs": 30000, "deliveriesMax": 10, "sessions": false, "duplicatesMs": 0, "busy": 0,
 *                           "sessionWaitMs": 60000 } },
 *     "topics": { "events": { "all": {}, "some": { "rules": { "placed": { "label": "orders.placed" } } } } } }
 */
const fs = require('fs');
const rhea = require('rhea');
const { Claims } = require('./claims.js');
const { Journal } = require('./journal.js');
const { manage } = require('./management.js');
const { Queue, error } = require('./queue.js');
const { Rules } = require('./rules.js');
const { Topic } = require('./topic.js');

const kBatch = 0x80013700; // the message format of several messages in one transfer
const kSessionFilter = 'com.microsoft:session-filter';
const kTicksAt1970 = 621_355_968_000_000_000n;

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const journal = new Journal(config.journal);
const queues = new Map(); // path in lower case -> Queue
const topics = new Map(); // name in lower case -> Topic

function addQueue(path, options) {
  const queue = new Queue(path, options, journal);
  for (const each of [queue, queue.dead]) queues.set(each.path.toLowerCase(), each);
  return queue;
}
for (const [name, options] of Object.entries(config.queues ?? {})) addQueue(name, options);
for (const [name, subscriptions] of Object.entries(config.topics ?? {})) {
  topics.set(
    name.toLowerCase(),
    new Topic(
      Object.entries(subscriptions).map(([each, options]) => {
        const queue = addQueue(`${name}/Subscriptions/${each}`, options);
        queue.rules = new Rules(options.rules);
        return queue;
      }),
      journal,
    ),
  );
}
for (const entry of [...journal.kept.values()]) queues.get(entry.path.toLowerCase())?.restore(entry);

const say = (text) => fs.writeSync(1, text + '\n');
let connections = 0;

const container = rhea.create_container({
  id: 'servicebus-emulator',
  sender_options: { autosettle: false, treat_modified_as_released: false },
  receiver_options: { autoaccept: false, max_message_size: config.bytesMax ?? 1_048_576 },
});
container.sasl_server_mechanisms.enable_anonymous();
container.sasl_server_mechanisms.enable_plain(
  (user, password) => user === config.key.name && password === config.key.value,
);

/** What the emulator knows of a connection. */
function stateOf(connection) {
  if (!connection.emulated) {
    connection.emulated = { number: ++connections, claims: new Claims(config.key), replies: new Map() };
    connection.emulated.claims.all = connection.sasl_transport?.selected?.mechanism?.username !== undefined;
  }
  return connection.emulated;
}

/** Attaches `link` as asked, or refuses it: with an empty address in its own place, and the reason after it. */
function answerAttach(link, refused) {
  if (refused) return link.close(refused);
  link.set_source(link.source ?? {});
  link.set_target(link.target ?? {});
  return undefined;
}
function refusal(connection, path, known) {
  if (!stateOf(connection).claims.allow(path)) {
    return error('amqp:unauthorized-access', `Unauthorized access. 'Send,Listen' claim(s) are required on '${path}'.`);
  }
  if (!known) return error('amqp:not-found', `The messaging entity '${path}' could not be found.`);
  return undefined;
}
const baseOf = (path) => path.replace(/\/\$management$/i, '');
const findQueue = (path) => queues.get(path.toLowerCase());

// The client receives.
container.on('sender_open', ({ connection, sender }) => {
  const path = sender.source?.address ?? '';
  if (path === '$cbs' || path.endsWith('/$management')) {
    const { replies } = stateOf(connection);
    for (const name of [sender.name, sender.target?.address]) if (name) replies.set(name, sender); // clients use either
    return answerAttach(
      sender,
      path === '$cbs'
        ? undefined
        : refusal(connection, path, topics.has(baseOf(path).toLowerCase()) || findQueue(baseOf(path))),
    );
  }
  const queue = findQueue(path);
  const refused = refusal(connection, path, queue);
  const filter = sender.source?.filter;
  if (refused || !queue.options.sessions) {
    answerAttach(sender, refused);
    if (!refused) {
      sender.queue = queue;
      queue.attach(sender);
    }
    return undefined;
  }
  if (!filter || !(kSessionFilter in filter)) {
    return answerAttach(
      sender,
      error(
        'amqp:not-allowed',
        'It is not possible for an entity that requires sessions to create a non-sessionful message receiver.',
      ),
    );
  }
  sender.queue = queue;
  sender._process = () => {}; // the attach is answered when there is a session
  return queue.acceptSession(sender, filter[kSessionFilter] ?? undefined, (refused, id, until) => {
    delete sender._process;
    if (refused) {
      say(`no session: ${refused.condition}`);
      answerAttach(sender, refused);
      return connection._register();
    }
    sender.local.attach.properties = { 'com.microsoft:locked-until-utc': rhea.types.wrap_long(ticks(until)) };
    sender.set_source({ ...sender.source, filter: { [kSessionFilter]: id } });
    sender.set_target(sender.target ?? {});
    return connection._register();
  });
});
const ticks = (ms) => Number(kTicksAt1970 + BigInt(ms) * 10_000n);

// The client sends.
container.on('receiver_open', ({ connection, receiver }) => {
  const path = receiver.target?.address ?? '';
  if (path === '$cbs') return answerAttach(receiver);
  const base = baseOf(path);
  return answerAttach(receiver, refusal(connection, path, topics.has(base.toLowerCase()) || findQueue(base)));
});

container.on('message', ({ connection, receiver, delivery, message, format }) => {
  const path = receiver.target.address;
  const state = stateOf(connection);
  if (path === '$cbs') {
    const [status, words] = state.claims.put(message);
    say(`token connection=${state.number} name=${message.application_properties.name} status=${status}`);
    delivery.accept();
    return reply(state, message, {
      correlation_id: message.message_id,
      application_properties: { 'status-code': status, 'status-description': words },
      body: null,
    });
  }
  if (path.endsWith('/$management')) {
    delivery.accept();
    const queue = findQueue(baseOf(path)) ?? topics.get(baseOf(path).toLowerCase());
    say(`manage ${message.application_properties?.operation} ${queue.path}`);
    return reply(state, message, manage(queue, message));
  }
  let parts = [message];
  if (format === kBatch) {
    const { content, multiple } = rhea.message.decode(message).body;
    parts = (multiple ? content : [content]).map((bytes) => rhea.message.decode(bytes));
  }
  const target = topics.get(path.toLowerCase()) ?? findQueue(path);
  let refused;
  for (const part of parts) refused ??= target.put(part);
  return refused ? delivery.reject(refused) : delivery.accept();
});
function reply(state, request, answer) {
  state.replies.get(request.reply_to)?.send(answer);
}

// Settled by the client, then by the broker, so that each knows.
for (const outcome of ['accepted', 'rejected', 'released', 'modified']) {
  container.on(outcome, ({ sender, delivery }) => {
    if (!sender.queue) return settle(delivery);
    const refused = sender.queue.settle(delivery.tag.toString('hex'), outcome, delivery.remote_state);
    return settle(delivery, refused ? rhea.message.rejected({ error: refused }) : rhea.message[outcome]({}));
  });
}
/** The client need not answer any more; rhea has slots for 2,048 deliveries, and keeps those that it waits for. */
function settle(delivery, state) {
  delivery.update(true, state?.described());
  delivery.remote_settled = true;
}
container.on('sendable', ({ sender }) => sender.queue?.pump());
container.on('sender_draining', ({ connection, sender }) => {
  sender.queue?.pump();
  setImmediate(() => {
    sender.set_drained(true);
    connection._register();
  });
});
container.on('sender_close', ({ sender }) => sender.queue?.detach(sender));
container.on('sender_error', () => {});
container.on('session_close', ({ session }) => session.local_closed || release(session.connection));
container.on('disconnected', ({ connection }) => release(connection));
container.on('connection_close', ({ connection }) => release(connection));
container.on('connection_error', () => {});
container.on('protocol_error', (problem) => say(`protocol error: ${problem.message}`));
container.on('error', (problem) => say(`error: ${problem.message ?? problem}`));
function release(connection) {
  for (const queue of queues.values()) {
    for (const link of [...queue.links, ...queue.waiting.map((each) => each.link)]) {
      if (link.connection === connection) queue.detach(link);
    }
  }
}

process.on('SIGTERM', () => process.exit(0));
const tls = config.tls && {
  transport: 'tls',
  key: fs.readFileSync(config.tls.key),
  cert: fs.readFileSync(config.tls.certificate),
};
const server = container.listen({
  port: config.port,
  host: '127.0.0.1',
  max_frame_size: 65_536,
  idle_time_out: 60_000,
  ...tls,
});
// As brokers have it: a small frame does not wait until the one before is acknowledged.
server.on('connection', (socket) => socket.setNoDelay(true));
server.on('listening', () => say('ready'));

'use strict';
const rhea = require('rhea');

/** A lock token on the link is a GUID as .NET writes it: its first three parts are turned round. */
function tokenOf(uuid) {
  const turned = Buffer.from(uuid);
  turned.subarray(0, 4).reverse();
  turned.subarray(4, 6).reverse();
  turned.subarray(6, 8).reverse();
  return turned.toString('hex');
}

const lost = [410, 'The lock supplied is invalid.', 'com.microsoft:message-lock-lost'];
const noRules = [400, 'Rules are a subscription\'s.', 'amqp:not-allowed'];
const sessionLost = [410, 'The session lock has expired.', 'com.microsoft:session-lock-lost'];

const outcomes = { completed: 'accepted', abandoned: 'abandoned', suspended: 'rejected', defered: 'deferred' };

/** Each operation of a queue's $management node: (queue, map) to [status, words, error condition] or { body }. */
const operations = {
  'com.microsoft:renew-lock'(queue, map) {
    const expirations = [...map['lock-tokens']].map((uuid) => queue.renew(tokenOf(uuid)));
    if (expirations.includes(undefined)) return lost;
    return { body: { expirations: rhea.types.wrap_array(expirations, 0x83) } };
  },
  'com.microsoft:schedule-message'(queue, map) {
    const numbers = [];
    for (const each of map.messages) {
      const refused = queue.put(rhea.message.decode(each.message));
      if (refused) return [400, refused.description, refused.condition];
      numbers.push(queue.journal.last);
    }
    return { body: { 'sequence-numbers': rhea.types.wrap_array(numbers, 0x81) } };
  },
  'com.microsoft:cancel-scheduled-message'(queue, map) {
    const all = [...map['sequence-numbers']].map((number) => queue.cancel(Number(number)));
    return all.every(Boolean) ? {} : [404, 'No such message is scheduled.', 'com.microsoft:message-not-found'];
  },
  'com.microsoft:receive-by-sequence-number'(queue, map) {
    const peekLock = Number(map['receiver-settle-mode']) === 1;
    const taken = queue.takeDeferred([...map['sequence-numbers']].map(Number), peekLock);
    if (!taken) return [404, 'No such message is deferred.', 'com.microsoft:message-not-found'];
    const messages = taken.map(({ token, message }) => ({
      'lock-token': rhea.types.wrap_uuid(Buffer.from(tokenOf(Buffer.from(token, 'hex')), 'hex')),
      message: rhea.message.encode(message),
    }));
    return { body: { messages } };
  },
  'com.microsoft:update-disposition'(queue, map) {
    const outcome = outcomes[map['disposition-status']];
    if (!outcome) return [400, 'No such disposition.', 'com.microsoft:argument-error'];
    const reason = { DeadLetterReason: map['deadletter-reason'] };
    const all = [...map['lock-tokens']].map((uuid) => queue.dispose(tokenOf(uuid), outcome, reason));
    return all.every(Boolean) ? {} : lost;
  },
  'com.microsoft:renew-session-lock'(queue, map) {
    const until = queue.renewSession(map['session-id']);
    return until === undefined ? sessionLost : { body: { expiration: rhea.types.wrap_timestamp(until) } };
  },
  'com.microsoft:set-session-state'(queue, map) {
    if (!queue.sessions.has(map['session-id'])) return sessionLost;
    queue.states.set(map['session-id'], map['session-state']);
    return {};
  },
  'com.microsoft:get-session-state'(queue, map) {
    if (!queue.sessions.has(map['session-id'])) return sessionLost;
    return { body: { 'session-state': queue.states.get(map['session-id']) ?? null } };
  },
  'com.microsoft:add-rule'(queue, map) {
    const name = map['rule-name'];
    if (!queue.rules) return noRules;
    try {
      if (queue.rules.add(name, map['rule-description'])) return {};
    } catch (problem) {
      return [400, problem.message, 'amqp:invalid-field'];
    }
    return [409, `The rule '${name}' already exists.`, 'com.microsoft:entity-already-exists'];
  },
  'com.microsoft:remove-rule'(queue, map) {
    if (!queue.rules) return noRules;
    return queue.rules.remove(map['rule-name']) ? {} : [404, 'There is no such rule.', 'amqp:not-found'];
  },
  'com.microsoft:enumerate-rules'(queue, map) {
    if (!queue.rules) return noRules;
    return { body: { rules: queue.rules.list(Number(map.skip ?? 0), Number(map.top ?? 100)) } };
  },
};

/** Answers a request to the queue's $management node: the message to reply with. */
function manage(queue, request) {
  const name = request.application_properties?.operation;
  const operation = operations[name];
  const answer = operation
    ? operation(queue, request.body ?? {})
    : [501, `The emulator has no ${name}.`, 'amqp:not-implemented'];
  const [status, words, condition] = Array.isArray(answer) ? answer : [200, 'OK'];
  const properties = { statusCode: status, statusDescription: words };
  if (condition) properties.errorCondition = condition;
  return { correlation_id: request.message_id, application_properties: properties, body: answer.body ?? null };
}

module.exports = { manage };

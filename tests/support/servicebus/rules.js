'use strict';

/** A correlation filter: all that it names must be equal. `subject` and `label` are the same. */
function correlates(filter, message) {
  const system = {
    'correlation-id': message.correlation_id,
    'message-id': message.message_id,
    to: message.to,
    'reply-to': message.reply_to,
    label: message.subject,
    subject: message.subject,
    'session-id': message.group_id,
    'content-type': message.content_type,
  };
  return Object.entries(filter).every(([name, wanted]) =>
    name === 'properties'
      ? Object.entries(wanted).every(([each, value]) => message.application_properties?.[each] === value)
      : system[name] === wanted,
  );
}

/** What a subscription takes of its topic's messages: those that any of its rules matches. Without a word: all. */
class Rules {
  constructor(given) {
    this.byName = new Map(Object.entries(given ?? { $Default: {} })); // name -> correlation filter
  }
  match(message) {
    return [...this.byName.values()].some((filter) => correlates(filter, message));
  }
}

module.exports = { Rules };

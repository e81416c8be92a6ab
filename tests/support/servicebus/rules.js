'use strict';
const rhea = require('rhea');
const { compile } = require('./sql.js');

const kFields = [
  'correlation-id',
  'message-id',
  'to',
  'reply-to',
  'label',
  'session-id',
  'reply-to-session-id',
  'content-type',
];
// The descriptors of what $management says about a rule.
const kRule = 0x13700000004;
const kNoAction = 0x13700000005;
const kSqlFilter = 0x1370000006;
const kCorrelationFilter = 0x1370000009;

const systemOf = (message) => ({
  'correlation-id': message.correlation_id,
  'message-id': message.message_id,
  to: message.to,
  'reply-to': message.reply_to,
  label: message.subject,
  'session-id': message.group_id,
  'reply-to-session-id': message.reply_to_group_id,
  'content-type': message.content_type,
});
const kSqlNames = { label: 'label', subject: 'label', correlationid: 'correlation-id', messageid: 'message-id' };
const kMoreSqlNames = { sessionid: 'session-id', contenttype: 'content-type', to: 'to', replyto: 'reply-to' };

/** All that the filter names must be equal. */
function correlates(filter, message) {
  const system = systemOf(message);
  return (
    kFields.every((name) => (filter[name] ?? undefined) === undefined || filter[name] === system[name]) &&
    Object.entries(filter.properties ?? {}).every(([name, value]) => message.application_properties?.[name] === value)
  );
}
/** A name of an SQL expression, in `message`. */
const valueIn = (message) => (name) => {
  const [, system] = /^sys\.(\w+)$/i.exec(name) ?? [];
  if (system) return systemOf(message)[{ ...kSqlNames, ...kMoreSqlNames }[system.toLowerCase()]] ?? undefined;
  return message.application_properties?.[name.replace(/^user\./i, '')] ?? undefined;
};

/** What a subscription takes of its topic's messages: those that any of its rules takes. */
class Rules {
  /** `given`: name -> { label: …, properties: {…} } or { sql: … }; without it everything is taken. */
  constructor(given) {
    this.byName = new Map();
    for (const [name, { sql, ...filter }] of Object.entries(given ?? { $Default: { sql: '1=1' } })) {
      this.add(name, sql === undefined ? { 'correlation-filter': filter } : { 'sql-filter': { expression: sql } });
    }
  }
  /** False when there is one; throws for an expression that cannot be read. */
  add(name, description) {
    if (this.byName.has(name)) return false;
    const sql = description['sql-filter']?.expression;
    const matches = sql === undefined ? undefined : compile(sql);
    const filter = description['correlation-filter'] ?? {};
    this.byName.set(name, {
      matches: matches ? (message) => matches(valueIn(message)) : (message) => correlates(filter, message),
      described: () => (sql === undefined ? describeCorrelation(filter) : describe(kSqlFilter, [sql, 20])),
    });
    return true;
  }
  remove(name) {
    return this.byName.delete(name);
  }
  match(message) {
    return [...this.byName.values()].some((rule) => rule.matches(message));
  }
  /** As $management lists them. */
  list(skip, top) {
    return [...this.byName]
      .slice(skip, skip + top)
      .map(([name, rule]) => ({ 'rule-description': describe(kRule, [rule.described(), describe(kNoAction, []), name]) }));
  }
}
const describe = (code, fields) => rhea.types.wrap_described(fields, code);
const describeCorrelation = (filter) =>
  describe(kCorrelationFilter, [...kFields.map((name) => filter[name] ?? null), filter.properties ?? {}]);

module.exports = { Rules };

'use strict';
/*
 * The other end of a conversation: the official client of Azure Service Bus.
 *
 *   node official.js CONNECTION_STRING send QUEUE COUNT       one batch of them, with bodies official-0, official-1 ...
 *   node official.js CONNECTION_STRING send-map QUEUE         a message whose body is a map of AMQP's
 *   node official.js CONNECTION_STRING receive QUEUE COUNT    completes them, and prints each as a line of JSON
 *   node official.js CONNECTION_STRING receive-session QUEUE SESSION COUNT
 *   node official.js CONNECTION_STRING dead QUEUE COUNT       the same of QUEUE's dead letters
 *   node official.js CONNECTION_STRING schedule QUEUE MS      a message, in so many milliseconds; prints its number
 *   node official.js CONNECTION_STRING cancel QUEUE NUMBER
 *   node official.js CONNECTION_STRING defer QUEUE            defers the next message; prints its number
 *   node official.js CONNECTION_STRING receive-deferred QUEUE NUMBER     completes it, and prints its body
 *   node official.js CONNECTION_STRING rules TOPIC SUBSCRIPTION          prints each as a line of JSON
 *   node official.js CONNECTION_STRING add-rule TOPIC SUBSCRIPTION NAME FILTER     FILTER in JSON
 *   node official.js CONNECTION_STRING state QUEUE SESSION TEXT          prints the session's state, and changes it
 */
const { ServiceBusClient } = require('@azure/service-bus');

const [connectionString, command, queue, ...rest] = process.argv.slice(2);

async function take(receiver, count) {
  for (let left = count; left > 0;) {
    const messages = await receiver.receiveMessages(left, { maxWaitTimeInMs: 30_000 });
    if (messages.length === 0) throw new Error('nothing came for half a minute');
    for (const message of messages) {
      await receiver.completeMessage(message);
      const {
        body,
        subject,
        sessionId,
        contentType,
        applicationProperties,
        messageId,
        deliveryCount,
        deadLetterReason,
      } = message;
      const text = Buffer.isBuffer(body) ? body.toString('latin1') : body;
      console.log(
        JSON.stringify({
          text,
          subject,
          sessionId,
          contentType,
          applicationProperties,
          messageId,
          deliveryCount,
          deadLetterReason,
        }),
      );
    }
    left -= messages.length;
  }
  await receiver.close();
}

async function send(client, count) {
  const messages = [];
  for (let i = 0; i < count; ++i) {
    messages.push({
      body: Buffer.from(`official-${i}`),
      messageId: `official-${i}`,
      subject: 'from.official',
      sessionId: `s${i % 3}`,
      contentType: 'text/plain',
      applicationProperties: { number: i, odd: i % 2 === 1, name: 'Zürich' },
    });
  }
  await client.createSender(queue).sendMessages(messages);
}

async function listRules(manager) {
  for await (const rule of manager.listRules()) console.log(JSON.stringify(rule));
}
async function changeState(receiver, text) {
  console.log(String(await receiver.getSessionState()));
  await receiver.setSessionState(Buffer.from(text));
  await receiver.close();
}

async function main() {
  const client = new ServiceBusClient(connectionString);
  if (command === 'send') await send(client, Number(rest[0]));
  if (command === 'send-map') {
    await client
      .createSender(queue)
      .sendMessages({ bodyType: 'value', body: { a: 1 }, properties: { messageId: 'map' } });
  }
  if (command === 'receive') await take(client.createReceiver(queue), Number(rest[0]));
  if (command === 'receive-session') await take(await client.acceptSession(queue, rest[0]), Number(rest[1]));
  if (command === 'dead') await take(client.createReceiver(queue, { subQueueType: 'deadLetter' }), Number(rest[0]));
  if (command === 'schedule') {
    const when = new Date(Date.now() + Number(rest[0]));
    const [number] = await client.createSender(queue).scheduleMessages({ body: Buffer.from('later') }, when);
    console.log(String(number));
  }
  if (command === 'cancel') {
    const { fromString } = require('long');
    await client.createSender(queue).cancelScheduledMessages(fromString(rest[0]));
  }
  if (command === 'defer') {
    const receiver = client.createReceiver(queue);
    const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs: 30_000 });
    await receiver.deferMessage(message);
    console.log(String(message.sequenceNumber));
  }
  if (command === 'receive-deferred') {
    const { fromString } = require('long');
    const receiver = client.createReceiver(queue);
    const [message] = await receiver.receiveDeferredMessages(fromString(rest[0]));
    await receiver.completeMessage(message);
    console.log(message.body.toString());
  }
  if (command === 'rules') await listRules(client.createRuleManager(queue, rest[0]));
  if (command === 'add-rule') await client.createRuleManager(queue, rest[0]).createRule(rest[1], JSON.parse(rest[2]));
  if (command === 'state') await changeState(await client.acceptSession(queue, rest[0]), rest[1]);
  await client.close();
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Package bus says typed things over NATS: events through JetStream on core,
// requests and nudges over plain NATS on either system.
//
// It owns how a message is published, acknowledged, tried again and given up,
// and how a fault crosses a request. It does not own the messages (contract), nor
// the connections (embedded), nor the outboxes that events come from.
//
// Invariants:
//   - Publish returns nil only after the stream has the event on disk.
//   - A consumer acknowledges only after its handler returned nil, and knows that
//     the acknowledgement is kept. A handler may still see an event twice (a crash
//     lies between its effect and the acknowledgement), so handlers remember
//     Event.ID with their effect.
//   - The stream decides nothing. If it is deleted, EnsureStreams makes it again,
//     the outboxes fill it again, and consumers go on by themselves.
package bus

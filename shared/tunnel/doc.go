// Package tunnel carries HTTP over NATS between the gateway of the control plane
// and the HTTP handler of an agent, which the gateway cannot dial.
//
// It owns the frames and both ends: Client on the gateway's side, Serve on the
// agent's. It does not own who may ask (gateway) or what is answered (the
// agent's API).
//
// An exchange is one request and its response. A small one is a single message
// each way. What is larger, or has to be seen at once, follows in body frames.
//
// # Frames
//
// Every message is one frame: a header of 24 bytes, big endian, and a payload.
//
//	 0  version, 1
//	 1  kind
//	 2  flags: 1 = last frame of this direction
//	 3  0
//	 4  sequence, 4 bytes: counts head, body and fault frames of one direction
//	    from 0; it is 0 in all other kinds
//	 8  gateway, 8 bytes: which gateway, chosen at random when it starts
//	16  exchange, 8 bytes: counted by that gateway from 1
//	24  payload
//
//	kind       way    payload
//	1 request  down   head, then the first bytes of the body
//	2 response up     head, then the first bytes of the body
//	3 body     both   1 byte to MaxChunk bytes; nothing only when it is the last
//	4 credit   both   4 bytes: so much more may be sent
//	5 cancel   down   nothing: nobody waits for the answer any more
//	6 fault    up     fault.Problem as JSON; ends the exchange
//	7 alive    both   nothing: the other end still works on it
//
// A head is its length as a varint and then its fields: a number is a varint, a
// text is its length as a varint and its bytes. Of a request: method, target
// (path and query), host, milliseconds left (0 = no limit), length of the body
// plus 1 (0 = unknown), tenant, person, role, plan, number of headers, name and
// value of each. Of a response: status, length of the body plus 1 (0 = unknown),
// number of headers, name and value of each.
//
// # Rules
//
//   - Flow control: either side may have window bytes on the way, counting each
//     head's and body frame's bytes of body and frameCost a frame; the receiver
//     gives credit back as its reader reads. So a slow reader holds the sender
//     and never fills memory, and the tunnel itself never drops a frame.
//   - A gap, a repetition or a frame beyond the window ends the exchange with a
//     fault, never with wrong bytes.
//   - The agent says something within 2 s of a request, and each side every 3 s
//     while an exchange is open. Whoever hears nothing for 10 s ends it.
//   - The gateway believes a frame only if the account and agent in its subject,
//     both enforced by the server, are the ones that it asked.
//   - Only the headers of two short lists pass. Cookies and authorisations do not:
//     the principal travels in the head, and the agent believes it because only
//     the control plane can publish where it listens.
package tunnel

package tunnel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of an exchange.
var (
	ErrNoAnswer   = fault.New(fault.Unavailable, "tunnel.no_answer", "Your data plane does not answer right now. Try again in a moment.")
	ErrSilent     = fault.New(fault.Unavailable, "tunnel.silent", "Your data plane stopped answering in the middle. Try again in a moment.")
	ErrBroken     = fault.New(fault.Unavailable, "tunnel.broken", "The connection to your data plane was disturbed. Try again in a moment.")
	ErrBusy       = fault.New(fault.Unavailable, "tunnel.busy", "Your data plane has too much to do right now. Try again in a moment.")
	ErrStopping   = fault.New(fault.Unavailable, "tunnel.stopping", "Your data plane is restarting. Try again in a moment.")
	ErrHeadSize   = fault.New(fault.TooLarge, "tunnel.head_too_large", "The address or the headers of this request are too large; send less than 64 KiB and 100 headers.")
	ErrTooSlow    = fault.New(fault.Unavailable, "tunnel.too_slow", "This took too long. Try again in a moment.")
	ErrAnswerHead = fault.New(fault.Internal, "tunnel.answer_head", "Something went wrong on our side. Try again; if it stays, tell support.")
	ErrPanic      = fault.New(fault.Internal, "tunnel.panic", "Something went wrong on our side. Try again; if it stays, tell support.")
)

// errOver ends what still runs of an exchange whose answer is complete.
var errOver = errors.New("the exchange is over")

// clocks are the times of an exchange.
type clocks struct {
	ackAfter   time.Duration // the agent says that it works on a request
	ackWithin  time.Duration // the gateway has heard something, or gives up
	aliveEvery time.Duration // each side says something
	silenceMax time.Duration // the other side counts as gone
	lookEvery  time.Duration // how exact all this is
}

// defaultClocks: ackAfter is late enough that a quick answer needs no second
// message, and early enough for ackWithin.
func defaultClocks() clocks {
	return clocks{
		ackAfter:   500 * time.Millisecond,
		ackWithin:  2 * time.Second,
		aliveEvery: 3 * time.Second,
		silenceMax: 10 * time.Second,
		lookEvery:  250 * time.Millisecond,
	}
}

// inbox holds the body bytes of the other side, in order, until they are read.
type inbox struct {
	grant func(n int) // gives n credit back

	mu     sync.Mutex
	wake   sync.Cond
	chunks [][]byte
	weight int // of chunks, and of what was read and not yet granted
	owed   int // read and not yet granted
	next   uint32
	last   bool
	err    error
}

func newInbox(grant func(int)) *inbox {
	i := &inbox{grant: grant}
	i.wake.L = &i.mu
	return i
}

// put takes the next numbered frame. A frame out of order, or beyond the
// window, fails the inbox.
func (i *inbox) put(sequence uint32, body []byte, last bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil || i.last {
		return i.err
	}
	switch {
	case sequence != i.next:
		i.err = ErrBroken.Because(fmt.Errorf("frame %d arrived, %d was expected", sequence, i.next))
	case i.weight+weight(len(body)) > window:
		i.err = ErrBroken.Because(errors.New("more was sent than the window allows"))
	default:
		i.next++
		i.last = last
		i.weight += weight(len(body))
		i.chunks = append(i.chunks, body)
	}
	i.wake.Broadcast()
	return i.err
}

// fail ends every Read and lets go of what was not read.
func (i *inbox) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err == nil {
		i.err = err
		i.chunks = nil
	}
	i.wake.Broadcast()
}

// Read gives bytes as they arrive, and credit back as they are taken.
func (i *inbox) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, credit, err := i.read(p)
	if credit > 0 {
		i.grant(credit)
	}
	return n, err
}

func (i *inbox) read(p []byte) (n, credit int, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for {
		for n < len(p) && len(i.chunks) > 0 {
			c := i.chunks[0]
			k := copy(p[n:], c)
			n += k
			i.owed += k
			if k < len(c) {
				i.chunks[0] = c[k:]
				break
			}
			i.chunks[0] = nil
			i.chunks = i.chunks[1:]
			i.owed += frameCost
		}
		switch {
		case n > 0:
			return n, i.settle(), nil
		case i.err != nil:
			return 0, 0, i.err
		case i.last && len(i.chunks) == 0:
			return 0, 0, io.EOF
		}
		i.wake.Wait()
	}
}

// settle says what to grant now: nothing until it is a good part of the window,
// and nothing after the last frame.
func (i *inbox) settle() int {
	if i.last || i.owed < window/4 {
		return 0
	}
	credit := i.owed
	i.weight -= credit
	i.owed = 0
	return credit
}

// outlet numbers and sends the frames of one direction and keeps to the credit.
type outlet struct {
	nc      *nats.Conn
	subject string
	id      exchangeID
	sent    atomic.Int64 // when the last frame left, Unix nanoseconds

	mu       sync.Mutex
	wake     sync.Cond
	credit   int
	sequence uint32
	deadline time.Time // for waiting on credit; zero means none
	err      error
}

func newOutlet(nc *nats.Conn, subject string, id exchangeID) *outlet {
	o := &outlet{nc: nc, subject: subject, id: id, credit: window}
	o.wake.L = &o.mu
	return o
}

// control sends a frame without number.
func (o *outlet) control(k kind, payload []byte) error {
	return o.publish(frame{kind: k, exchange: o.id, payload: payload})
}

func (o *outlet) grant(n int) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	_ = o.control(kindCredit, b[:]) // a lost connection shows on the next read
}

// head sends the head (already encoded) and the first bytes of the body.
func (o *outlet) head(k kind, head, body []byte, last bool) error {
	sequence, err := o.take(weight(len(body)))
	if err != nil {
		return err
	}
	return o.publish(frame{kind: k, exchange: o.id, sequence: sequence, last: last, payload: head}, body)
}

// body sends one chunk, when there is credit for it.
func (o *outlet) body(b []byte, last bool) error {
	sequence, err := o.take(weight(len(b)))
	if err != nil {
		return err
	}
	return o.publish(frame{kind: kindBody, exchange: o.id, sequence: sequence, last: last, payload: b})
}

// fault ends the direction with a fault; it needs no credit.
func (o *outlet) fault(problem []byte) error {
	o.mu.Lock()
	sequence := o.sequence
	o.sequence++
	o.mu.Unlock()
	return o.publish(frame{kind: kindFault, exchange: o.id, sequence: sequence, last: true, payload: problem})
}

func (o *outlet) publish(f frame, more ...[]byte) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	b := appendFrame((*buffer)[:0], f)
	for _, m := range more {
		b = append(b, m...)
	}
	*buffer = b
	o.sent.Store(time.Now().UnixNano())
	if err := o.nc.Publish(o.subject, b); err != nil {
		return ErrBroken.Because(err)
	}
	return nil
}

// take waits for credit and gives the next number.
func (o *outlet) take(n int) (sequence uint32, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && o.credit < n {
		if !o.deadline.IsZero() {
			left := time.Until(o.deadline)
			if left <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
			alarm := time.AfterFunc(left, o.wakeAll)
			o.wake.Wait()
			alarm.Stop()
			continue
		}
		o.wake.Wait()
	}
	if o.err != nil {
		return 0, o.err
	}
	o.credit -= n
	sequence = o.sequence
	o.sequence++
	return sequence, nil
}

func (o *outlet) wakeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wake.Broadcast()
}

// granted takes a credit frame. More than a window is no honest credit.
func (o *outlet) granted(payload []byte) {
	n := binary.BigEndian.Uint32(payload)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credit = int(min(int64(o.credit)+int64(n), window))
	o.wake.Broadcast()
}

func (o *outlet) until(deadline time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deadline = deadline
	o.wake.Broadcast()
}

// fail ends every wait for credit.
func (o *outlet) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.wake.Broadcast()
}

package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of asking.
var (
	ErrNobody   = fault.New(fault.Unavailable, "bus.nobody", "The other side is not there right now. Try again in a moment.")
	ErrNoAnswer = fault.New(fault.Unavailable, "bus.no_answer", "The other side did not answer in time. Try again in a moment.")
	ErrBusy     = fault.New(fault.Unavailable, "bus.busy", "The other side has too much to do right now. Try again in a moment.")
)

// askWithin is the patience of an Ask whose context has no deadline.
const askWithin = 5 * time.Second

// Ask sends q on subject and waits for the answer: until ctx ends, and for 5 s
// when ctx has no deadline. It fails with the other side's fault, with ErrNobody
// when nobody listens, with ErrNoAnswer in time, or with ctx's error when it was
// cancelled.
func Ask[A, Q contract.Message](ctx context.Context, nc *nats.Conn, subject string, q Q) (A, error) {
	var none A
	b, err := contract.Encode(q)
	if err != nil {
		return none, err
	}
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askWithin)
		defer cancel()
	}
	m, err := nc.RequestWithContext(ctx, subject, b)
	switch {
	case err == nil:
	case errors.Is(err, nats.ErrNoResponders):
		return none, ErrNobody
	case errors.Is(err, context.Canceled):
		return none, err
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return none, ErrNoAnswer.Because(err)
	default:
		return none, ErrNobody.Because(err)
	}
	if m.Header.Get(contract.FaultHeader) != "" {
		return none, contract.DecodeFault(m.Data)
	}
	a, err := contract.Decode[A](m.Data)
	if err != nil {
		return none, fmt.Errorf("read answer on %s: %w", subject, err)
	}
	return a, nil
}

// Nudge sends m on subject and does not wait. Nobody may count on its arrival.
func Nudge(nc *nats.Conn, subject string, m contract.Message) error {
	b, err := contract.Encode(m)
	if err != nil {
		return err
	}
	if err := nc.Publish(subject, b); err != nil {
		return ErrNobody.Because(err)
	}
	return nil
}

// Answering is a subject that is being answered.
type Answering struct {
	sub     *nats.Subscription
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// answerLimits bound one Answering.
const (
	answersAtOnce = 256
	answerWithin  = 10 * time.Second
)

// Answer calls handle for every request on subject, up to 256 at a time; a
// request beyond that is told ErrBusy. With a queue, one of the processes that
// share it answers. handle gets the subject as the server delivered it and a
// context of 10 s. Its error goes back as a fault, and is logged here when it is
// our mistake. Stop ends it.
func Answer[Q, A contract.Message](nc *nats.Conn, subject, queue string, log *slog.Logger, handle func(ctx context.Context, subject string, q Q) (A, error)) (*Answering, error) {
	base, cancel := context.WithCancel(context.Background()) // ends with Stop
	a := &Answering{cancel: cancel}
	slots := make(chan struct{}, answersAtOnce)
	arrived := func(m *nats.Msg) {
		select {
		case slots <- struct{}{}:
		default:
			respondFault(m, ErrBusy, log)
			return
		}
		a.running.Go(func() {
			defer func() { <-slots }()
			ctx, done := context.WithTimeout(base, answerWithin)
			defer done()
			q, err := contract.Decode[Q](m.Data)
			if err != nil {
				respondFault(m, err, log)
				return
			}
			answer, err := handle(ctx, m.Subject, q)
			var b []byte
			if err == nil {
				b, err = contract.Encode(answer)
			}
			if err != nil {
				respondFault(m, err, log)
				return
			}
			if m.Reply == "" {
				return
			}
			if err := m.Respond(b); err != nil {
				log.Warn("answer not sent", "subject", m.Subject, "err", err)
			}
		})
	}
	var err error
	if queue == "" {
		a.sub, err = nc.Subscribe(subject, arrived)
	} else {
		a.sub, err = nc.QueueSubscribe(subject, queue, arrived)
	}
	if err == nil {
		err = nc.Flush() // whoever asks after Answer returned is heard
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("answer on %s: %w", subject, err)
	}
	return a, nil
}

func respondFault(m *nats.Msg, err error, log *slog.Logger) {
	kind, body := contract.EncodeFault(err)
	if kind == fault.Internal {
		log.Error("request failed", "subject", m.Subject, "err", err)
	}
	if m.Reply == "" {
		return
	}
	answer := &nats.Msg{Subject: m.Reply, Data: body, Header: nats.Header{}}
	answer.Header.Set(contract.FaultHeader, string(kind))
	if err := m.RespondMsg(answer); err != nil {
		log.Warn("fault not sent", "subject", m.Subject, "err", err)
	}
}

// Stop takes no more requests, ends the context of the running ones and waits
// for them.
func (a *Answering) Stop() {
	_ = a.sub.Unsubscribe() // fails only when the connection is closed, which has the same effect
	a.cancel()
	a.running.Wait()
}

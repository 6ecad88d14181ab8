package tunnel

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
)

// writer is the handler's http.ResponseWriter. It holds back up to MaxChunk
// bytes, so that a small answer is one frame; Flush sends what it holds.
type writer struct {
	answer *answer
	method string
	header http.Header

	mu     sync.Mutex
	head   []byte // encoded when the status is known
	status int
	begun  bool // the head has been sent
	over   bool // the last frame has been sent
	held   []byte
	err    error
}

var _ http.Flusher = (*writer)(nil)

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. Informational statuses are not
// carried.
func (w *writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

func (w *writer) writeHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	length := int64(-1)
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 && n < maxLength {
		length = n
	}
	if !w.mayHaveBody() && w.method != http.MethodHead {
		length = 0
	}
	head, err := encodeResponseHead(responseHead{status: status, length: length, header: passing(w.header, responseHeaders)})
	if err != nil {
		w.err = err
		return
	}
	w.head = head
}

func (w *writer) mayHaveBody() bool {
	return w.method != http.MethodHead && w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// Write implements http.ResponseWriter. It waits when the caller reads slowly.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return 0, http.ErrHandlerTimeout
	}
	w.writeHeader(http.StatusOK)
	if w.err != nil {
		return 0, w.err
	}
	if !w.mayHaveBody() {
		if w.method == http.MethodHead {
			return len(p), nil
		}
		return 0, http.ErrBodyNotAllowed
	}
	written := 0
	for len(p) > 0 {
		n := min(len(p), MaxChunk-len(w.held))
		w.held = append(w.held, p[:n]...)
		p = p[n:]
		written += n
		if len(w.held) == MaxChunk && len(p) > 0 {
			if err := w.send(false); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// Flush implements http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError sends what is held; http.ResponseController calls it.
func (w *writer) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return http.ErrHandlerTimeout
	}
	w.writeHeader(http.StatusOK)
	if w.begun && len(w.held) == 0 {
		return w.err
	}
	return w.send(false)
}

// SetWriteDeadline bounds how long a Write waits for a slow caller;
// http.ResponseController calls it.
func (w *writer) SetWriteDeadline(t time.Time) error {
	w.answer.out.until(t)
	return nil
}

// send sends what is held, and the head if it has not gone yet.
func (w *writer) send(last bool) error {
	if w.err != nil {
		return w.err
	}
	if w.begun {
		w.err = w.answer.out.body(w.held, last)
	} else {
		w.err = w.answer.out.head(kindResponse, w.head, w.held, last)
		w.begun = true
	}
	w.held = w.held[:0]
	w.over = w.over || last
	return w.err
}

// finish sends the last frame after the handler has returned.
func (w *writer) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil
	}
	w.writeHeader(http.StatusOK)
	if errors.Is(w.err, errHeadTooBig) {
		w.over = true
		_, problem := contract.EncodeFault(ErrAnswerHead)
		return errors.Join(w.err, w.answer.out.fault(problem))
	}
	return w.send(true)
}

// giveUp ends the answer with a fault instead, whatever has been sent.
func (w *writer) giveUp(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.over = true
	_, problem := contract.EncodeFault(err)
	_ = w.answer.out.fault(problem) // nobody may be there any more
}

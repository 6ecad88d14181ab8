package notify

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Operations are the HTTP operations of this slice.
type Operations struct{ mailbox *Mailbox }

// NewOperations serves the mailbox.
func NewOperations(b *Mailbox) *Operations { return &Operations{mailbox: b} }

// shownMax is how many mails the built-in outbox shows.
const shownMax = 50

// OutboxRequest is GET /v1/outbox.
type OutboxRequest struct{}

// MailView is a mail as the built-in outbox shows it.
type MailView struct {
	ID      id.Mail   `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html" doc:"to be shown in a sandboxed frame"`
	At      time.Time `json:"at"`
}

// OutboxResponse holds the newest mails.
type OutboxResponse struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Mails []MailView `json:"mails"`
	}
}

// Outbox shows the newest 50 mails, or fails with ErrNoOutbox when a mail server
// delivers them. Mails of before that, or that wait to be sent, are not shown.
func (o *Operations) Outbox(ctx context.Context, _ *OutboxRequest) (*OutboxResponse, error) {
	if !o.mailbox.Shows() {
		return nil, ErrNoOutbox
	}
	mails, err := o.mailbox.Newest(ctx, shownMax)
	if err != nil {
		return nil, err
	}
	r := &OutboxResponse{CacheControl: "no-store"}
	r.Body.Mails = []MailView{}
	for _, m := range mails {
		if m.State == Shown {
			r.Body.Mails = append(r.Body.Mails, MailView{ID: m.ID, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, At: m.At})
		}
	}
	return r, nil
}

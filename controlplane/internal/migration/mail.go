package migration

import (
	"context"
	"fmt"

	"github.com/dyocense/dyocense/controlplane/internal/notify"
)

// mail tells who asked for the move of a milestone, once. A crash between the
// record and the mail costs that mail; the page tells the same.
func (w *worker) mail(ctx context.Context, rec record) error {
	subject, sentences := news(w.order, rec)
	if subject == "" || w.order.Email == "" { // nobody asked for it
		return nil
	}
	err := w.mailbox.Post(ctx, fmt.Sprintf("move/%s/%d", w.order.ID, rec.N), w.order.Email, notify.MoveNews{
		Line: subject, Company: w.order.Company, Sentences: sentences, Link: w.site + "/upgrade",
	})
	if err != nil {
		w.log.WarnContext(ctx, "mail about a move not queued", "err", err)
	}
	return nil
}

// news are the subject and the text of a mail about rec, "" for what is no
// milestone.
func news(o Order, rec record) (subject string, sentences []string) {
	switch rec.Event {
	case TargetWanted:
		return "Your move has begun", []string{headline(o, rec), "We tell you when the copy is good, and when it is done."}
	case Rehearsed:
		if !rec.Facts.Asked {
			return "", nil
		}
		return "Ready to switch", []string{headline(o, rec)}
	case PaymentFailed, SwitchPutOff, RollBackPutOff, StepFailed:
		sentences = []string{headline(o, rec)}
		if rec.Facts.Error != nil {
			sentences = append(sentences, rec.Facts.Error.Detail)
		}
		return "Your move needs you", sentences
	case HandedOver:
		sentences = []string{headline(o, rec)}
		if p := rec.Facts.Pause; p != nil {
			sentences = append(sentences, fmt.Sprintf("Writes waited for %.0f ms.", p.Millis))
		}
		if u := rec.Facts.SoakUntil; u != nil {
			sentences = append(sentences, "You can go back until "+u.Format("2 January 2006, 15:04 MST")+".")
		}
		return "You have moved", sentences
	case AcceptAsked:
		return "Your move is final", []string{headline(o, rec)}
	case OldCopyGone:
		return "The old copy is deleted", []string{headline(o, rec), fmt.Sprintf("The new place holds %d documents; the hash of its journal is %s.", rec.Facts.Proof.Documents, rec.Facts.Proof.Chain)}
	case TargetDiscarded:
		return "You went back", []string{headline(o, rec), "The payment is given back."}
	case GivenUp:
		return "The move was given up", []string{headline(o, rec)}
	}
	return "", nil
}

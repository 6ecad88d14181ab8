package migration

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
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
		return "Your move has begun", []string{change(o), headline(o, rec), "We write again when it is done, or when it needs you."}
	case Rehearsed:
		if !rec.Facts.Asked {
			return "", nil
		}
		return "Ready to switch", []string{headline(o, rec), "Nothing is charged before you press the button."}
	case PaymentFailed, SwitchPutOff, RollBackPutOff, StepFailed:
		sentences = []string{headline(o, rec)}
		if rec.Facts.Error != nil {
			sentences = append(sentences, rec.Facts.Error.Detail)
		}
		return "Your move needs you", sentences
	case HandedOver:
		sentences = []string{headline(o, rec)}
		if p := rec.Facts.Pause; p != nil {
			sentences = append(sentences, fmt.Sprintf("Writes waited for %.0f ms, once.", p.Millis))
		}
		if u := rec.Facts.SoakUntil; u != nil {
			sentences = append(sentences, "You can go back until "+moment(*u)+".")
		}
		if paid := o.taken(rec.Facts); paid != "" {
			sentences = append(sentences, paid)
		}
		return "You have moved", sentences
	case AcceptAsked:
		sentences = []string{headline(o, rec)}
		if at := rec.Facts.DeleteAt; at != nil {
			sentences = append(sentences, "It is deleted on "+moment(*at)+"; we send you the proof.")
		}
		return "Your move is final", sentences
	case OldCopyGone:
		return "The old copy is deleted", []string{headline(o, rec), fmt.Sprintf("It was at %s. Your workspace holds %s and %d entries of its journal, whose hash is %s.",
			rec.Facts.Proof.Environment, counted(int(rec.Facts.Proof.Documents), "document"), rec.Facts.Proof.Entries, rec.Facts.Proof.Chain)}
	case TargetDiscarded:
		sentences = []string{headline(o, rec), "What you did meanwhile is kept; the plan and its price are as before."}
		if back := strings.TrimSpace(o.givenBack(rec.Facts)); back != "" {
			sentences = append(sentences, back)
		}
		return "You went back", sentences
	case GivenUp:
		return "The move was given up", []string{headline(o, rec), "The copy is deleted, and nothing is paid."}
	}
	return "", nil
}

// change is what a move is for.
func change(o Order) string {
	from, to := string(o.FromPlan), string(o.ToPlan)
	if p, err := billing.PlanOf(o.FromPlan); err == nil {
		from = p.Name
	}
	if p, err := billing.PlanOf(o.ToPlan); err == nil {
		to = p.Name
	}
	return fmt.Sprintf("%s moves from %s to %s.", o.Company, from, to)
}

// moment is a time in a mail, whose reader's zone is not known.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

package migration

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/shared/id"
)

// Move is what a person sees of a move.
type Move struct {
	ID          id.Move          `json:"id"`
	Direction   Direction        `json:"direction" enum:"upgrade,downgrade,move"`
	FromPlan    billing.PlanID   `json:"fromPlan"`
	ToPlan      billing.PlanID   `json:"toPlan"`
	State       State            `json:"state" enum:"requested,provisioning,copying,verifying,rehearsing,ready,charging,cutting,switched,accepted,cleaned,aborting,aborted,failed,rolling_back,discarding,rolled_back"`
	Over        bool             `json:"over"`
	Paused      bool             `json:"paused"`
	Headline    string           `json:"headline" doc:"what happens now, in one sentence"`
	StartedAt   time.Time        `json:"startedAt"`
	EndedAt     *time.Time       `json:"endedAt,omitempty"`
	SoakUntil   *time.Time       `json:"soakUntil,omitempty" doc:"until when one can go back"`
	DeleteAt    *time.Time       `json:"deleteAt,omitempty" doc:"when the old copy is deleted"`
	Stages      []MoveStage      `json:"stages"`
	Progress    MoveProgress     `json:"progress"`
	Collections []CollectionView `json:"collections"`
	Pause       *PauseView       `json:"pause,omitempty" doc:"of the switch"`
	PauseBack   *PauseView       `json:"pauseBack,omitempty" doc:"of going back"`
	Parity      []ParityView     `json:"parity"`
	Mismatches  []Mismatch       `json:"mismatches"`
	Actions     []Action         `json:"actions" doc:"what may be asked for now"`
	Events      []EventView      `json:"events" doc:"the log, newest last"`
	Error       *ErrorView       `json:"error,omitempty"`
	Proof       *Proof           `json:"proof,omitempty"`
}

// MoveStage is a part of a move.
type MoveStage struct {
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	State     string     `json:"state" enum:"waiting,working,done,failed,skipped"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	Millis    float64    `json:"millis"`
	Detail    string     `json:"detail"`
}

// MoveProgress is how far a move is.
type MoveProgress struct {
	Percent           int      `json:"percent" minimum:"0" maximum:"100"`
	DocumentsTotal    int64    `json:"documentsTotal"`
	DocumentsCopied   int64    `json:"documentsCopied"`
	DocumentsVerified int64    `json:"documentsVerified"`
	BytesTotal        int64    `json:"bytesTotal"`
	BytesCopied       int64    `json:"bytesCopied"`
	LagEntries        int64    `json:"lagEntries" doc:"changes that the copy has not taken in yet"`
	EtaSeconds        *float64 `json:"etaSeconds" doc:"until the copy is good; null when there is nothing to go by"`
	WaitingFor        string   `json:"waitingFor"`
}

// CollectionView is one kind of documents.
type CollectionView struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Documents int64  `json:"documents"`
	Copied    int64  `json:"copied"`
	Verified  int64  `json:"verified"`
}

// PauseView is how long writes waited for the switch.
type PauseView struct {
	Millis   float64   `json:"millis"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
}

// ParityView is a decision that was made again on the copy.
type ParityView struct {
	Run    id.Run `json:"run"`
	Title  string `json:"title"`
	Same   bool   `json:"same"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Action is something that may be asked for.
type Action struct {
	Name    string `json:"name" enum:"pause,resume,switch,abort,roll_back,accept,retry,clean"`
	Title   string `json:"title"`
	Confirm string `json:"confirm,omitempty" doc:"what it means; show it and ask before"`
}

// EventView is one line of the log.
type EventView struct {
	N      int64     `json:"n"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
	Detail string    `json:"detail"`
}

// ErrorView is why a move has stopped.
type ErrorView struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Proof says that the old copy is gone.
type Proof struct {
	DeletedAt   time.Time      `json:"deletedAt"`
	Environment id.Environment `json:"environment" doc:"where it was"`
	Documents   int64          `json:"documents" doc:"that the new place holds"`
	Entries     int64          `json:"entries" doc:"of the journal there"`
	Chain       string         `json:"chain" doc:"hash of the journal there, at that moment"`
}

// titles are the collections in a person's words.
var titles = map[string]string{
	"blobs": "Files", "profile": "Company profile", "tables": "Tables", "uploads": "Uploads under review", "goals": "Goals",
	"runs": "Decisions", "moves": "Notes of moves", "commands": "Answered requests", "journal": "Journal",
}

func titleOf(collection string) string {
	if t, ok := titles[collection]; ok {
		return t
	}
	return collection
}

// watched is a state that a person watches.
type watched struct {
	state State
	title string
}

// stages are those states, in order.
var stages = []watched{
	{Requested, "Ask for a place"},
	{Provisioning, "Wait until it is up"},
	{Copying, "Copy, while you work"},
	{Verifying, "Compare every row"},
	{Rehearsing, "Make the last decisions again"},
	{ReadyToGo, "Ready to switch"},
	{Charging, "Change the plan and pay"},
	{Cutting, "Switch"},
	{Switched, "Try it; you can go back"},
	{Accepted, "Keep it"},
	{Cleaned, "Delete the old copy"},
}

// view is a move as a person sees it now.
func (s *Service) view(ctx context.Context, o Order) (Move, error) {
	log, err := s.books.whole(ctx, o.ID)
	if err != nil {
		return Move{}, err
	}
	if len(log) == 0 {
		return Move{}, ErrNone
	}
	last := log[len(log)-1]
	var p progress
	if row, err := s.books.active.Get(ctx, string(o.Tenant)); err == nil && row.Value.Move == o.ID {
		p = row.Value.Progress
	}
	return o.show(log, last, p, s.now()), nil
}

func (o Order) show(log []record, last record, p progress, now time.Time) Move {
	f := last.Facts
	m := Move{
		ID: o.ID, Direction: o.Direction, FromPlan: o.FromPlan, ToPlan: o.ToPlan, State: last.State, Over: last.over(), Paused: last.Paused,
		Headline: headline(o, last), StartedAt: o.At, SoakUntil: f.SoakUntil, DeleteAt: f.DeleteAt, Proof: f.Proof,
		Stages: stagesOf(last, now), Collections: []CollectionView{}, Parity: []ParityView{}, Mismatches: f.Mismatch, Actions: actions(o, last),
	}
	if m.Mismatches == nil {
		m.Mismatches = []Mismatch{}
	}
	if m.Over {
		m.EndedAt = &last.At
	}
	for _, r := range log {
		m.Events = append(m.Events, EventView{N: r.N, At: r.At, Text: r.Text, Detail: r.Detail})
	}
	if f.Error != nil {
		m.Error = &ErrorView{Code: f.Error.Code, Detail: f.Error.Detail}
	}
	if f.Pause != nil {
		m.Pause = &PauseView{Millis: f.Pause.Millis, Attempts: f.Pause.Attempts, At: f.Pause.At}
	}
	if f.PauseBack != nil {
		m.PauseBack = &PauseView{Millis: f.PauseBack.Millis, Attempts: f.PauseBack.Attempts, At: f.PauseBack.At}
	}
	for _, d := range f.Parity {
		m.Parity = append(m.Parity, ParityView(d))
	}
	copied, compared := past(last.State, Copying), past(last.State, Verifying)
	for _, t := range f.Totals {
		c := CollectionView{Name: t.Name, Title: titleOf(t.Name), Documents: t.Documents, Copied: p.Copied[t.Name], Verified: p.Verified[t.Name]}
		if copied || slices.Contains(f.Done, t.Name) {
			c.Copied = t.Documents
		}
		if compared {
			c.Verified = t.Documents
		}
		// Documents that came meanwhile are copied too; nobody wants to see 103 %.
		c.Copied, c.Verified = min(c.Copied, t.Documents), min(c.Verified, t.Documents)
		m.Collections = append(m.Collections, c)
		m.Progress.DocumentsTotal += c.Documents
		m.Progress.BytesTotal += t.Bytes
		m.Progress.DocumentsCopied += c.Copied
		m.Progress.DocumentsVerified += c.Verified
	}
	m.Progress.LagEntries, m.Progress.BytesCopied = p.Lag, min(p.Bytes, m.Progress.BytesTotal)
	if copied {
		m.Progress.BytesCopied = m.Progress.BytesTotal
	}
	if !m.Over && p.State == last.State { // a beat of an earlier stage tells of that one
		m.Progress.WaitingFor = p.WaitingFor
	}
	if last.State == Copying && p.Eta != nil {
		left := max(0, *p.Eta-now.Sub(p.EtaAt).Seconds())
		m.Progress.EtaSeconds = &left
	}
	m.Progress.Percent = percent(last.State, m.Progress)
	return m
}

// past says whether a state comes after stage on the way forward.
func past(s, stage State) bool {
	switch s {
	case RollingBack, Discarding, RolledBack:
		return true
	}
	return position(s) > position(stage)
}

// position is a state's place among the stages, -1 for one that is none.
func position(of State) int {
	return slices.IndexFunc(stages, func(x watched) bool { return x.state == of })
}

// percent grows with copying up to 60 and with comparing up to 90; the rest are
// steps.
func percent(s State, p MoveProgress) int {
	share := func(done int64) float64 {
		if p.DocumentsTotal == 0 {
			return 0 // it has not been counted yet
		}
		return float64(done) / float64(p.DocumentsTotal)
	}
	switch s {
	case Requested, Aborting, Aborted, Failed:
		return 0
	case Provisioning:
		return 2
	case Copying:
		return 5 + int(55*share(p.DocumentsCopied))
	case Verifying:
		return 60 + int(30*share(p.DocumentsVerified))
	case Rehearsing:
		return 91
	case ReadyToGo:
		return 95
	case Charging:
		return 96
	case Cutting:
		return 98
	}
	return 100
}

func stagesOf(last record, now time.Time) []MoveStage {
	var out []MoveStage
	f := last.Facts
	latest := -1 // of the stages that the move fell back from
	for i, s := range stages {
		stage := MoveStage{Name: string(s.state), Title: s.title, State: "waiting", Millis: f.Spent[s.state] * 1000}
		if at, entered := f.Entered[s.state]; entered {
			stage.StartedAt, stage.State = &at, "done"
			if s.state == last.State && !last.over() {
				stage.State = "working"
				stage.Millis += float64(now.Sub(at).Milliseconds())
			}
		}
		if stage.State == "done" && ahead(s.state, last.State) && (s.state != Charging || !f.Paid) {
			stage.State = "waiting"
			latest = i
		}
		switch last.State {
		case Failed, Aborting, Aborted:
			switch {
			case stage.State == "waiting":
				stage.State = "skipped"
			case s.state == Charging && stage.State == "done" && !f.Paid:
				stage.State = "failed" // it was tried
			}
		case RollingBack, Discarding, RolledBack:
			if s.state == Accepted || s.state == Cleaned {
				stage.State = "skipped"
			}
		}
		switch s.state {
		case Cutting:
			if f.Pause != nil {
				stage.Detail = fmt.Sprintf("writes waited %.0f ms, attempt %d", f.Pause.Millis, f.Pause.Attempts)
			}
		case Verifying:
			if f.Verified != nil {
				stage.Detail = fmt.Sprintf("up to entry %d of the journal", f.Verified.Slot)
			}
		case Rehearsing:
			if len(f.Parity) > 0 {
				stage.Detail = counted(len(f.Parity), "decision")
			}
		}
		out = append(out, stage)
	}
	if latest >= 0 && f.Error != nil {
		out[latest].State = "failed"
	}
	if last.State == Failed {
		latest = -1
		for i, s := range out {
			if s.StartedAt != nil && (latest < 0 || s.StartedAt.After(*out[latest].StartedAt)) {
				latest = i
			}
		}
		if latest >= 0 {
			out[latest].State = "failed"
		}
	}
	return out
}

// ahead says whether stage lies before a move that is at s: if it was there, it
// fell back.
func ahead(stage, s State) bool { return position(s) >= 0 && position(stage) > position(s) }

// headline says what happens now.
func headline(o Order, r record) string {
	where := "on your own infrastructure"
	if o.Direction == Downgrade {
		where = "in the shared pool"
	}
	switch r.State {
	case Requested, Provisioning:
		return "A place " + where + " is being made ready. You can go on working."
	case Copying:
		if r.Paused {
			return "Copying is paused. Nothing has changed for you."
		}
		return "Your data is being copied. You can go on working."
	case Verifying:
		return "Every row of the copy is being compared. You can go on working."
	case Rehearsing:
		return "Your last decisions are being made again on the copy."
	case ReadyToGo:
		if r.Facts.Error != nil {
			return "The copy is good, but the switch did not happen. Nothing has changed for you."
		}
		if r.Facts.Asked {
			return "The copy is good and follows every change. Switch when it suits you."
		}
		return "The copy is good. The switch begins."
	case Charging:
		return "The plan is being changed."
	case Cutting:
		return "Switching: writes wait for a moment."
	case Switched:
		if r.Facts.OneWay {
			return "You work " + where + " now."
		}
		return "You work " + where + " now. You can go back with one click."
	case RollingBack:
		return "Going back: writes wait for a moment."
	case Discarding:
		return "You are back where you were. The other copy is being deleted."
	case RolledBack:
		return "You went back. Everything is as before."
	case Accepted:
		return "You work " + where + ". The old copy is kept a little longer, then deleted."
	case Cleaned:
		return "You work " + where + ". The old copy is deleted."
	case Aborting:
		return "The move is being given up. Nothing has changed for you."
	case Aborted:
		return "The move was given up. Nothing has changed for you."
	case Failed:
		return "The move stopped before the switch. Your workspace is untouched."
	}
	return ""
}

// actions are what may be asked for in r.
func actions(o Order, r record) []Action {
	all := []Action{}
	if r.Wish != "" {
		return all // what was asked for comes first
	}
	add := func(name, title, confirm string) { all = append(all, Action{name, title, confirm}) }
	switch r.State {
	case Copying, Verifying:
		if r.Paused {
			add("resume", "Resume", "")
		} else {
			add("pause", "Pause", "")
		}
	case ReadyToGo:
		if r.Facts.Asked {
			confirm := o.payment(r.Facts) + "Writes wait for a fraction of a second."
			title := "Switch now"
			if r.Facts.Error != nil {
				title = "Try the switch again"
			}
			add("switch", title, confirm)
		}
	case Switched:
		if r.Facts.Soaked {
			add("accept", "Keep it", "The old copy is deleted after a while. From then on the way back is another change of plan.")
		}
		if !r.Facts.OneWay {
			add("roll_back", "Go back", "What you did since the switch is kept, and the plan and its price are as before. "+o.givenBack(r.Facts)+"Writes wait for a fraction of a second.")
		}
	case Accepted:
		if at := r.Facts.DeleteAt; !r.Facts.Deleting && (at == nil || at.After(r.At)) { // else it is being deleted
			add("clean", "Delete the old copy now", "It cannot be undone. Your workspace does not need it any more.")
		}
	case Failed:
		add("retry", "Try again", "")
	}
	if _, may := wishes[WishAbort][r.State]; may {
		add("abort", "Give up", "The copy is deleted. Your workspace stays as it is.")
	}
	return all
}

// payment says what money the switch takes or gives, before it does; "" when there
// is none.
func (o Order) payment(f facts) string {
	q := o.quote(f)
	if q == nil || f.Paid {
		return ""
	}
	text := ""
	if q.DueToday > 0 {
		text += money(q.DueToday, q.Currency) + " is charged to your card first. "
	}
	if c := q.FromCredit(); c > 0 {
		text += money(c, q.Currency) + " is taken from your credit first. "
	}
	if q.CreditToday > 0 {
		text += money(q.CreditToday, q.Currency) + " is put to your credit. "
	}
	return text
}

// taken says what money the switch took or gave, after it did.
func (o Order) taken(f facts) string {
	q := o.quote(f)
	if q == nil || !f.Paid {
		return ""
	}
	var parts []string
	if q.DueToday > 0 {
		parts = append(parts, money(q.DueToday, q.Currency)+" was charged to your card.")
	}
	if c := q.FromCredit(); c > 0 {
		parts = append(parts, money(c, q.Currency)+" was taken from your credit.")
	}
	if q.CreditToday > 0 {
		parts = append(parts, money(q.CreditToday, q.Currency)+" was put to your credit.")
	}
	return strings.Join(parts, " ")
}

// givenBack says what money comes back when the change of plan is undone; "" when
// there is none.
func (o Order) givenBack(f facts) string {
	q := o.quote(f)
	if q == nil || !f.Paid {
		return ""
	}
	text := ""
	if q.DueToday > 0 {
		text += money(q.DueToday, q.Currency) + " goes back to your card. "
	}
	if c := q.FromCredit(); c > 0 {
		text += money(c, q.Currency) + " goes back to your credit. "
	}
	if q.CreditToday > 0 {
		text += "The credit of " + money(q.CreditToday, q.Currency) + " is taken back. "
	}
	return text
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func money(c billing.Cents, currency string) string {
	sign := currency + " "
	if currency == "usd" {
		sign = "$"
	}
	whole := strconv.FormatInt(int64(c/100), 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s%s.%02d", sign, whole, c%100)
}

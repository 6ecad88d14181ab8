package migration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// preflightLife is how long what was shown can be confirmed.
const preflightLife = 30 * time.Minute

// Preflight is what a customer sees, and confirms, before a move.
type Preflight struct {
	Hash                string           `json:"hash" doc:"confirms exactly this"`
	ExpiresAt           time.Time        `json:"expiresAt"`
	Direction           Direction        `json:"direction" enum:"upgrade,downgrade,move"`
	FromPlan            billing.PlanID   `json:"fromPlan"`
	ToPlan              billing.PlanID   `json:"toPlan"`
	Interval            billing.Interval `json:"interval"`
	Changes             []PlanDifference `json:"changes"`
	Price               Price            `json:"price"`
	Moves               Contents         `json:"moves"`
	ExpectedSeconds     float64          `json:"expectedSeconds" doc:"until the copy is good; you work on meanwhile"`
	ExpectedPauseMillis float64          `json:"expectedPauseMillis" doc:"for which writes wait at the switch"`
	GoBack              string           `json:"goBack"`
	Excess              []Excess         `json:"excess" doc:"what no longer fits into the smaller plan"`
	Blockers            []Blocker        `json:"blockers" doc:"not empty: it cannot be started"`
}

// PlanDifference is what the other plan brings.
type PlanDifference struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Price of a move.
type Price struct {
	Currency    string        `json:"currency"`
	DueToday    billing.Cents `json:"dueTodayCents"`
	CreditToday billing.Cents `json:"creditTodayCents"`
	AtRenewal   billing.Cents `json:"atRenewalCents"`
	RenewsAt    time.Time     `json:"renewsAt"`
	Lines       []PriceLine   `json:"lines"`
}

// PriceLine is one position of it.
type PriceLine struct {
	Text  string        `json:"text"`
	Cents billing.Cents `json:"cents"`
}

// Contents are what moves.
type Contents struct {
	Documents int64    `json:"documents"`
	Bytes     int64    `json:"bytes" doc:"about"`
	Decisions int64    `json:"decisions"`
	Files     int64    `json:"files"`
	Tables    []string `json:"tables"`
}

// Excess is something of which there is more than the smaller plan allows.
type Excess struct {
	What    string `json:"what"`
	Have    int    `json:"have"`
	Allowed int    `json:"allowed"`
	Becomes string `json:"becomes"`
}

// Blocker is why a move cannot be started.
type Blocker struct {
	Code   string `json:"code"`
	Text   string `json:"text"`
	WayOut string `json:"wayOut"`
}

// Preflight looks at everything that a move to the plan would change and cost, and
// keeps it, to be confirmed by its hash.
func (s *Service) Preflight(ctx context.Context, who identity.Who, to billing.PlanID, interval billing.Interval) (Preflight, error) {
	o, shown, err := s.look(ctx, who, to, interval)
	if err != nil {
		return Preflight{}, err
	}
	s.forgetExpired(ctx)
	expires := s.now().Add(preflightLife)
	shown.ExpiresAt = expires.Truncate(time.Second)
	raw, err := json.Marshal(struct {
		Tenant id.Tenant
		Shown  Preflight
	}{who.Tenant, shown})
	if err != nil {
		return Preflight{}, fmt.Errorf("encode pre-flight: %w", err)
	}
	sum := sha256.Sum256(raw)
	shown.Hash = hex.EncodeToString(sum[:])
	kept := keptPreflight{Tenant: who.Tenant, Shown: shown, Order: o, Expiry: shown.ExpiresAt.Unix()}
	if err := s.books.preflights.Insert(ctx, shown.Hash, kept); err != nil && !errors.Is(err, docstore.ErrExists) {
		return Preflight{}, fmt.Errorf("keep pre-flight: %w", err)
	}
	return shown, nil
}

// forgetExpired drops pre-flights that nobody can confirm any more. What is left
// over is dropped next time.
func (s *Service) forgetExpired(ctx context.Context) {
	rows, _, err := s.books.preflights.Find(ctx, docstore.Query{Index: byExpiry, To: s.now().Unix(), Limit: 100})
	if err != nil {
		return
	}
	for _, r := range rows {
		_ = s.books.preflights.Delete(ctx, r.ID, r.Rev)
	}
}

// Start begins the move that was confirmed.
func (s *Service) Start(ctx context.Context, who identity.Who, to billing.PlanID, interval billing.Interval, hash string, when When) (Move, error) {
	row, err := s.books.preflights.Get(ctx, hash)
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrInvalid) || err == nil && (row.Value.Tenant != who.Tenant || row.Value.expired(s.now())) {
		return Move{}, ErrPreflightChanged
	}
	if err != nil {
		return Move{}, fmt.Errorf("read pre-flight: %w", err)
	}
	kept := row.Value
	if kept.Order.ToPlan != to || kept.Shown.Interval != interval {
		return Move{}, ErrPreflightChanged
	}
	if len(kept.Shown.Blockers) > 0 {
		return Move{}, ErrBlocked.Saying("%s %s", kept.Shown.Blockers[0].Text, kept.Shown.Blockers[0].WayOut)
	}
	_, now, err := s.look(ctx, who, to, interval)
	if err != nil {
		return Move{}, err
	}
	if len(now.Blockers) > 0 {
		for _, b := range now.Blockers {
			if b.Code == ErrActive.Code {
				return Move{}, ErrActive
			}
		}
		return Move{}, ErrPreflightChanged
	}
	if !same(now.Changes, kept.Shown.Changes) || !same(now.Excess, kept.Shown.Excess) || now.Price.AtRenewal != kept.Shown.Price.AtRenewal || now.Price.DueToday > kept.Shown.Price.DueToday {
		return Move{}, ErrPreflightChanged
	}
	o := kept.Order
	o.ID, o.When, o.Person, o.Email, o.At = id.NewMove(), when, who.Person, who.Email, s.now()
	if err := s.books.open(ctx, o); err != nil {
		return Move{}, err
	}
	s.wake()
	return s.view(ctx, o)
}

func same[T any](a, b T) bool {
	x, err := json.Marshal(a)
	y, other := json.Marshal(b)
	return err == nil && other == nil && string(x) == string(y)
}

// look finds out what a move to the plan would be.
func (s *Service) look(ctx context.Context, who identity.Who, to billing.PlanID, interval billing.Interval) (Order, Preflight, error) {
	next, err := billing.PlanOf(to)
	if err != nil {
		return Order{}, Preflight{}, err
	}
	standing, err := s.money.Standing(ctx, who.Tenant)
	if err != nil {
		return Order{}, Preflight{}, err
	}
	if standing.Plan == nil {
		return Order{}, Preflight{}, billing.ErrNotSubscribed
	}
	if standing.Plan.Mode == next.Mode {
		return Order{}, Preflight{}, ErrPlanOrder.Saying("%s and %s run at the same place. Change the plan under Plans.", standing.Plan.Name, next.Name)
	}
	name, err := s.companies.Name(ctx, who.Tenant)
	if err != nil {
		return Order{}, Preflight{}, err
	}
	from, err := s.places.Environment(ctx, who.Tenant)
	if err != nil {
		return Order{}, Preflight{}, err
	}
	o := Order{Tenant: who.Tenant, Company: name, Direction: Upgrade, FromPlan: standing.Plan.ID, ToPlan: to, Interval: interval, From: from}
	p := Preflight{
		Direction: Upgrade, FromPlan: o.FromPlan, ToPlan: to, Interval: interval, Changes: changes(*standing.Plan, next),
		ExpectedPauseMillis: 25, Excess: []Excess{}, Blockers: []Blocker{}, Price: Price{Lines: []PriceLine{}, Currency: billing.Currency},
		GoBack: goBack(s.times.Soak),
	}
	if next.Mode != features.Platform {
		o.Direction, p.Direction = Downgrade, Downgrade
		if o.To, err = s.fleet.Pool(ctx); err != nil {
			return o, p, err
		}
		if p.Excess, err = s.excess(ctx, who.Tenant, next); err != nil {
			return o, p, err
		}
	}
	if err := s.price(ctx, &o, &p); err != nil {
		return o, p, err
	}
	if err := s.contents(ctx, o, &p); err != nil {
		return o, p, err
	}
	if standing.Access != billing.Active {
		p.Blockers = append(p.Blockers, Blocker{Code: "move.unpaid", Text: "Your present plan is not paid.", WayOut: "Pay the open invoice first."})
	}
	row, err := s.books.active.Get(ctx, string(who.Tenant))
	switch {
	case err == nil:
		b := Blocker{Code: ErrActive.Code, Text: "Your workspace is being moved already.", WayOut: "Wait until that is over, or give it up on the page of the move."}
		last, err := s.books.last(ctx, row.Value.Move)
		if err == nil && last.over() {
			// Its worker has gone before it could say so.
			return o, p, s.books.close(ctx, Order{ID: row.Value.Move, Tenant: who.Tenant})
		}
		if err == nil && last.State == Accepted {
			b.Text, b.WayOut = "The old copy of the last move is still kept.", "Delete it on the page of that move; then this one can begin."
		}
		p.Blockers = append(p.Blockers, b)
	case !errors.Is(err, docstore.ErrNotFound):
		return o, p, fmt.Errorf("look for a move: %w", err)
	}
	return o, p, nil
}

// price asks what the change of plan costs. What speaks against it is a blocker.
func (s *Service) price(ctx context.Context, o *Order, p *Preflight) error {
	q, err := s.money.Quote(ctx, o.Tenant, o.ToPlan, o.Interval)
	if err != nil {
		kind := fault.KindOf(err)
		if kind != fault.Conflict && kind != fault.Exhausted && kind != fault.Invalid {
			return err
		}
		problem := fault.ProblemOf(err)
		p.Blockers = append(p.Blockers, Blocker{Code: problem.Code, Text: problem.Detail, WayOut: wayOut(problem.Code)})
		return nil
	}
	o.Quote = &q
	p.Price = Price{Currency: q.Currency, DueToday: q.DueToday, CreditToday: q.CreditToday, AtRenewal: q.AtRenewal, RenewsAt: q.RenewsAt, Lines: []PriceLine{}}
	for _, l := range q.Lines {
		p.Price.Lines = append(p.Price.Lines, PriceLine(l))
	}
	if c := q.FromCredit(); c > 0 {
		p.Price.Lines = append(p.Price.Lines, PriceLine{Text: "Paid from your credit", Cents: -c})
	}
	return nil
}

// wayOut says what to do about what speaks against a price.
func wayOut(code string) string {
	switch code {
	case billing.ErrOtherInterval.Code:
		return "Look at the price for how often you pay today."
	case billing.ErrUnpaid.Code, billing.ErrChanging.Code, billing.ErrNotSubscribed.Code:
		return "Then check again here."
	}
	return "Check again in a moment; if it stays, write to support."
}

// goBack says how long and how the way back is open.
func goBack(soak time.Duration) string {
	within := counted(int(soak.Hours()/24), "day")
	if soak < 24*time.Hour {
		within = "less than a day"
	}
	return "One click, for " + within + " after the switch. Nothing you do meanwhile is lost, and the plan and its price are as before. After that, by another change of plan."
}

const (
	documentsASecond = 6000 // copied and compared, about
	bytesASecond     = 20 << 20
	startSeconds     = 4 // until new infrastructure is up, about
	tablesShown      = 100
)

// contents says what moves, from the agent that has it.
func (s *Service) contents(ctx context.Context, o Order, p *Preflight) error {
	source := node{s.carry, o.Tenant, o.From}
	totals, err := source.totals(ctx)
	if err != nil {
		return err
	}
	p.Moves.Tables = []string{}
	for _, c := range totals {
		p.Moves.Documents += c.Documents
		p.Moves.Bytes += c.Bytes
		switch c.Name {
		case "runs":
			p.Moves.Decisions = c.Documents
		case "blobs":
			p.Moves.Files = c.Documents
		case "tables":
			docs, _, err := source.read(ctx, contract.TransferRead{Collection: c.Name, Limit: tablesShown})
			if err != nil {
				return err
			}
			for _, d := range docs {
				p.Moves.Tables = append(p.Moves.Tables, d.ID)
			}
		}
	}
	p.ExpectedSeconds = startSeconds + float64(p.Moves.Documents)/documentsASecond + float64(p.Moves.Bytes)/bytesASecond
	return nil
}

// totals are what the place holds now.
func (n node) totals(ctx context.Context) ([]total, error) {
	is, err := n.status(ctx, contract.TransferStatus{Count: true})
	if err != nil {
		return nil, err
	}
	totals := make([]total, 0, len(is.Collections))
	for _, c := range is.Collections {
		totals = append(totals, total{Name: c.Name, Documents: c.Documents, Bytes: c.Bytes, Journal: c.Journal})
	}
	return totals, nil
}

// excess is what does not fit into a smaller plan.
func (s *Service) excess(ctx context.Context, t id.Tenant, next billing.Plan) ([]Excess, error) {
	out := []Excess{}
	seats, err := s.companies.Seats(ctx, t)
	if err != nil {
		return nil, err
	}
	if next.Seats > 0 && seats > next.Seats {
		out = append(out, Excess{What: "Seats", Have: seats, Allowed: next.Seats, Becomes: "The people who joined last can read and export, and change nothing, until seats are free. Nobody is removed."})
	}
	decisions, locations, err := s.companies.Used(ctx, t)
	if err != nil {
		return nil, err
	}
	if next.Decisions > 0 && decisions > next.Decisions {
		out = append(out, Excess{What: "Decisions this month", Have: decisions, Allowed: next.Decisions, Becomes: "All of them stay, to be read and exported. New ones can be made in the next month of the plan."})
	}
	if next.Locations > 0 && locations > next.Locations {
		out = append(out, Excess{What: "Locations", Have: locations, Allowed: next.Locations, Becomes: "The stock table stays as it is, to be read and exported. A new one needs no more locations than the plan has."})
	}
	return out, nil
}

const platformFeatures = "Platform features"

// gained names what the mode switches on beyond the pool's. Which of it this version
// works with already, /health says.
func gained(m features.Mode) string {
	if m != features.Platform {
		return "none"
	}
	return "evidence graph, vector search, single sign-on, choice of solver engine and transactions are switched on for you; Settings shows which of them this version uses already"
}

// changes are what is different between two plans.
func changes(a, b billing.Plan) []PlanDifference {
	limit := func(n int) string {
		if n == 0 {
			return "unlimited"
		}
		return strconv.Itoa(n)
	}
	yes := func(v bool) string {
		if v {
			return "yes"
		}
		return "no"
	}
	place := func(p billing.Plan) string {
		if p.Mode == features.Platform {
			return "your own process and database"
		}
		return "shared pool"
	}
	all := []PlanDifference{
		{"Infrastructure", place(a), place(b)},
		{platformFeatures, gained(a.Mode), gained(b.Mode)},
		{"Locations", limit(a.Locations), limit(b.Locations)},
		{"Decisions a month", limit(a.Decisions), limit(b.Decisions)},
		{"Seats", limit(a.Seats), limit(b.Seats)},
		{"API", yes(a.API), yes(b.API)},
		{"Support", a.Support, b.Support},
	}
	out := []PlanDifference{}
	for _, c := range all {
		if c.Before != c.After {
			out = append(out, c)
		}
	}
	return out
}

package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Template is the one template of this version.
const Template = "inventory_replenishment"

// SavedGoal is what a customer wants decided.
type SavedGoal struct {
	ID        id.Goal        `json:"id"`
	Title     string         `json:"title"`
	Text      string         `json:"text"` // in the customer's words, may be empty
	Template  string         `json:"template"`
	Goal      replenish.Goal `json:"goal"` // with defaults filled in
	CreatedAt time.Time      `json:"createdAt"`
}

// Draft is a goal to be kept.
type Draft struct {
	Title, Text, Template string
	Goal                  replenish.Goal
}

const (
	maxTitle = 120
	maxWords = 4000
)

// Keep keeps a goal. It fails with ErrBadGoal and its details.
func (s *Service) Keep(ctx context.Context, who Caller, d Draft) (SavedGoal, error) {
	g, err := s.draft(d)
	if err != nil {
		return SavedGoal{}, err
	}
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return SavedGoal{}, err
	}
	defer release()
	_, err = store.Do(ctx, tenantstore.Command{Kind: "goals.keep", Actor: string(who.Person)}, func(tx *tenantstore.Tx) error {
		return tx.Put(goals, string(g.ID), g)
	})
	if err != nil {
		return SavedGoal{}, fmt.Errorf("keep a goal: %w", err)
	}
	return g, nil
}

func (s *Service) draft(d Draft) (SavedGoal, error) {
	var wrong []fault.Detail
	title := strings.Join(strings.Fields(d.Title), " ")
	if title == "" {
		title = "Replenishment plan"
	}
	if utf8.RuneCountInString(title) > maxTitle {
		wrong = append(wrong, fault.Detail{Location: "body.title", Message: fmt.Sprintf("is longer than %d characters", maxTitle)})
	}
	if utf8.RuneCountInString(d.Text) > maxWords {
		wrong = append(wrong, fault.Detail{Location: "body.text", Message: fmt.Sprintf("is longer than %d characters", maxWords)})
	}
	if d.Template != Template {
		wrong = append(wrong, fault.Detail{Location: "body.template", Message: "is no template; there is " + Template})
	}
	if len(wrong) > 0 {
		return SavedGoal{}, ErrBadGoal.With(wrong...)
	}
	if err := d.Goal.Validate(); err != nil {
		return SavedGoal{}, err
	}
	return SavedGoal{ID: id.NewGoal(), Title: title, Text: strings.TrimSpace(d.Text), Template: d.Template, Goal: d.Goal.Filled(), CreatedAt: s.now()}, nil
}

// Goal reads a goal, or fails with ErrNoGoal.
func (s *Service) Goal(ctx context.Context, who Caller, goal id.Goal) (SavedGoal, error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return SavedGoal{}, err
	}
	defer release()
	var g SavedGoal
	err = store.Get(ctx, goals, string(goal), &g)
	if errors.Is(err, docstore.ErrNotFound) {
		return SavedGoal{}, ErrNoGoal
	}
	if err != nil {
		return SavedGoal{}, fmt.Errorf("read goal %s: %w", goal, err)
	}
	return g, nil
}

// Goals lists goals, newest first; next continues the list.
func (s *Service) Goals(ctx context.Context, who Caller, after string, limit int) (list []SavedGoal, next string, err error) {
	store, release, err := s.shelf.Open(ctx, who.Tenant)
	if err != nil {
		return nil, "", err
	}
	defer release()
	page, err := store.Find(ctx, goals, docstore.Query{Desc: true, Limit: limit, After: after})
	if err != nil {
		return nil, "", fmt.Errorf("list goals: %w", err)
	}
	list = make([]SavedGoal, 0, len(page.Docs))
	for _, doc := range page.Docs {
		var g SavedGoal
		if err := json.Unmarshal(doc.Body, &g); err != nil {
			return nil, "", fmt.Errorf("decode goal %s: %w", doc.ID, err)
		}
		list = append(list, g)
	}
	return list, page.Next, nil
}

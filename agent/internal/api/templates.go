package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/kernel/intent"
)

// TemplateList is what can be decided.
type TemplateList struct {
	Templates []intent.Template `json:"templates"`
}

// Words is a goal in the customer's words.
type Words struct {
	Text string `json:"text" minLength:"1" maxLength:"4000"`
}

func registerTemplates(d door) {
	serve(d, reads, huma.Operation{
		OperationID: "list-templates", Method: http.MethodGet, Path: "/v1/templates", Tags: []string{"goals"},
		Summary: "What can be decided, and the form for it",
	}, func(context.Context, call, *struct{}) (*body[TemplateList], error) {
		return &body[TemplateList]{TemplateList{intent.Templates()}}, nil
	})

	serve(d, reads, huma.Operation{
		OperationID: "match-goal", Method: http.MethodPost, Path: "/v1/goals/match", Tags: []string{"goals"},
		Summary:       "Understand a goal in plain words; stores nothing",
		Description:   "Products that the words name are looked for in the stock table.",
		DefaultStatus: http.StatusOK, Metadata: map[string]any{"deadline": "file"},
	}, func(ctx context.Context, c call, in *struct{ Body Words }) (*body[intent.Match], error) {
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		stock, err := desk.Articles(ctx)
		if err != nil {
			return nil, err
		}
		articles := make([]intent.Article, 0, len(stock))
		for _, l := range stock {
			articles = append(articles, intent.Article{SKU: l.SKU, Name: l.Name})
		}
		match, err := intent.Find(in.Body.Text, articles)
		return &body[intent.Match]{match}, err
	})
}

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/samples"
	"github.com/dyocense/dyocense/shared/fault"
)

// errNoSample is returned for an unknown sample business.
var errNoSample = fault.New(fault.NotFound, "samples.no_such_sample", "There is no such sample business.")

// SampleView is one sample business.
type SampleView struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Description   string         `json:"description"`
	Items         int            `json:"items"`
	Periods       int            `json:"periods" doc:"Weeks of history."`
	Suppliers     int            `json:"suppliers"`
	Currency      string         `json:"currency"`
	SuggestedGoal replenish.Goal `json:"suggestedGoal"`
}

// SampleList is all sample businesses.
type SampleList struct {
	Samples []SampleView `json:"samples"`
}

func registerSamples(d door) {
	serve(d, reads, huma.Operation{
		OperationID: "list-samples", Method: http.MethodGet, Path: "/v1/samples", Tags: []string{"samples"},
		Summary: "Sample businesses to try the product with",
	}, func(context.Context, call, *struct{}) (*body[SampleList], error) {
		list := []SampleView{}
		for _, s := range samples.All() {
			list = append(list, SampleView{s.ID, s.Name, s.Description, s.Items, s.Periods, s.Suppliers, s.Currency, s.SuggestedGoal.Filled()})
		}
		return &body[SampleList]{SampleList{list}}, nil
	})

	serve(d, writes, huma.Operation{
		OperationID: "load-sample", Method: http.MethodPost, Path: "/v1/samples/{id}/load", Tags: []string{"samples"},
		Summary: "Replace the three tables by those of a sample business", DefaultStatus: http.StatusOK,
		Metadata: map[string]any{"deadline": "file"},
	}, func(ctx context.Context, c call, in *uploadPath) (*body[TableList], error) {
		sample, ok := samples.Find(in.ID)
		if !ok {
			return nil, errNoSample
		}
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		files := map[tables.Kind][]byte{}
		for name, file := range sample.Tables(c.now()) {
			kind, err := tables.ParseKind(name)
			if err != nil {
				return nil, tables.ErrBadSample.Because(err)
			}
			files[kind] = file
		}
		list, err := desk.Replace(ctx, files, "Sample: "+sample.Name, sample.Currency)
		return &body[TableList]{TableList{list}}, err
	})
}

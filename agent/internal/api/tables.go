package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/shared/id"
)

// TableList is the three tables.
type TableList struct {
	Tables []tables.Table `json:"tables"`
}

// FormatList is what files of each kind look like.
type FormatList struct {
	Formats []tables.Format `json:"formats"`
}

// Readiness says whether the tables make a decision possible.
type Readiness struct {
	Ready    bool             `json:"ready"`
	Problems []tables.Finding `json:"problems"`
}

type kindInput struct {
	Kind string `path:"kind" enum:"demand,stock,suppliers"`
}

type rowsInput struct {
	Kind  string `path:"kind" enum:"demand,stock,suppliers"`
	After string `query:"after" maxLength:"20" doc:"The next of the page before."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func registerTables(d door) {
	serve(d, reads, huma.Operation{
		OperationID: "list-tables", Method: http.MethodGet, Path: "/v1/tables", Tags: []string{"tables"},
		Summary: "The three tables, present or not",
	}, func(ctx context.Context, c call, _ *struct{}) (*body[TableList], error) {
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		list, err := desk.Tables(ctx)
		return &body[TableList]{TableList{list}}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "list-table-formats", Method: http.MethodGet, Path: "/v1/tables/formats", Tags: []string{"tables"},
		Summary: "What files of each kind look like",
	}, func(context.Context, call, *struct{}) (*body[FormatList], error) {
		return &body[FormatList]{FormatList{tables.Formats()}}, nil
	})

	serve(d, reads, huma.Operation{
		OperationID: "list-table-problems", Method: http.MethodGet, Path: "/v1/tables/problems", Tags: []string{"tables"},
		Summary:  "What keeps the tables from making a decision possible",
		Metadata: map[string]any{"deadline": "file"},
	}, func(ctx context.Context, c call, _ *struct{}) (*body[Readiness], error) {
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		_, notes, err := tables.Data(ctx, desk.Store)
		if err != nil {
			return nil, err
		}
		return &body[Readiness]{Readiness{Ready: !notes.Blocking(), Problems: notes}}, nil
	})

	serve(d, reads, huma.Operation{
		OperationID: "list-table-rows", Method: http.MethodGet, Path: "/v1/tables/{kind}/rows", Tags: []string{"tables"},
		Summary: "Rows of a table, as they are used", Metadata: map[string]any{"deadline": "file"},
	}, func(ctx context.Context, c call, in *rowsInput) (*body[tables.Rows], error) {
		kind, err := tables.ParseKind(in.Kind)
		if err != nil {
			return nil, err
		}
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		rows, err := desk.Rows(ctx, kind, in.After, in.Limit)
		return &body[tables.Rows]{rows}, err
	})

	serve(d, writes, huma.Operation{
		OperationID: "delete-table", Method: http.MethodDelete, Path: "/v1/tables/{kind}", Tags: []string{"tables"},
		Summary: "Delete a table", DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, c call, in *kindInput) (*struct{}, error) {
		kind, err := tables.ParseKind(in.Kind)
		if err != nil {
			return nil, err
		}
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		return nil, desk.Remove(ctx, kind)
	})
}

type uploadInput struct {
	Filename string `query:"filename" required:"true" minLength:"1" maxLength:"255"`
	RawBody  []byte `contentType:"application/octet-stream"`
}

type uploadPath struct {
	ID string `path:"id" maxLength:"60"`
}

// Assignment says how an upload is to be understood.
type Assignment struct {
	Kind      tables.Kind      `json:"kind" enum:"demand,stock,suppliers"`
	Mapping   map[string]int   `json:"mapping" doc:"Index of the file's column (from 0) for each field of the table."`
	DateOrder tables.DateOrder `json:"dateOrder,omitempty" enum:"dmy,mdy" doc:"How 05/06/2026 is meant; only asked for when the file itself does not tell."`
}

type assignInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body Assignment
}

func (in assignInput) how() tables.How {
	return tables.How{Kind: in.Body.Kind, Mapping: in.Body.Mapping, DateOrder: in.Body.DateOrder}
}

func registerUploads(d door) {
	file := map[string]any{"deadline": "file"}
	serve(d, writes, huma.Operation{
		OperationID: "upload-file", Method: http.MethodPost, Path: "/v1/uploads", Tags: []string{"uploads"},
		Summary: "Upload a CSV file", DefaultStatus: http.StatusOK, Metadata: file,
		Description:  "The body is the file itself, at most 20 MB. Nothing is used until the upload is committed; after 24 hours it is forgotten.",
		MaxBodyBytes: tables.MaxBytes, BodyReadTimeout: fileDeadline, Errors: []int{http.StatusRequestEntityTooLarge},
		RequestBody: &huma.RequestBody{
			Required: true,
			Content:  map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
		},
	}, func(ctx context.Context, c call, in *uploadInput) (*body[tables.Upload], error) {
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		u, err := desk.Upload(ctx, in.Filename, in.RawBody)
		return &body[tables.Upload]{u}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "get-upload", Method: http.MethodGet, Path: "/v1/uploads/{id}", Tags: []string{"uploads"},
		Summary: "An upload that waits for its columns",
	}, func(ctx context.Context, c call, in *uploadPath) (*body[tables.Upload], error) {
		upload, err := id.ParseUpload(in.ID)
		if err != nil {
			return nil, tables.ErrNoUpload
		}
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		u, err := desk.Find(ctx, upload)
		return &body[tables.Upload]{u}, err
	})

	serve(d, writes, huma.Operation{
		OperationID: "check-upload", Method: http.MethodPost, Path: "/v1/uploads/{id}/check", Tags: []string{"uploads"},
		Summary: "Check an upload; stores nothing", DefaultStatus: http.StatusOK, Metadata: file,
	}, func(ctx context.Context, c call, in *assignInput) (*body[tables.Check], error) {
		upload, err := id.ParseUpload(in.ID)
		if err != nil {
			return nil, tables.ErrNoUpload
		}
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		check, err := desk.Check(ctx, upload, in.how())
		return &body[tables.Check]{check}, err
	})

	serve(d, writes, huma.Operation{
		OperationID: "commit-upload", Method: http.MethodPost, Path: "/v1/uploads/{id}/commit", Tags: []string{"uploads"},
		Summary: "Make an upload the table of its kind, whole or not at all", DefaultStatus: http.StatusOK, Metadata: file,
	}, func(ctx context.Context, c call, in *assignInput) (*body[tables.Table], error) {
		upload, err := id.ParseUpload(in.ID)
		if err != nil {
			return nil, tables.ErrNoUpload
		}
		desk, release, err := c.desk(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		t, err := desk.Commit(ctx, upload, in.how())
		return &body[tables.Table]{t}, err
	})
}

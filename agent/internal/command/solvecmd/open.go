package solvecmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/model/mps"
	"github.com/dyocense/dyocense/agent/kernel/model/nrp"
	"github.com/dyocense/dyocense/agent/kernel/model/trigeiro"
	"github.com/dyocense/dyocense/agent/kernel/ops"
	"github.com/dyocense/dyocense/agent/kernel/routing"
	"github.com/dyocense/dyocense/shared/fault"
)

// problem is what a file holds: a model, with the spec it comes from if it has
// one, or a routing instance.
type problem struct {
	model   *model.Model
	spec    *ops.Instance
	routing *routing.Instance
}

// open reads a file in the given format.
func open(path, format string) (problem, error) {
	name := filepath.Base(path)
	if format == "auto" {
		lower := strings.ToLower(name)
		switch {
		case strings.HasSuffix(lower, ".ops.json"):
			format = "ops"
		case strings.HasSuffix(lower, ".mps"), strings.HasSuffix(lower, ".mps.gz"):
			format = "mps"
		default:
			return problem{}, fmt.Errorf("the format of %s is not clear from its name; say it with --format ops, mps, nrp, trigeiro or vrplib", name)
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem{}, fmt.Errorf("there is no file %s", path)
	case err != nil:
		return problem{}, fmt.Errorf("the file %s cannot be read: %w", path, err)
	case info.IsDir():
		return problem{}, fmt.Errorf("%s is a folder; a file is wanted", path)
	}
	if format == "mps" {
		m, err := mps.ReadFile(path)
		return problem{model: m}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return problem{}, fmt.Errorf("the file %s cannot be read: %w", path, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return read(file, name, format)
}

func read(r io.Reader, name, format string) (problem, error) {
	switch format {
	case "ops":
		spec, err := ops.Read(r)
		if err != nil {
			return problem{}, err
		}
		in, err := spec.Instantiate()
		if err != nil {
			return problem{}, err
		}
		return problem{model: in.Model, spec: in}, nil
	case "nrp":
		in, err := nrp.Read(r)
		if err != nil {
			return problem{}, err
		}
		return problem{model: in.Model(name)}, nil
	case "trigeiro":
		in, err := trigeiro.Read(r)
		if err != nil {
			return problem{}, err
		}
		return problem{model: in.Model(name)}, nil
	case "vrplib":
		in, err := routing.Read(r)
		return problem{routing: in}, err
	}
	return problem{}, fmt.Errorf("the format %q is not known; ops, mps, nrp, trigeiro and vrplib are", format)
}

// explain is an error in words for the person at the keyboard: a fault's sentence
// and each of its details.
func explain(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	text := f.Message
	if len(f.Details) > 1 {
		for _, d := range f.Details {
			text += fmt.Sprintf("\n  %s: %s", d.Location, d.Message)
		}
	}
	return text
}

package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dyocense/dyocense/agent/internal/command/bundlecmd"
	"github.com/dyocense/dyocense/agent/internal/session"
	"github.com/dyocense/dyocense/shared/buildinfo"
)

// OpenData opens what an agent keeps, for a command beside `run`. alone refuses
// while an agent works on the directory, and keeps agents away until Release.
func OpenData(ctx context.Context, getenv func(string) string, alone bool) (*bundlecmd.Data, error) {
	c, mistakes := loadPlace(getenv)
	if len(mistakes) > 0 {
		return nil, fmt.Errorf("the settings are not right:\n%w", errors.Join(mistakes...))
	}
	d := &bundlecmd.Data{Dir: c.Data, Files: !c.MongoURI.Set(), Skip: []string{profiles}, Program: buildinfo.Version(), Release: func() {}}
	if alone {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fmt.Errorf("make the data directory: %w", err)
		}
		var err error
		if d.Release, err = own(ctx, c.Data, 0); err != nil {
			return nil, err
		}
	} else if info, err := os.Stat(c.Data); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no data directory %s; name it with --data", c.Data)
	}
	var err error
	if d.Key, d.Environment, err = session.ReadIdentity(c.identity()); err == nil {
		d.Factory, err = c.factory(ctx)
	}
	if err != nil {
		d.Release()
		return nil, err
	}
	return d, nil
}

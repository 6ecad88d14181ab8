// Package buildinfo says which build of Dyocense is running.
//
// It owns the version, the commit and the embedded solver engine, which the linker
// sets.
package buildinfo

import "runtime/debug"

// Set by the linker: -X github.com/dyocense/dyocense/shared/buildinfo.version=...
var (
	version string
	commit  string
	engine  string
)

// Version is the release, or "dev".
func Version() string {
	if version == "" {
		return "dev"
	}
	return version
}

// Commit is the revision that was built, or "unknown".
func Commit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return "unknown"
}

// Engine is the solver engine that this build was made with, or "unknown". The
// agent, which carries it, knows better.
func Engine() string {
	if engine == "" {
		return "unknown"
	}
	return engine
}

// Package buildinfo says which build of Dyocense is running.
//
// It owns the version and commit, which the linker sets. It does not know the
// solver engine; the agent adds that.
package buildinfo

import "runtime/debug"

// Set by the linker: -X github.com/dyocense/dyocense/shared/buildinfo.version=...
var (
	version string
	commit  string
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

// Package portal holds the built portal inside the program.
//
// It owns the embedded files, which make web puts into dist before the program is
// built. It does not serve them (edge does).
package portal

import (
	"embed"
	"io/fs"
)

// The folder is committed empty, so that the program also builds without it.
//
//go:embed all:dist
var dist embed.FS

// Files are the portal's files, with index.html at the top.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // only for a malformed name
	}
	return files
}

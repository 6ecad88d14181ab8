// Package failpoint lets tests kill a program at a named line.
//
// It owns the names' mechanism, not the names. In a program that was built
// without the tag failpoints, which is every one that is shipped, Here does
// nothing and costs nothing.
//
// A name is "<who>.<where>": "agent.after-commit", "migration.before-open".
package failpoint

//go:build race

package cutovermodel

const raceEnabled = true

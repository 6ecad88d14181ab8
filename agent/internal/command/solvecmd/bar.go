package solvecmd

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// bar shows the search on a terminal: time against its limit, with the gap. On
// anything else it shows nothing.
type bar struct {
	bar   *progressbar.ProgressBar // nil when there is no terminal
	limit time.Duration
}

func newBar(w io.Writer, limit time.Duration) *bar {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return &bar{}
	}
	return &bar{limit: limit, bar: progressbar.NewOptions64(limit.Milliseconds(),
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(24),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription("searching"),
	)}
}

func (b *bar) observe(p solve.Progress) {
	if b.bar == nil {
		return
	}
	text := "searching"
	if p.Objective != nil {
		text = "best " + figure(*p.Objective)
	}
	if p.Gap != nil {
		text += fmt.Sprintf("  gap %.2f %%", 100**p.Gap)
	}
	b.bar.Describe(text)
	// Never full before the end: the bar would take itself away.
	_ = b.bar.Set64(min(p.Elapsed, b.limit-time.Millisecond).Milliseconds())
}

func (b *bar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}

package highs

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Numbers of the engine's C library.
const (
	errNoEntry      = 44
	errInvalid      = 28
	errNotATerminal = 59
	errNoSeek       = 70
)

const pageSize = 64 << 10

// leap is how far the clock jumps when a solve is cancelled: beyond any limit.
const leap = 100 * 365 * 24 * time.Hour

// host is what one instance sees of the world: a clock, a memory limit, and a
// place for its log lines. It travels in the context of every call.
type host struct {
	started   time.Time
	cancelled atomic.Bool
	maxBytes  uint64
	starved   bool         // a request for memory was refused
	thrown    string       // type of the C++ exception that ended the instance
	line      func(string) // called with each whole log line; may be nil
	partial   bytes.Buffer
	tail      []string // the last lines, for the report of a crash
}

func newHost() *host { return &host{started: time.Now(), maxBytes: 2 << 30} }

type hostKey struct{}

func (h *host) into(ctx context.Context) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

func hostOf(ctx context.Context) *host { return ctx.Value(hostKey{}).(*host) }

// clock is the time the engine sees.
func (h *host) clock() time.Duration {
	elapsed := time.Since(h.started)
	if h.cancelled.Load() {
		elapsed += leap
	}
	return elapsed
}

// epoch is the engine's date: fixed, so that equal inputs meet equal worlds.
const epoch = 1_700_000_000 * time.Second

// exited is how the engine's exit() leaves the instance.
type exited struct{ code uint32 }

func (e exited) Error() string { return fmt.Sprintf("the engine left with code %d", e.code) }

// thrown is how an uncaught C++ exception leaves the instance.
type thrown struct{ kind string }

func (t thrown) Error() string { return "the engine threw " + t.kind }

type aborted struct{}

func (aborted) Error() string { return "the engine aborted" }

type hostFunc func(h *host, m api.Module, stack []uint64)

// functions are the host's answers, by the engine's letters.
func functions() map[string]hostFunc {
	answer := func(n uint64) hostFunc {
		return func(_ *host, _ api.Module, stack []uint64) { stack[0] = n }
	}
	return map[string]hostFunc{
		importCxaThrow: func(h *host, m api.Module, stack []uint64) {
			h.thrown = typeName(m, uint32(stack[1]))
			panic(thrown{h.thrown})
		},
		importAbortJs:  func(*host, api.Module, []uint64) { panic(aborted{}) },
		importExit:     func(_ *host, _ api.Module, stack []uint64) { panic(exited{uint32(stack[0])}) },
		importProcExit: func(_ *host, _ api.Module, stack []uint64) { panic(exited{uint32(stack[0])}) },

		importEmscriptenGetNow: func(h *host, _ api.Module, stack []uint64) {
			stack[0] = api.EncodeF64(float64(h.clock()) / 1e6)
		},
		importEmscriptenDateNow: func(h *host, _ api.Module, stack []uint64) {
			stack[0] = api.EncodeF64(float64((epoch + h.clock()) / time.Millisecond))
		},
		importClockTimeGet: func(h *host, m api.Module, stack []uint64) {
			now := h.clock()
			if stack[0] == 0 {
				now += epoch
			}
			m.Memory().WriteUint64Le(uint32(stack[2]), uint64(now))
			stack[0] = 0
		},
		importSetitimerJs: answer(0),
		importTzsetJs: func(_ *host, m api.Module, stack []uint64) {
			m.Memory().WriteUint32Le(uint32(stack[0]), 0) // UTC
			m.Memory().WriteUint32Le(uint32(stack[1]), 0) // no summer time
			m.Memory().WriteByte(uint32(stack[2]), 0)
			m.Memory().WriteByte(uint32(stack[3]), 0)
		},
		importEmscriptenRuntimeKeepaliveClear: func(*host, api.Module, []uint64) {},
		importEmscriptenResizeHeap: func(h *host, m api.Module, stack []uint64) {
			stack[0] = h.grow(m.Memory(), uint64(uint32(stack[0])))
		},

		importEnvironGet: answer(0),
		importEnvironSizesGet: func(_ *host, m api.Module, stack []uint64) {
			m.Memory().WriteUint32Le(uint32(stack[0]), 0)
			m.Memory().WriteUint32Le(uint32(stack[1]), 0)
			stack[0] = 0
		},

		importFdWrite:        writeLog,
		importFdClose:        answer(0),
		importFdSeek:         answer(errNoSeek),
		importSyscallIoctl:   answer(api.EncodeI32(-errNotATerminal)),
		importSyscallFcntl64: answer(api.EncodeI32(-errInvalid)),
		importSyscallOpenat:  answer(api.EncodeI32(-errNoEntry)), // the engine has no files
		importFdRead: func(_ *host, m api.Module, stack []uint64) {
			m.Memory().WriteUint32Le(uint32(stack[3]), 0)
			stack[0] = 0
		},
	}
}

// provideHost gives the runtime exactly the functions the engine imports.
func provideHost(ctx context.Context, r wazero.Runtime, compiled wazero.CompiledModule) error {
	known := functions()
	builder := r.NewHostModuleBuilder("a")
	for _, def := range compiled.ImportedFunctions() {
		module, letter, _ := def.Import()
		answer, ok := known[letter]
		if !ok || module != "a" {
			return fmt.Errorf("the engine imports %s.%s, which the host does not know", module, letter)
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(
			func(ctx context.Context, m api.Module, stack []uint64) { answer(hostOf(ctx), m, stack) },
		), def.ParamTypes(), def.ResultTypes()).Export(letter)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// grow enlarges the memory to at least size bytes, within the limit.
func (h *host) grow(memory api.Memory, size uint64) uint64 {
	now := uint64(memory.Size())
	if size > h.maxBytes {
		h.starved = true
		return 0
	}
	if size <= now {
		return 1
	}
	// A fifth more than asked for, at most 64 MiB, so that growth is rare.
	generous := min(size+min(size/5, 64<<20), h.maxBytes)
	if _, ok := memory.Grow(uint32((generous - now + pageSize - 1) / pageSize)); ok {
		return 1
	}
	if _, ok := memory.Grow(uint32((size - now + pageSize - 1) / pageSize)); ok {
		return 1
	}
	h.starved = true
	return 0
}

// writeLog takes what the engine prints, line by line.
func writeLog(h *host, m api.Module, stack []uint64) {
	vector, count, written := uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	var total uint32
	for k := range count {
		address, _ := m.Memory().ReadUint32Le(vector + 8*k)
		length, _ := m.Memory().ReadUint32Le(vector + 8*k + 4)
		chunk, ok := m.Memory().Read(address, length)
		if !ok {
			stack[0] = errInvalid
			return
		}
		h.print(chunk)
		total += length
	}
	m.Memory().WriteUint32Le(written, total)
	stack[0] = 0
}

const (
	longestLine = 4 << 10
	tailLines   = 12
)

func (h *host) print(chunk []byte) {
	for len(chunk) > 0 {
		text, rest, whole := bytes.Cut(chunk, []byte("\n"))
		if room := longestLine - h.partial.Len(); room > 0 {
			h.partial.Write(text[:min(len(text), room)])
		}
		chunk = rest
		if !whole {
			return
		}
		line := h.partial.String()
		h.partial.Reset()
		if len(bytes.TrimSpace([]byte(line))) > 0 {
			h.tail = append(h.tail, line)
			if len(h.tail) > tailLines {
				h.tail = h.tail[1:]
			}
		}
		if h.line != nil {
			h.line(line)
		}
	}
}

// typeName reads the name of a C++ type from its type information.
func typeName(m api.Module, info uint32) string {
	at, ok := m.Memory().ReadUint32Le(info + 4)
	if !ok {
		return "an exception"
	}
	var name []byte
	for len(name) < 100 {
		c, ok := m.Memory().ReadByte(at + uint32(len(name)))
		if !ok || c == 0 {
			break
		}
		if c < ' ' || c > '~' {
			return "an exception"
		}
		name = append(name, c)
	}
	return string(name)
}

package highs

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/fault"
)

// Name of the engine in options and outcomes.
const Name = "highs-embedded"

// ErrMissing says that this program was built without the engine.
var ErrMissing = fault.New(fault.Unavailable, "solve.engine_missing",
	"The embedded solver engine is not part of this build. Build with `make build`, which fetches it.")

//go:embed all:engine
var embedded embed.FS

// Version of HiGHS that is (or would be) embedded.
func Version() string { return engineVersion }

// Available is nil when the engine is embedded and is the pinned one.
func Available() error {
	_, err := code()
	return err
}

// code is the engine's bytes, checked against the pinned hash.
func code() ([]byte, error) {
	wasm, err := embedded.ReadFile("engine/highs.wasm")
	if err != nil {
		return nil, ErrMissing.Because(err)
	}
	sum := sha256.Sum256(wasm)
	if found := hex.EncodeToString(sum[:]); found != engineSHA256 {
		return nil, ErrMissing.Saying("The embedded solver engine is not the pinned one. Build again with `make build`.").
			Because(fmt.Errorf("highs.wasm has the hash %s, expected %s", found, engineSHA256))
	}
	return wasm, nil
}

// Options of an engine.
type Options struct {
	CacheDir string       // where compiled code is kept; "" is the user's cache directory, "-" none
	Log      *slog.Logger // for trouble with the cache; nil is slog.Default()
}

// Engine is the compiled engine. It is safe for many goroutines: every solve has
// its own instance and nothing is shared between them.
type Engine struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache // nil without one
}

// Load compiles the engine: about 2 s the first time, under 0.1 s from the cache.
// The error is ErrMissing when the engine is not embedded. Close the engine when
// it is no longer used.
func Load(ctx context.Context, o Options) (*Engine, error) {
	wasm, err := code()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	cache, err := openCache(o.CacheDir)
	if err != nil {
		o.Log.Warn("the solver engine is compiled without a cache, which costs seconds at each start", "error", err)
	}
	e, err := compile(ctx, wasm, cache)
	if err != nil && cache != nil {
		// A damaged cache must not stop decisions; the engine itself is verified.
		o.Log.Warn("the compile cache of the solver engine is not usable", "error", err)
		_ = cache.Close(ctx)
		e, err = compile(ctx, wasm, nil)
	}
	return e, err
}

// openCache is the compile cache, nil for "-".
func openCache(dir string) (wazero.CompilationCache, error) {
	if dir == "-" {
		return nil, nil
	}
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("finding the user's cache directory: %w", err)
		}
		dir = filepath.Join(base, "dyocense", "engine")
	}
	// The cache holds machine code: nobody else may write into it.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the compile cache: %w", err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the compile cache: %w", err)
	}
	return cache, nil
}

func compile(ctx context.Context, wasm []byte, cache wazero.CompilationCache) (*Engine, error) {
	config := wazero.NewRuntimeConfig()
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	e := &Engine{runtime: wazero.NewRuntimeWithConfig(ctx, config), cache: cache}
	var err error
	if e.compiled, err = e.runtime.CompileModule(ctx, wasm); err == nil {
		err = provideHost(ctx, e.runtime, e.compiled)
	}
	if err != nil {
		_ = e.runtime.Close(ctx)
		return nil, fmt.Errorf("compiling the solver engine: %w", err)
	}
	return e, nil
}

// Close frees the compiled code. No solve may be running.
func (e *Engine) Close(ctx context.Context) error {
	err := e.runtime.Close(ctx)
	if e.cache != nil {
		_ = e.cache.Close(ctx)
	}
	return err
}

// Instance is one run of the engine's memory, for one solve.
type Instance struct {
	host   *host
	module api.Module
	highs  uint64 // the Highs object
	used   bool
}

// Prepare makes an instance ready, in a few milliseconds.
func (e *Engine) Prepare(ctx context.Context) (*Instance, error) {
	h := newHost()
	ctx = h.into(ctx)
	module, err := e.runtime.InstantiateModule(ctx, e.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, fmt.Errorf("starting the solver engine: %w", err)
	}
	i := &Instance{host: h, module: module}
	if _, err = i.call(ctx, exportConstructors); err == nil {
		i.highs, err = i.call(ctx, exportCreate)
	}
	if err != nil {
		_ = module.Close(ctx)
		return nil, fmt.Errorf("starting the solver engine: %w", err)
	}
	return i, nil
}

// Close frees the instance; it may be closed twice.
func (i *Instance) Close(ctx context.Context) { _ = i.module.Close(ctx) }

// Solve runs one model on a fresh instance. It implements solve.Solver.
func (e *Engine) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	i, err := e.Prepare(context.WithoutCancel(ctx))
	if err != nil {
		return solve.Outcome{Status: solve.EngineCrash, Engine: Name, EngineVersion: engineVersion, Detail: err.Error()}, nil
	}
	defer i.Close(context.WithoutCancel(ctx))
	return i.Solve(ctx, m, o, observe)
}

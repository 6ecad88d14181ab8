package highs

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// call runs an exported function and gives its (only) result.
func (i *Instance) call(ctx context.Context, export string, args ...uint64) (uint64, error) {
	f := i.module.ExportedFunction(export)
	if f == nil {
		return 0, fmt.Errorf("the engine has no function %q", export)
	}
	results, err := f.Call(ctx, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// allocate takes n bytes of the engine's memory. It is never given back: the
// instance is thrown away after its one solve.
func (i *Instance) allocate(ctx context.Context, n int) (uint32, error) {
	if uint64(n) > i.host.maxBytes {
		i.host.starved = true
		return 0, errStarved
	}
	address, err := i.call(ctx, exportMalloc, uint64(max(n, 8)))
	if err != nil {
		return 0, err
	}
	if uint32(address) == 0 {
		i.host.starved = true
		return 0, errStarved
	}
	return uint32(address), nil
}

func (i *Instance) putFloats(ctx context.Context, values []float64) (uint32, error) {
	address, err := i.allocate(ctx, 8*len(values))
	if err != nil || len(values) == 0 {
		return address, err
	}
	view, ok := i.module.Memory().Read(address, uint32(8*len(values)))
	if !ok {
		return 0, errStarved
	}
	for k, v := range values {
		binary.LittleEndian.PutUint64(view[8*k:], math.Float64bits(v))
	}
	return address, nil
}

func (i *Instance) putInts(ctx context.Context, values []int32) (uint32, error) {
	address, err := i.allocate(ctx, 4*len(values))
	if err != nil || len(values) == 0 {
		return address, err
	}
	view, ok := i.module.Memory().Read(address, uint32(4*len(values)))
	if !ok {
		return 0, errStarved
	}
	for k, v := range values {
		binary.LittleEndian.PutUint32(view[4*k:], uint32(v))
	}
	return address, nil
}

func (i *Instance) putString(ctx context.Context, s string) (uint32, error) {
	address, err := i.allocate(ctx, len(s)+1)
	if err != nil {
		return 0, err
	}
	if !i.module.Memory().Write(address, append([]byte(s), 0)) {
		return 0, errStarved
	}
	return address, nil
}

func (i *Instance) getFloats(address uint32, n int) ([]float64, error) {
	view, ok := i.module.Memory().Read(address, uint32(8*n))
	if !ok {
		return nil, fmt.Errorf("the engine's answer lies outside its memory")
	}
	values := make([]float64, n)
	for k := range values {
		values[k] = math.Float64frombits(binary.LittleEndian.Uint64(view[8*k:]))
	}
	return values, nil
}

// setOption sets one option; value is a bool, int, float64 or string.
func (i *Instance) setOption(ctx context.Context, name string, value any) error {
	at, err := i.putString(ctx, name)
	if err != nil {
		return err
	}
	var rc uint64
	switch v := value.(type) {
	case bool:
		n := uint64(0)
		if v {
			n = 1
		}
		rc, err = i.call(ctx, exportSetBool, i.highs, uint64(at), n)
	case int:
		rc, err = i.call(ctx, exportSetInt, i.highs, uint64(at), api.EncodeI32(int32(v)))
	case float64:
		rc, err = i.call(ctx, exportSetDouble, i.highs, uint64(at), api.EncodeF64(v))
	case string:
		var text uint32
		if text, err = i.putString(ctx, v); err == nil {
			rc, err = i.call(ctx, exportSetString, i.highs, uint64(at), uint64(text))
		}
	default:
		return fmt.Errorf("option %s has the unknown type %T", name, value)
	}
	if err != nil {
		return err
	}
	if int32(rc) != 0 {
		return fmt.Errorf("the engine refuses %s = %v", name, value)
	}
	return nil
}

// info reads one figure of the last run; the call must match the figure's type.
func (i *Instance) info(ctx context.Context, export, name string) (uint64, bool) {
	at, err := i.putString(ctx, name)
	if err != nil {
		return 0, false
	}
	out, err := i.allocate(ctx, 8)
	if err != nil {
		return 0, false
	}
	i.module.Memory().WriteUint64Le(out, 0)
	rc, err := i.call(ctx, export, i.highs, uint64(at), uint64(out))
	if err != nil || int32(rc) < 0 {
		return 0, false
	}
	return i.module.Memory().ReadUint64Le(out)
}

package moves

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/dyocense/dyocense/e2e/product"
)

const (
	historyFor = 20 * time.Second // of moves to and fro
	checkFor   = 2 * time.Minute
)

// tableEvent is what a client does with a table: replace it, or look which file it
// came from.
type tableEvent struct {
	table string
	write bool
	value string // written
}

// goalEvent is what a client does with a goal: keep it, or look whether a list
// shows it.
type goalEvent struct {
	title string
	write bool
}

// history collects what clients saw.
type history struct {
	mu     sync.Mutex
	tables []porcupine.Operation
	goals  []porcupine.Operation
	began  time.Time
	unsure atomic.Int64
}

func (h *history) now() int64 { return time.Since(h.began).Nanoseconds() }

// never is when an operation whose outcome nobody knows ends: it may take effect
// at any later time, or not at all.
const never = int64(1) << 60

func (h *history) table(o porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tables = append(h.tables, o)
}

// tableModel is a register for each table.
var tableModel = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		return parts(all, func(o porcupine.Operation) string { return o.Input.(tableEvent).table })
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		e := input.(tableEvent)
		if e.write {
			return true, e.value
		}
		return state == output, state
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %v", input, output) },
}

// goalModel is, for each goal, whether it is there; one that is stays.
var goalModel = porcupine.Model{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		return parts(all, func(o porcupine.Operation) string { return o.Input.(goalEvent).title })
	},
	Init: func() any { return false },
	Step: func(state, input, output any) (bool, any) {
		if input.(goalEvent).write {
			return !state.(bool), true // a second time would be a goal kept twice
		}
		return state == output, state
	},
}

func parts(all []porcupine.Operation, key func(porcupine.Operation) string) [][]porcupine.Operation {
	at := map[string]int{}
	var out [][]porcupine.Operation
	for _, o := range all {
		k := key(o)
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], o)
	}
	return out
}

func TestEveryHistoryAcrossMovesIsLinearizable(t *testing.T) {
	t.Parallel()
	h := open(t, shipped)
	ctx := within(t, historyFor+2*time.Minute)
	c := h.customer(t, "lin", "business")
	for kind, columns := range tableColumns {
		must(t, replaceTable(ctx, c, kind, "first", columns)) // the model begins with it
	}
	past := &history{began: time.Now()}
	for kind := range tableColumns {
		past.table(porcupine.Operation{ClientId: 0, Input: tableEvent{kind, true, "first.csv"}, Call: 0, Return: 1})
	}
	running, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	client := 1
	for kind, columns := range tableColumns {
		for range 2 {
			id := client
			client++
			clients.Go(func() { past.writeTable(running, t, c, id, kind, columns) })
		}
	}
	for range 3 {
		id := client
		client++
		clients.Go(func() { past.readTables(running, t, c, id) })
	}
	for range 3 {
		id := client
		client++
		clients.Go(func() { past.writeGoals(running, c, id) })
	}
	lists := &lists{}
	for range 2 {
		id := client
		client++
		clients.Go(func() { past.readGoals(running, c, id, lists) })
	}

	moves := 0
	for began := time.Now(); time.Since(began) < historyFor; {
		for _, step := range [][2]string{{"enterprise", "accept"}, {"business", "accept"}, {"enterprise", "roll_back"}} {
			if _, err := move(ctx, c, step[0], step[1], nil); err != nil {
				t.Fatalf("move %d, to %s: %v", moves, step[0], err)
			}
			moves++
		}
	}
	stop()
	clients.Wait()
	past.addLists(lists)

	began := time.Now()
	if got := porcupine.CheckOperationsTimeout(tableModel, past.tables, checkFor); got != porcupine.Ok {
		t.Errorf("the history of the tables is %s", got)
	}
	if got := porcupine.CheckOperationsTimeout(goalModel, past.goals, checkFor); got != porcupine.Ok {
		t.Errorf("the history of the goals is %s", got)
	}
	t.Logf("%d moves, %d operations on 3 tables and %d on goals, %d of unknown outcome; checked in %s",
		moves, len(past.tables), len(past.goals), past.unsure.Load(), time.Since(began).Round(time.Millisecond))
}

// tableColumns are a head and a line of each kind of table.
var tableColumns = map[string]struct {
	head, line string
	mapping    map[string]int
}{
	"demand":    {"sku,week,quantity", "A,2025-01-06,1", map[string]int{"sku": 0, "week": 1, "quantity": 2}},
	"stock":     {"sku,current_stock,unit_cost", "A,1,2.5", map[string]int{"sku": 0, "current_stock": 1, "unit_cost": 2}},
	"suppliers": {"sku,lead_time_days", "A,7", map[string]int{"sku": 0, "lead_time_days": 1}},
}

type columns = struct {
	head, line string
	mapping    map[string]int
}

// replaceTable uploads a file and makes it the table.
func replaceTable(ctx context.Context, c *product.Customer, kind, name string, how columns) error {
	id, err := c.Upload(ctx, name+".csv", []byte(how.head+"\n"+how.line+"\n"))
	if err != nil {
		return err
	}
	return commitUpload(ctx, c, id, kind, how)
}

func commitUpload(ctx context.Context, c *product.Customer, id, kind string, how columns) error {
	return c.Call(ctx, http.MethodPost, "/v1/uploads/"+id+"/commit", map[string]any{"kind": kind, "mapping": how.mapping}, nil)
}

func (h *history) writeTable(ctx context.Context, t *testing.T, c *product.Customer, client int, kind string, how columns) {
	all := context.WithoutCancel(ctx)
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("v%d-%d", client, n)
		upload, err := c.Upload(all, name+".csv", []byte(how.head+"\n"+how.line+"\n"))
		if err != nil {
			h.unsure.Add(1)
			continue
		}
		o := porcupine.Operation{ClientId: client, Input: tableEvent{kind, true, name + ".csv"}, Call: h.now()}
		err = commitUpload(all, c, upload, kind, how)
		o.Return = h.now()
		if err != nil {
			t.Logf("a table's write has an unknown outcome: %v", err)
			h.unsure.Add(1)
			o.Return = never
			o.ClientId = -client*1_000_000 - n // the client goes on beside it
		}
		h.table(o)
	}
}

func (h *history) readTables(ctx context.Context, t *testing.T, c *product.Customer, client int) {
	for ctx.Err() == nil {
		var answer struct {
			Tables []struct{ Kind, Source string }
		}
		call := h.now()
		if err := c.Call(context.WithoutCancel(ctx), http.MethodGet, "/v1/tables", nil, &answer); err != nil {
			t.Logf("a read of the tables failed: %v", err)
			continue
		}
		end := h.now()
		for _, one := range answer.Tables {
			h.table(porcupine.Operation{ClientId: client, Input: tableEvent{table: one.Kind}, Call: call, Output: one.Source, Return: end})
		}
	}
}

func (h *history) writeGoals(ctx context.Context, c *product.Customer, client int) {
	for n := 0; ctx.Err() == nil; n++ {
		o := porcupine.Operation{ClientId: client, Input: goalEvent{fmt.Sprintf("g%d-%d", client, n), true}, Call: h.now()}
		_, err := c.WriteGoal(context.WithoutCancel(ctx), o.Input.(goalEvent).title)
		o.Return = h.now()
		if err != nil {
			h.unsure.Add(1)
			o.Return = never
		}
		h.mu.Lock()
		h.goals = append(h.goals, o)
		h.mu.Unlock()
	}
}

// lists are what readers were shown: the newest goals.
type lists struct {
	mu  sync.Mutex
	all []list
}

type list struct {
	client    int
	call, end int64
	titles    map[string]bool
}

const newest = 50

func (h *history) readGoals(ctx context.Context, c *product.Customer, client int, into *lists) {
	for ctx.Err() == nil {
		var page struct{ Goals []product.Goal }
		l := list{client: client, call: h.now(), titles: map[string]bool{}}
		if err := c.Call(context.WithoutCancel(ctx), http.MethodGet, fmt.Sprintf("/v1/goals?limit=%d", newest), nil, &page); err != nil {
			continue
		}
		l.end = h.now()
		for _, g := range page.Goals {
			l.titles[g.Title] = true
		}
		into.mu.Lock()
		into.all = append(into.all, l)
		into.mu.Unlock()
	}
}

// addLists makes a read of each goal of each list. A list shows the newest goals
// only, so it says nothing of one that was kept long before; one that it should
// show and does not was read as absent.
func (h *history) addLists(from *lists) {
	h.mu.Lock()
	defer h.mu.Unlock()
	writes := h.goals
	calls, returns := make([]int64, len(writes)), make([]int64, len(writes))
	for i, w := range writes {
		calls[i], returns[i] = w.Call, w.Return
	}
	slices.Sort(calls)
	slices.Sort(returns)
	for _, l := range from.all {
		begun, _ := slices.BinarySearch(calls, l.end+1)
		for _, w := range writes {
			title := w.Input.(goalEvent).title
			if !l.titles[title] {
				ended, _ := slices.BinarySearch(returns, w.Call)
				if w.Call > l.end || begun-ended > newest {
					continue // it had not begun, or as many may be newer as a list shows
				}
			}
			h.goals = append(h.goals, porcupine.Operation{ClientId: l.client, Input: goalEvent{title: title}, Call: l.call, Output: l.titles[title], Return: l.end})
		}
	}
}

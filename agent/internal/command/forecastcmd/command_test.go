package forecastcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// execute runs the command as a root would, and gives what it printed.
func execute(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := New()
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

const sample = "testdata/sample.csv"

func TestForecastCommand(t *testing.T) {
	t.Parallel()
	t.Run("prints an aligned table", func(t *testing.T) {
		t.Parallel()
		got, _, err := execute(t, "", sample)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "sample.table.txt", got)
	})
	t.Run("prints one JSON object a series with --json", func(t *testing.T) {
		t.Parallel()
		got, _, err := execute(t, "", sample, "--json")
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for line := range strings.Lines(got) {
			var o struct {
				ID, Method string
				Mean       []float64
				Quantiles  map[string][]float64
			}
			decoder := json.NewDecoder(strings.NewReader(line))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&o); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, o.ID+" "+o.Method)
			for _, level := range []string{"0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95", "0.975", "0.99"} {
				if len(o.Quantiles[level]) != len(o.Mean) || len(o.Mean) == 0 {
					t.Errorf("%s: %d steps at level %s, %d means", o.ID, len(o.Quantiles[level]), level, len(o.Mean))
				}
			}
		}
		want := []string{"tea mean", "screws sba", "new snaive", "cash mean"}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("keeps demand above zero and lets other values be negative", func(t *testing.T) {
		t.Parallel()
		got, _, err := execute(t, "id,period,horizon,values\na,1,3,5 0 1 6 0 2 1 5 0 1 7 1\nb,1,3,-5 0 1 -6 0 2 1 -5 0 1 7 1\n", "-", "--json", "--method", "snaive")
		if err != nil {
			t.Fatal(err)
		}
		a, b, _ := strings.Cut(got, "\n")
		if strings.Contains(a, "-") || !strings.Contains(b, "-") {
			t.Errorf("demand: %s\nother: %s", a, b)
		}
	})
	t.Run("uses the method that was asked for", func(t *testing.T) {
		t.Parallel()
		for _, m := range []string{"ets", "theta", "mean", "croston", "sba", "tsb", "snaive"} {
			got, _, err := execute(t, "id,period,horizon,values\na,1,2,5 0 1 6 0 2 1 5 0 1 7 1\n", "-", "--json", "--method", m)
			if err != nil || !strings.Contains(got, `"method":"`+m+`"`) {
				t.Errorf("%s: %v %s", m, err, got)
			}
		}
	})
	t.Run("reads a file with a byte order mark, capitals, extra columns and CRLF", func(t *testing.T) {
		t.Parallel()
		got, _, err := execute(t, "\ufeffValues,Note,ID,Horizon,Period\r\n1 2 3 4 5 6,x,a,1,weekly\r\n", "-", "--json")
		if err != nil || !strings.Contains(got, `"id":"a"`) {
			t.Errorf("%v %s", err, got)
		}
	})
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	const header = "id,period,horizon,values\n"
	cases := map[string]struct {
		file string
		args []string
		want []string
	}{
		"an empty file":              {"", []string{"-"}, []string{"is empty"}},
		"a header alone":             {header, []string{"-"}, []string{"no series"}},
		"a header that lacks values": {"id,period\n", []string{"-"}, []string{"line 1", "lacks horizon, values"}},
		"a column twice":             {"id,id,period,horizon,values\n", []string{"-"}, []string{"line 1", `"id" is there twice`}},
		"a word among the values":    {header + "a,1,2,1 2\nb,1,2,1 two 3\n", []string{"-"}, []string{"line 3", `value 2, "two"`}},
		"NaN among the values":       {header + "a,1,2,1 NaN\n", []string{"-"}, []string{"line 2", `value 2, "NaN"`}},
		"no values":                  {header + "a,1,2,\n", []string{"-"}, []string{"line 2", "no values"}},
		"a horizon of zero":          {header + "a,1,0,1 2\n", []string{"-"}, []string{"line 2", `horizon "0"`}},
		"an unknown period":          {header + "a,LUNAR,1,1 2\n", []string{"-"}, []string{"line 2", `period "LUNAR"`}},
		"an id twice":                {header + "a,1,1,1\na,1,1,2\n", []string{"-"}, []string{"line 3", "already on line 2"}},
		"an empty id":                {header + ",1,1,1\n", []string{"-"}, []string{"line 2", "id is empty"}},
		"a short line":               {header + "a,1,1\n", []string{"-"}, []string{"line 2", "3 fields"}},
		"an open quote":              {header + "a,1,1,1\n\"b,1,1,1\n", []string{"-"}, []string{"line 3", "not CSV"}},
		"an unknown kind":            {"id,period,horizon,kind,values\na,1,1,guess,1\n", []string{"-"}, []string{"line 2", `kind "guess"`}},
		"every mistake at once":      {header + "a,1,0,1\nb,0,1,1\n", []string{"-"}, []string{"line 2", "line 3"}},
		"bytes that are no text":     {header + "\x00\xff,1,1,1\n", []string{"-"}, []string{"line 2", "not text"}},
		"negative intermittent":      {header + "a,1,1,1\nb,1,1,3 -1 2\n", []string{"-", "--method", "croston"}, []string{"line 3", "series b", "number 2", "negative"}},
		"an absurd magnitude":        {header + "a,1,1,1 1e300\n", []string{"-"}, []string{"line 2", "number 2"}},
		"a file that is not there":   {"", []string{"testdata/none.csv"}, []string{"testdata/none.csv"}},
		"no file":                    {"", nil, []string{"name one file"}},
		"an unknown method":          {"", []string{"-", "--method", "arima"}, []string{`"arima"`, "auto, ets"}},
		"an unknown flag":            {"", []string{"-", "--colour"}, []string{"--colour"}},
	}
	for name, c := range cases {
		t.Run("tells of "+name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, err := execute(t, c.file, c.args...)
			var coded interface{ ExitCode() int }
			if !errors.As(err, &coded) || coded.ExitCode() != 2 {
				t.Fatalf("got %v, expected exit code 2", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if stdout != "" || stderr != "" {
				t.Errorf("printed %q and %q beside the error", stdout, stderr)
			}
		})
	}
	t.Run("refuses a file above the limit, wherever the limit cuts it", func(t *testing.T) {
		t.Parallel()
		text := header + "a,1,1,1 2 3\n" + `"b",1,1,1 2 3` + "\n"
		for limit := range int64(len(text)) {
			if rows, err := read(strings.NewReader(text), "input", limit); err == nil || !strings.Contains(err.Error(), "larger than") {
				t.Fatalf("limit %d of %d: %d rows, %v", limit, len(text), len(rows), err)
			}
		}
		if _, err := read(strings.NewReader(text), "input", int64(len(text))); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("tells twenty mistakes and counts the rest", func(t *testing.T) {
		t.Parallel()
		_, _, err := execute(t, header+strings.Repeat("a,1,0,1\n", 50), "-")
		if err == nil || strings.Count(err.Error(), "\n") != maxMistakes || !strings.Contains(err.Error(), "30 more") {
			t.Errorf("got %v", err)
		}
	})
}

// golden compares with a file of testdata; UPDATE=1 rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("UPDATE=1 rewrites the file (-want +got)\n%s", diff)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("id,period,horizon,kind,values\na,MONTHLY,3,history,1 2 3\na,MONTHLY,3,actual,4\n")
	f.Add("id,period,horizon,values\n\"a\nb\",1,1,1e5 -3\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := read(strings.NewReader(text), "input", maxBytes)
		if (err == nil) == (len(rows) == 0) {
			t.Fatalf("%d rows and error %v", len(rows), err)
		}
		for _, r := range rows {
			if r.line < 2 || r.series.ID == "" || len(r.series.Values) == 0 || r.horizon < 1 || r.series.Period < 1 {
				t.Fatalf("accepted %+v", r)
			}
		}
	})
}

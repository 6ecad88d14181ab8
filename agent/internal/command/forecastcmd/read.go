package forecastcmd

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
)

// Limits of a file.
const (
	maxBytes    = 64 << 20
	maxID       = 200 // bytes
	maxMistakes = 20  // told at once
)

// row is one series of the file.
type row struct {
	line    int
	horizon int
	series  forecast.Series
}

// demand says whether the series can be demand: nothing in it is negative.
func (r row) demand() bool { return slices.Min(r.series.Values) >= 0 }

// namedPeriods are the seasons of the usual calendars.
var namedPeriods = map[string]int{
	"YEARLY": 1, "QUARTERLY": 4, "MONTHLY": 12, "WEEKLY": 52, "DAILY": 7, "HOURLY": 24, "OTHER": 1,
}

// mistakes collects what is wrong in a file, so that one run tells it all.
type mistakes struct {
	name  string
	told  []string
	total int
}

func (m *mistakes) add(line int, format string, args ...any) {
	m.total++
	if len(m.told) < maxMistakes {
		m.told = append(m.told, fmt.Sprintf("%s line %d: %s", m.name, line, fmt.Sprintf(format, args...)))
	}
}

func (m *mistakes) err() error {
	if m.total == 0 {
		return nil
	}
	told := m.told
	if more := m.total - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and %d more mistakes", more))
	}
	return errors.New(strings.Join(told, "\n"))
}

// read parses a whole file of at most limit bytes and answers with its series,
// or with every mistake in it by line.
func read(from io.Reader, name string, limit int64) ([]row, error) {
	text, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the series: %w", err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes; split it", name, limit)
	}
	lines := csv.NewReader(bytes.NewReader(text))
	lines.FieldsPerRecord = -1
	lines.ReuseRecord = true
	wrong := &mistakes{name: name}

	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty: it needs a header with the columns id, period, horizon, values", name)
	}
	if err != nil {
		return nil, broken(name, err)
	}
	at, err := columnsOf(header)
	if err != nil {
		return nil, fmt.Errorf("%s line 1: %w", name, err)
	}
	width := len(header)
	var rows []row
	firstLine := map[string]int{}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Join(wrong.err(), broken(name, err))
		}
		line, _ := lines.FieldPos(0)
		if len(fields) != width {
			wrong.add(line, "%d fields where the header has %d", len(fields), width)
			continue
		}
		r, keep := at.parse(fields, line, wrong)
		if !keep {
			continue
		}
		if first := firstLine[r.series.ID]; first > 0 {
			wrong.add(line, "id %q is already on line %d", r.series.ID, first)
			continue
		}
		firstLine[r.series.ID] = line
		rows = append(rows, r)
		if len(rows) > forecast.MaxSeries {
			return nil, fmt.Errorf("%s line %d: more than %d series; split the file", name, line, forecast.MaxSeries)
		}
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has a header but no series to forecast", name)
	}
	return rows, nil
}

// broken words what the CSV reader could not read.
func broken(name string, err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s line %d: not CSV: %w", name, parse.Line, parse.Err)
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// columns are positions in a line; kind is -1 where there is none.
type columns struct{ id, period, horizon, values, kind int }

func columnsOf(header []string) (columns, error) {
	places := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if _, twice := places[name]; twice {
			return columns{}, fmt.Errorf("the column %q is there twice", name)
		}
		places[name] = i
	}
	var missing []string
	place := func(name string) int {
		i, ok := places[name]
		if !ok {
			missing = append(missing, name)
			return -1
		}
		return i
	}
	c := columns{id: place("id"), period: place("period"), horizon: place("horizon"), values: place("values")}
	if len(missing) > 0 {
		return c, fmt.Errorf("the header lacks %s; it needs the columns id, period, horizon, values", strings.Join(missing, ", "))
	}
	c.kind = place("kind")
	return c, nil
}

// parse reads one line; keep is false for lines that are not a history, and for
// wrong ones, whose mistakes it adds.
func (c columns) parse(fields []string, line int, wrong *mistakes) (r row, keep bool) {
	if c.kind >= 0 {
		switch kind := strings.ToLower(strings.TrimSpace(fields[c.kind])); kind {
		case "actual":
			return row{}, false
		case "history", "":
		default:
			wrong.add(line, "kind %q is neither history nor actual", short(kind))
			return row{}, false
		}
	}
	before := wrong.total
	r = row{line: line, series: forecast.Series{ID: strings.TrimSpace(strings.Clone(fields[c.id]))}}
	switch id := r.series.ID; {
	case id == "":
		wrong.add(line, "the id is empty")
	case len(id) > maxID:
		wrong.add(line, "the id is longer than %d bytes", maxID)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c == 0x7f }):
		wrong.add(line, "the id contains bytes that are not text")
	}
	r.series.Period = parsePeriod(fields[c.period], line, wrong)
	horizon, err := strconv.Atoi(strings.TrimSpace(fields[c.horizon]))
	if err != nil || horizon < 1 || horizon > forecast.MaxHorizon {
		wrong.add(line, "the horizon %q is not a whole number from 1 to %d", short(fields[c.horizon]), forecast.MaxHorizon)
	}
	r.horizon = horizon
	r.series.Values = parseValues(fields[c.values], line, wrong)
	return r, wrong.total == before
}

func parsePeriod(text string, line int, wrong *mistakes) int {
	text = strings.TrimSpace(text)
	if period, ok := namedPeriods[strings.ToUpper(text)]; ok {
		return period
	}
	period, err := strconv.Atoi(text)
	if err != nil || period < 1 || period > forecast.MaxPeriod {
		wrong.add(line, "the period %q is neither a whole number from 1 to %d nor YEARLY, QUARTERLY, MONTHLY, WEEKLY, DAILY, HOURLY or OTHER", short(text), forecast.MaxPeriod)
		return 0
	}
	return period
}

func parseValues(text string, line int, wrong *mistakes) []float64 {
	words := strings.Fields(text)
	switch {
	case len(words) == 0:
		wrong.add(line, "there are no values")
		return nil
	case len(words) > forecast.MaxValues:
		wrong.add(line, "%d values are more than %d; keep the newest", len(words), forecast.MaxValues)
		return nil
	}
	values := make([]float64, len(words))
	for i, word := range words {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			wrong.add(line, "value %d, %q, is not a number; write 1234.5, and separate values by spaces", i+1, short(word))
			return nil
		}
		values[i] = v
	}
	return values
}

// short keeps a strange cell from flooding the message.
func short(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

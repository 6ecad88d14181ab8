package forecast

import "testing"

// readParts reads the car parts, oldest month first.
func readParts(t testing.TB) []Series {
	t.Helper()
	var all []Series
	eachLine(t, publicFile(t, "forecast/carparts_every6.csv"), func(fields []string) {
		if values := numbers(t, fields[1]); len(values) >= 12 {
			all = append(all, Series{ID: fields[0], Values: values, Period: 12})
		}
	})
	return all
}

// pinball is the loss of a quantile q of level a against the actual value.
func pinball(level, q, actual float64) float64 {
	if actual >= q {
		return level * (actual - q)
	}
	return (1 - level) * (q - actual)
}

// loss of one way to forecast parts at the 0.9 quantile: of single months, and
// of the sum over the months held out (the last quarter of each history).
type partsLoss struct{ single, sum float64 }

func lossOnParts(t *testing.T, parts []Series, name string, forecast func(known Series, h int) Forecast) partsLoss {
	t.Helper()
	var loss partsLoss
	months, below := 0, 0
	for _, s := range parts {
		h := len(s.Values) / 4
		actual := s.Values[len(s.Values)-h:]
		s.Values = s.Values[:len(s.Values)-h]
		f := forecast(s, h)
		sum := 0.0
		for i, a := range actual {
			q := f.Quantiles[nine][i]
			loss.single += pinball(0.9, q, a)
			sum += a
			months++
			if a <= q {
				below++
			}
		}
		loss.sum += pinball(0.9, f.Cumulative[nine][h-1], sum)
	}
	loss.single /= float64(months)
	loss.sum /= float64(len(parts))
	t.Logf("%-8s pinball loss at 0.9: month %.4f, sum of months %.3f; %.1f %% of months at or below it", name, loss.single, loss.sum, 100*float64(below)/float64(months))
	return loss
}

const nine = 5 // Levels[nine] is 0.9

func TestQuantilesOfCarParts(t *testing.T) {
	t.Parallel()
	parts := readParts(t)
	flat := func(value func(known []float64) float64) func(Series, int) Forecast {
		return func(s Series, h int) Forecast {
			f := Forecast{Quantiles: newGrid(h), Cumulative: newGrid(h)}
			for i := range h {
				f.Quantiles[nine][i] = value(s.Values)
				f.Cumulative[nine][i] = float64(i+1) * value(s.Values)
			}
			return f
		}
	}
	by := func(m Method) func(Series, int) Forecast {
		return func(s Series, h int) Forecast {
			f, err := Run(t.Context(), s, h, Options{Method: m, NonNegative: true})
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	zero := lossOnParts(t, parts, "zero", flat(func([]float64) float64 { return 0 }))
	last := lossOnParts(t, parts, "last", flat(func(known []float64) float64 { return known[len(known)-1] }))
	losses := map[Method]partsLoss{}
	for _, m := range []Method{SeasonalNaive, Croston, SBA, TSB, Auto} {
		losses[m] = lossOnParts(t, parts, string(m), by(m))
	}
	for _, m := range []Method{SBA, TSB, Auto} {
		t.Run(string(m)+" beats Croston, the naive methods and zero", func(t *testing.T) {
			for name, rival := range map[string]partsLoss{"zero": zero, "last": last, "snaive": losses[SeasonalNaive], "croston": losses[Croston]} {
				if losses[m].single >= rival.single || losses[m].sum >= rival.sum {
					t.Errorf("%s loses %+v, %s %+v", m, losses[m], name, rival)
				}
			}
		})
	}
}

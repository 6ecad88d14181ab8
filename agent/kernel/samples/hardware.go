package samples

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
)

// family is a product in several sizes: cost and demand of the middle size, and
// what the others cost and sell in proportion.
type family struct {
	code, name, unit string
	sizes            []string
	cost, weekly     float64
	pack, least      float64
	vendor           int
	season           season
	strength         float64
	often            float64 // below 1: asked for only now and then
}

// hardware is a distributor to trade customers: two hundred articles, many of
// them asked for only now and then, in packs and with minimum orders.
func hardware() Sample {
	const fixings, tools, electric, plumbing, paint, safety = 0, 1, 2, 3, 4, 5
	s := Sample{
		ID: "hardware", Name: "Harbour hardware supply",
		Description: "A hardware distributor with two hundred articles from six suppliers: fast fixings in boxes, slow spare parts that sell once a month, minimum orders and a weekly budget.",
		Currency:    "EUR", Periods: 104, seed: 90_210,
		SuggestedGoal: replenish.Goal{Horizon: 12, ServiceLevel: 0.95, BudgetPerPeriod: 36_000},
		vendors: []vendor{
			fixings:  {"Stahlmann Fixings", 7, 15},
			tools:    {"Werkzeug Union", 14, 25},
			electric: {"Lumen Electric", 10, 18},
			plumbing: {"Aqua Trade", 12, 22},
			paint:    {"Colora Paints", 6, 16},
			safety:   {"SafeHand Import", 35, 60},
		},
	}
	families := []family{
		{"HXB", "Hex bolt zinc", "box", []string{"M6x30", "M6x50", "M8x40", "M8x60", "M10x50", "M10x80", "M12x60", "M12x100"}, 9.4, 14, 5, 10, fixings, even, 0, 0},
		{"NUT", "Hex nut zinc", "box", []string{"M4", "M5", "M6", "M8", "M10", "M12", "M16"}, 4.2, 11, 10, 10, fixings, even, 0, 0},
		{"WSH", "Washer zinc", "box", []string{"M4", "M5", "M6", "M8", "M10", "M12", "M16"}, 2.6, 10, 10, 10, fixings, even, 0, 0},
		{"WSC", "Wood screw", "box", []string{"3.5x30", "4x40", "4x50", "4.5x60", "5x70", "5x80", "6x100", "6x140"}, 7.8, 24, 6, 12, fixings, spring, 0.25, 0},
		{"PLG", "Wall plug", "box", []string{"5 mm", "6 mm", "8 mm", "10 mm", "12 mm"}, 5.1, 20, 10, 0, fixings, even, 0, 0},
		{"ANC", "Heavy anchor", "pcs", []string{"M8x75", "M10x90", "M12x110", "M16x140"}, 1.9, 36, 25, 50, fixings, even, 0, 0},
		{"RIV", "Blind rivet", "box", []string{"3x8", "4x10", "4x14", "5x12", "5x18"}, 6.3, 5, 5, 0, fixings, even, 0, 0.7},
		{"DRL", "Drill bit steel", "pcs", []string{"2 mm", "3 mm", "4 mm", "5 mm", "6 mm", "8 mm", "10 mm", "12 mm"}, 2.7, 15, 10, 10, tools, even, 0, 0},
		{"MSN", "Masonry bit", "pcs", []string{"5 mm", "6 mm", "8 mm", "10 mm", "12 mm", "16 mm"}, 4.8, 10, 5, 10, tools, even, 0, 0},
		{"SAW", "Saw blade", "pcs", []string{"160 mm", "190 mm", "216 mm", "250 mm", "300 mm"}, 24, 2.5, 1, 2, tools, even, 0, 0.8},
		{"GRD", "Cutting disc", "pcs", []string{"115x1", "125x1", "125x1.6", "180x2", "230x2"}, 1.4, 60, 25, 50, tools, even, 0, 0},
		{"SCD", "Screwdriver", "pcs", []string{"PH1", "PH2", "PZ1", "PZ2", "slot 4", "slot 6", "TX20", "TX25"}, 4.1, 4, 6, 6, tools, even, 0, 0},
		{"WRN", "Combination spanner", "pcs", []string{"8 mm", "10 mm", "13 mm", "17 mm", "19 mm", "24 mm"}, 6.6, 1.6, 5, 5, tools, even, 0, 0.6},
		{"HAM", "Hammer", "pcs", []string{"300 g", "500 g", "1000 g"}, 11.5, 2.2, 1, 4, tools, even, 0, 0.85},
		{"CLP", "Clamp", "pcs", []string{"150 mm", "300 mm", "600 mm", "1000 mm"}, 13.2, 1.1, 2, 4, tools, even, 0, 0.45},
		{"LED", "LED lamp E27", "pcs", []string{"5 W", "8 W", "11 W", "14 W"}, 2.3, 42, 10, 20, electric, winter, 0.35, 0},
		{"LGU", "LED spot GU10", "pcs", []string{"3 W", "5 W", "7 W"}, 2.9, 30, 10, 20, electric, winter, 0.25, 0},
		{"CAB", "Installation cable ring", "pcs", []string{"3x1.5, 50 m", "3x2.5, 50 m", "5x1.5, 50 m", "5x2.5, 50 m"}, 58, 5, 1, 2, electric, even, 0, 0},
		{"SOC", "Wall socket", "pcs", []string{"single", "double", "outdoor", "USB"}, 5.6, 22, 10, 10, electric, even, 0, 0},
		{"SWI", "Light switch", "pcs", []string{"single", "two-way", "cross", "dimmer"}, 6.1, 15, 10, 10, electric, even, 0, 0},
		{"BRK", "Circuit breaker", "pcs", []string{"B10", "B16", "B20", "B25", "C16", "C32"}, 4.4, 9, 6, 12, electric, even, 0, 0.8},
		{"RCD", "Residual current device", "pcs", []string{"25 A", "40 A", "63 A"}, 31, 1.5, 1, 2, electric, even, 0, 0.5},
		{"JUN", "Junction box", "pcs", []string{"round 60", "round 70", "square 80", "square 100"}, 0.9, 55, 50, 50, electric, even, 0, 0},
		{"PIP", "Multilayer pipe, 25 m", "pcs", []string{"16 mm", "20 mm", "26 mm"}, 34, 3, 1, 2, plumbing, even, 0, 0.9},
		{"FIT", "Press fitting", "pcs", []string{"elbow 16", "elbow 20", "tee 16", "tee 20", "coupling 16", "coupling 20", "reducer 20-16"}, 4.9, 26, 10, 20, plumbing, even, 0, 0},
		{"VLV", "Ball valve", "pcs", []string{"1/2 inch", "3/4 inch", "1 inch", "5/4 inch"}, 9.7, 6, 5, 5, plumbing, even, 0, 0.85},
		{"SIP", "Siphon", "pcs", []string{"basin", "sink", "shower", "washing machine"}, 7.4, 5, 4, 4, plumbing, even, 0, 0.85},
		{"CRT", "Tap cartridge", "pcs", []string{"25 mm", "35 mm", "40 mm", "thermostat"}, 12.8, 0.9, 1, 2, plumbing, even, 0, 0.3},
		{"PMP", "Circulation pump", "pcs", []string{"25-40", "25-60", "32-60"}, 118, 0.5, 1, 1, plumbing, winter, 0.5, 0.25},
		{"SEA", "Gasket set", "pcs", []string{"1/2 inch", "3/4 inch", "1 inch", "mixed"}, 2.2, 8, 10, 10, plumbing, even, 0, 0.8},
		{"WPT", "Wall paint white", "pcs", []string{"2.5 l", "5 l", "10 l", "12.5 l"}, 26, 12, 2, 6, paint, spring, 0.4, 0},
		{"LAC", "Lacquer", "pcs", []string{"white gloss", "white matt", "anthracite", "red", "blue", "green"}, 13.9, 3.2, 3, 6, paint, spring, 0.35, 0.75},
		{"BRU", "Paint brush", "pcs", []string{"30 mm", "50 mm", "70 mm", "100 mm"}, 3.3, 18, 12, 12, paint, spring, 0.35, 0},
		{"ROL", "Paint roller", "pcs", []string{"10 cm", "18 cm", "25 cm"}, 4.6, 16, 10, 10, paint, spring, 0.35, 0},
		{"TAP", "Masking tape", "pcs", []string{"19 mm", "30 mm", "38 mm", "50 mm"}, 2.1, 34, 24, 24, paint, spring, 0.3, 0},
		{"SIL", "Silicone", "pcs", []string{"transparent", "white", "grey", "black", "manhattan"}, 4.2, 20, 12, 12, paint, even, 0, 0},
		{"GLV", "Work glove", "pair", []string{"S", "M", "L", "XL"}, 2.4, 40, 12, 48, safety, even, 0, 0},
		{"MSK", "Dust mask", "box", []string{"FFP1", "FFP2", "FFP3"}, 12.6, 7, 5, 20, safety, even, 0, 0},
		{"SHO", "Safety shoe", "pair", []string{"40", "41", "42", "43", "44", "45", "46"}, 38, 1.4, 1, 6, safety, even, 0, 0.6},
		{"PAD", "Padlock", "pcs", []string{"30 mm", "40 mm", "50 mm", "60 mm", "70 mm", "brass 40 mm", "discus 70 mm"}, 9.1, 2.8, 4, 4, tools, even, 0, 0.75},
		{"EAR", "Ear defender", "pcs", []string{"light", "medium", "strong"}, 9.8, 2.4, 4, 12, safety, even, 0, 0.7},
	}
	const articles = 200
	for _, f := range families {
		for k, size := range f.sizes {
			if len(s.articles) < articles {
				s.articles = append(s.articles, f.article(k, size))
			}
		}
	}
	return s.counted()
}

// article is one size of a family: sizes in the middle sell most, larger ones
// cost more. Stock and orders under way are drawn from the article's own seed.
func (f family) article(k int, size string) article {
	sku := fmt.Sprintf("%s-%03d", f.code, 10*(k+1))
	seed := uint64(0)
	for _, letter := range sku {
		seed = seed*131 + uint64(letter)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	middle := float64(len(f.sizes)-1) / 2
	away := (float64(k) - middle) / math.Max(1, middle)
	a := article{
		sku: sku, name: f.name + " " + size, unit: f.unit,
		cost:   math.Max(0.05, math.Round(100*f.cost*math.Pow(1.6, away))/100),
		weekly: math.Round(100*f.weekly*(1.25-0.7*away*away))/100 + 0.05,
		season: f.season, strength: f.strength, often: f.often,
		trend: 0.12 * (random.Float64() - 0.4), noise: 1.4 + 1.2*random.Float64(),
		vendor: f.vendor, pack: f.pack, least: f.least,
	}
	lead := []float64{1, 2, 1.4, 1.7, 0.9, 5}[f.vendor] // weeks
	a.cover = lead + 1.6 + 1.8*random.Float64()
	if a.often > 0 {
		a.cover += 2
	}
	if random.Float64() < 0.12 {
		a.coming = 1 + random.Float64()
	}
	return a
}

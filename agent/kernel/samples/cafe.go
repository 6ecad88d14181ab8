package samples

import "github.com/dyocense/dyocense/agent/kernel/replenish"

// cafe is a neighbourhood coffee house: short lead times, kilograms and pieces.
// What does not keep has a most stock, which stands for its shelf life.
func cafe() Sample {
	const roaster, dairy, bakery, wholesale = 0, 1, 2, 3
	s := Sample{
		ID: "cafe", Name: "Corner cafe",
		Description: "A neighbourhood cafe: beans, milk, pastry and cups from four suppliers, most within days. Cold drinks sell in summer, chocolate in winter.",
		Currency:    "EUR", Periods: 60, seed: 24_601,
		SuggestedGoal: replenish.Goal{Horizon: 8, ServiceLevel: 0.95, BudgetPerPeriod: 2_600},
		vendors: []vendor{
			roaster:   {"Nordlicht Roastery", 5, 9},
			dairy:     {"Wiesengrund Dairy", 2, 6},
			bakery:    {"Backhaus Ehlers", 2, 4},
			wholesale: {"City Cash & Carry", 7, 12},
		},
		articles: []article{
			{sku: "COF-01", name: "House espresso beans", unit: "kg", cost: 15.80, weekly: 24, season: winter, strength: 0.1, noise: 0.5, vendor: roaster, pack: 6, most: 96, cover: 1.9},
			{sku: "COF-02", name: "Filter coffee beans", unit: "kg", cost: 17.40, weekly: 7.5, noise: 0.5, vendor: roaster, pack: 6, most: 36, cover: 2.1},
			{sku: "COF-03", name: "Decaf beans", unit: "kg", cost: 18.90, weekly: 2.2, noise: 0.4, trend: 0.15, vendor: roaster, pack: 1, least: 2, most: 12, cover: 2.5},
			{sku: "TEA-01", name: "Breakfast tea bags, box of 100", unit: "box", cost: 8.90, weekly: 1.6, season: winter, strength: 0.3, noise: 1.2, vendor: wholesale, cover: 4},
			{sku: "TEA-02", name: "Mint tea bags, box of 50", unit: "box", cost: 6.40, weekly: 1.1, season: winter, strength: 0.3, noise: 1.2, vendor: wholesale, cover: 3.5},
			{sku: "TEA-03", name: "Chai syrup", unit: "bottle", cost: 11.20, weekly: 1.8, season: winter, strength: 0.4, noise: 1.2, vendor: wholesale, pack: 6, cover: 3},
			{sku: "CHO-01", name: "Drinking chocolate powder", unit: "kg", cost: 9.60, weekly: 2.6, season: winter, strength: 0.5, noise: 0.4, vendor: wholesale, pack: 2.5, cover: 3},
			{sku: "MLK-01", name: "Whole milk", unit: "l", cost: 1.05, weekly: 165, noise: 3, vendor: dairy, pack: 12, volume: 1, most: 420, cover: 1.1},
			{sku: "MLK-02", name: "Oat drink, barista", unit: "l", cost: 1.75, weekly: 62, trend: 0.25, noise: 2, vendor: dairy, pack: 6, volume: 1, most: 240, cover: 1.4},
			{sku: "MLK-03", name: "Lactose-free milk", unit: "l", cost: 1.35, weekly: 18, noise: 1.5, vendor: dairy, pack: 6, volume: 1, most: 48, cover: 1.3},
			{sku: "DAI-01", name: "Whipping cream", unit: "l", cost: 3.90, weekly: 6, season: summer, strength: 0.2, noise: 0.8, vendor: dairy, pack: 1, volume: 1, most: 16, cover: 1.2},
			{sku: "DAI-02", name: "Butter, 250 g", unit: "pcs", cost: 2.10, weekly: 16, noise: 1.4, vendor: dairy, pack: 10, volume: 0.3, most: 60, cover: 1.6},
			{sku: "DAI-03", name: "Cream cheese tub", unit: "pcs", cost: 3.20, weekly: 9, noise: 1.5, vendor: dairy, pack: 6, volume: 0.5, most: 30, cover: 1.3},
			{sku: "BAK-01", name: "Butter croissant, frozen", unit: "pcs", cost: 0.62, weekly: 290, noise: 4, vendor: bakery, pack: 60, volume: 0.2, most: 900, cover: 1.2},
			{sku: "BAK-02", name: "Cinnamon roll, frozen", unit: "pcs", cost: 0.85, weekly: 120, season: winter, strength: 0.15, noise: 3, vendor: bakery, pack: 40, volume: 0.25, most: 480, cover: 1.3},
			{sku: "BAK-03", name: "Bagel, plain", unit: "pcs", cost: 0.48, weekly: 95, noise: 2.5, vendor: bakery, pack: 30, volume: 0.2, most: 240, cover: 1.2},
			{sku: "BAK-04", name: "Banana bread loaf", unit: "pcs", cost: 6.80, weekly: 7, noise: 1.3, vendor: bakery, pack: 2, volume: 1.5, most: 18, cover: 1.2},
			{sku: "BAK-05", name: "Gluten-free brownie", unit: "pcs", cost: 1.15, weekly: 26, noise: 1.8, vendor: bakery, pack: 12, volume: 0.2, most: 96, cover: 1.5, weeks: 20},
			{sku: "DRK-01", name: "Orange juice", unit: "l", cost: 2.60, weekly: 14, season: summer, strength: 0.3, noise: 1, vendor: wholesale, pack: 6, most: 60, cover: 1.8},
			{sku: "DRK-02", name: "Lemonade, 0.33 l", unit: "pcs", cost: 0.74, weekly: 48, season: summer, strength: 0.6, noise: 2.5, vendor: wholesale, pack: 24, cover: 2.2},
			{sku: "DRK-03", name: "Mineral water, 0.5 l", unit: "pcs", cost: 0.38, weekly: 70, season: summer, strength: 0.4, noise: 2.5, vendor: wholesale, pack: 20, cover: 2},
			{sku: "CUP-01", name: "Paper cup, medium", unit: "pcs", cost: 0.09, weekly: 780, noise: 9, vendor: wholesale, pack: 500, cover: 2.4},
			{sku: "CUP-02", name: "Cup lid", unit: "pcs", cost: 0.05, weekly: 640, noise: 9, vendor: wholesale, pack: 1000, cover: 2.9},
			{sku: "SUG-01", name: "Cane sugar sachets, box of 500", unit: "box", cost: 7.20, weekly: 0.9, noise: 1, vendor: wholesale, cover: 3, coming: 3},
		},
	}
	return s.counted()
}

// counted fills the figures that follow from the articles.
func (s Sample) counted() Sample {
	s.Items, s.Suppliers = len(s.articles), len(s.vendors)
	return s
}

package samples

import "github.com/dyocense/dyocense/agent/kernel/replenish"

// petShop is a shop with many new articles: short histories, and a storage room
// that is full before the budget is spent.
func petShop() Sample {
	const brands, feed, import1 = 0, 1, 2
	s := Sample{
		ID: "pet-shop", Name: "Paws & Whiskers pet shop",
		Description: "A pet shop that is changing its range: a third of the articles is new, with weeks of history instead of years. Sacks of feed fill the storage room.",
		Currency:    "GBP", Periods: 78, seed: 7_351,
		SuggestedGoal: replenish.Goal{Horizon: 8, ServiceLevel: 0.95, BudgetPerPeriod: 7_500, StorageCapacity: 7_500, Gap: 0.02},
		vendors: []vendor{
			brands:  {"Allpets Distribution", 7, 11},
			feed:    {"Hill Farm Feeds", 10, 18},
			import1: {"Meridian Imports", 28, 35},
		},
		articles: []article{
			{sku: "DOG-101", name: "Adult dog food, chicken, 12 kg", unit: "sack", cost: 27.50, weekly: 14, noise: 1.6, vendor: feed, pack: 2, least: 6, volume: 12, cover: 2.8},
			{sku: "DOG-102", name: "Adult dog food, lamb, 12 kg", unit: "sack", cost: 29.90, weekly: 9, noise: 1.6, vendor: feed, pack: 2, least: 6, volume: 12, cover: 2.6},
			{sku: "DOG-103", name: "Puppy food, 3 kg", unit: "bag", cost: 9.80, weekly: 11, noise: 1.5, vendor: feed, pack: 4, volume: 3, cover: 3},
			{sku: "DOG-104", name: "Senior dog food, 12 kg", unit: "sack", cost: 31.20, weekly: 5, noise: 1.4, vendor: feed, pack: 2, least: 4, volume: 12, cover: 3},
			{sku: "DOG-105", name: "Grain-free dog food, 10 kg", unit: "sack", cost: 41.00, weekly: 4, noise: 1.6, weeks: 14, vendor: feed, pack: 1, least: 4, volume: 10, cover: 2.4},
			{sku: "DOG-106", name: "Cold-pressed dog food, 5 kg", unit: "bag", cost: 24.60, weekly: 6, noise: 2, weeks: 9, vendor: feed, pack: 2, volume: 5, cover: 2.2},
			{sku: "DOG-201", name: "Dental sticks, 28 pieces", unit: "pack", cost: 4.70, weekly: 28, noise: 2, vendor: brands, pack: 10, volume: 0.8, cover: 2.4},
			{sku: "DOG-202", name: "Beef chews, 500 g", unit: "pack", cost: 5.90, weekly: 17, noise: 1.8, vendor: brands, pack: 8, volume: 0.7, cover: 2.2},
			{sku: "DOG-203", name: "Salmon training treats", unit: "pack", cost: 2.60, weekly: 22, noise: 2.2, weeks: 18, vendor: brands, pack: 12, volume: 0.3, cover: 2},
			{sku: "DOG-301", name: "Dog lead, nylon, 2 m", unit: "pcs", cost: 4.10, weekly: 3.5, noise: 1.2, vendor: import1, pack: 10, least: 20, volume: 0.2, cover: 7},
			{sku: "DOG-302", name: "Dog bed, medium", unit: "pcs", cost: 16.50, weekly: 1.6, season: winter, strength: 0.3, noise: 1.2, vendor: import1, least: 6, volume: 8, cover: 8},
			{sku: "DOG-303", name: "Cooling mat", unit: "pcs", cost: 8.90, weekly: 1.5, season: summer, strength: 0.9, noise: 1.3, vendor: import1, pack: 5, least: 10, volume: 2, cover: 7},
			{sku: "CAT-101", name: "Cat food pouches, 40 x 85 g", unit: "box", cost: 12.30, weekly: 38, noise: 2.2, vendor: brands, pack: 4, volume: 3.5, cover: 1.9},
			{sku: "CAT-102", name: "Kitten food, 2 kg", unit: "bag", cost: 8.20, weekly: 9, noise: 1.5, vendor: brands, pack: 4, volume: 2, cover: 2.4},
			{sku: "CAT-103", name: "Senior cat food, 2 kg", unit: "bag", cost: 9.40, weekly: 7, noise: 1.4, vendor: brands, pack: 4, volume: 2, cover: 2.6},
			{sku: "CAT-104", name: "Raw-coated cat food, 1.5 kg", unit: "bag", cost: 13.70, weekly: 5, noise: 2, weeks: 7, vendor: brands, pack: 4, volume: 1.5, cover: 2.4},
			{sku: "CAT-201", name: "Clumping litter, 10 l", unit: "bag", cost: 5.10, weekly: 46, noise: 2.5, vendor: feed, pack: 10, least: 40, volume: 10, cover: 2.4},
			{sku: "CAT-202", name: "Wood litter, 20 l", unit: "bag", cost: 7.60, weekly: 13, noise: 2, weeks: 22, vendor: feed, pack: 5, volume: 20, cover: 2},
			{sku: "CAT-203", name: "Silica litter, 5 l", unit: "bag", cost: 8.80, weekly: 6, noise: 1.6, weeks: 11, vendor: brands, pack: 4, volume: 5, cover: 2.3},
			{sku: "CAT-301", name: "Scratching post, 60 cm", unit: "pcs", cost: 14.90, weekly: 1.2, noise: 1.1, vendor: import1, least: 4, volume: 10, cover: 8},
			{sku: "CAT-302", name: "Feather wand", unit: "pcs", cost: 1.40, weekly: 8, season: christmas, strength: 0.3, noise: 1.8, vendor: import1, pack: 24, volume: 0.1, cover: 6},
			{sku: "SML-101", name: "Rabbit pellets, 5 kg", unit: "bag", cost: 7.30, weekly: 8, noise: 1.4, vendor: feed, pack: 4, volume: 5, cover: 2.6},
			{sku: "SML-102", name: "Meadow hay, 2 kg", unit: "bag", cost: 3.90, weekly: 24, season: winter, strength: 0.2, noise: 1.8, vendor: feed, pack: 6, volume: 12, cover: 1.8},
			{sku: "SML-103", name: "Hamster mix, 1 kg", unit: "bag", cost: 2.80, weekly: 6, noise: 1.3, vendor: feed, pack: 6, volume: 1, cover: 3},
			{sku: "SML-201", name: "Wood shavings, 15 l", unit: "bag", cost: 3.40, weekly: 15, noise: 1.6, vendor: feed, pack: 8, volume: 15, cover: 2},
			{sku: "BRD-101", name: "Wild bird seed, 5 kg", unit: "bag", cost: 6.20, weekly: 16, season: winter, strength: 0.7, noise: 2.2, vendor: feed, pack: 4, volume: 5, cover: 2.6},
			{sku: "BRD-102", name: "Fat balls, tub of 50", unit: "tub", cost: 6.90, weekly: 9, season: winter, strength: 0.8, noise: 2, vendor: feed, pack: 4, volume: 5, cover: 2.8},
			{sku: "BRD-103", name: "Budgie seed, 1 kg", unit: "bag", cost: 2.30, weekly: 5, noise: 1.2, vendor: feed, pack: 6, volume: 1, cover: 3},
			{sku: "FSH-101", name: "Flake food, 250 ml", unit: "tub", cost: 4.60, weekly: 6, noise: 1.3, vendor: brands, pack: 6, volume: 0.3, cover: 3},
			{sku: "FSH-102", name: "Water conditioner, 500 ml", unit: "bottle", cost: 5.20, weekly: 3, noise: 1.2, vendor: brands, pack: 6, volume: 0.5, cover: 4},
			{sku: "FSH-103", name: "Filter cartridges, pack of 4", unit: "pack", cost: 6.40, weekly: 2.5, noise: 1.3, weeks: 26, vendor: brands, pack: 4, volume: 0.4, cover: 3.5},
			{sku: "HLT-101", name: "Flea treatment, dog", unit: "pack", cost: 11.80, weekly: 7, season: summer, strength: 0.6, noise: 1.8, vendor: brands, pack: 6, volume: 0.2, cover: 2.8},
			{sku: "HLT-102", name: "Flea treatment, cat", unit: "pack", cost: 10.90, weekly: 8, season: summer, strength: 0.6, noise: 1.8, vendor: brands, pack: 6, volume: 0.2, cover: 2.8},
			{sku: "HLT-103", name: "Worming tablets", unit: "pack", cost: 5.70, weekly: 5, noise: 1.3, vendor: brands, pack: 6, volume: 0.1, cover: 3},
			{sku: "HLT-104", name: "Probiotic paste", unit: "tube", cost: 8.30, weekly: 2, noise: 1.4, weeks: 5, vendor: brands, pack: 3, volume: 0.1, cover: 3, coming: 2},
			{sku: "HLT-105", name: "Calming spray", unit: "bottle", cost: 7.90, weekly: 2.5, season: christmas, strength: 0.3, noise: 1.5, weeks: 16, vendor: brands, pack: 4, volume: 0.2, cover: 3},
		},
	}
	return s.counted()
}

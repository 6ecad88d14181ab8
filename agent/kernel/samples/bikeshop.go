package samples

import (
	"fmt"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
)

// bikeShop is a shop with a strong season: what sells in May stands in November.
func bikeShop() Sample {
	const parts, tyres, frames, clothing, lights = 0, 1, 2, 3, 4
	s := Sample{
		ID: "bike-shop", Name: "Velo Works bike shop",
		Description: "A bicycle shop with a workshop: spring sells three times what winter does, lights the other way round, and bikes take six weeks to come.",
		Currency:    "USD", Periods: 104, seed: 1_817,
		SuggestedGoal: replenish.Goal{Horizon: 10, ServiceLevel: 0.95, BudgetPerPeriod: 30_000},
		vendors: []vendor{
			parts:    {"Pacific Parts Supply", 5, 14},
			tyres:    {"Rubber & Rim", 9, 18},
			frames:   {"Alpine Cycles Inc.", 42, 120},
			clothing: {"Roadside Apparel", 21, 40},
			lights:   {"Beacon Lighting", 14, 22},
		},
	}
	add := func(a article) { s.articles = append(s.articles, a) }
	for k, bike := range []struct {
		name         string
		cost, weekly float64
	}{
		{"City bike, 7 speed", 285, 2.2},
		{"Trekking bike, 24 speed", 420, 1.6},
		{"Kids bike, 20 inch", 145, 2.4},
		{"Kids bike, 24 inch", 168, 1.8},
		{"Gravel bike, aluminium", 760, 0.8},
		{"E-bike, city", 1_240, 1.4},
		{"E-bike, trekking", 1_580, 0.9},
		{"Folding bike", 390, 0.7},
	} {
		add(article{
			sku: fmt.Sprintf("BIK-%02d", k+1), name: bike.name, unit: "pcs", cost: bike.cost, weekly: bike.weekly,
			season: spring, strength: 0.75, noise: 1.2, vendor: frames, cover: 8, coming: 2,
		})
	}
	for k, size := range []string{"28 x 1.40", "28 x 1.75", "700 x 25C", "700 x 40C", "26 x 2.00", "29 x 2.25", "20 x 1.75", "24 x 1.75"} {
		weekly := []float64{7, 9, 5, 4.5, 5, 4, 4, 3}[k]
		add(article{
			sku: fmt.Sprintf("TYR-%02d", k+1), name: "Tyre " + size, unit: "pcs", cost: []float64{13.5, 14.2, 21, 24.5, 15.8, 23, 9.9, 10.4}[k],
			weekly: weekly, season: spring, strength: 0.5, noise: 1.8, vendor: tyres, pack: 2, least: 4, cover: 3.2,
		})
		add(article{
			sku: fmt.Sprintf("TUB-%02d", k+1), name: "Inner tube " + size, unit: "pcs", cost: []float64{2.6, 2.6, 2.9, 3.1, 2.7, 3.3, 2.2, 2.3}[k],
			weekly: weekly * 2.6, season: spring, strength: 0.45, noise: 2, vendor: tyres, pack: 10, cover: 2.8,
		})
	}
	for k, part := range []struct {
		name               string
		cost, weekly, pack float64
	}{
		{"Chain, 8 speed", 8.4, 7, 5},
		{"Chain, 9 speed", 10.9, 5, 5},
		{"Chain, 11 speed", 18.5, 3, 5},
		{"Cassette, 8 speed", 16.2, 3, 1},
		{"Cassette, 11 speed", 38, 1.6, 1},
		{"Brake pads, rim", 3.1, 18, 10},
		{"Brake pads, disc, resin", 6.8, 16, 10},
		{"Brake pads, disc, metal", 8.2, 8, 10},
		{"Brake cable", 1.3, 14, 20},
		{"Shift cable", 1.4, 12, 20},
		{"Bar tape, black", 7.5, 3, 4},
		{"Pedals, platform", 9.6, 4, 2},
		{"Saddle, gel", 17, 2.6, 1},
		{"Kickstand, adjustable", 7.9, 3.4, 4},
		{"Bell", 2.8, 8, 12},
		{"Chain oil, 100 ml", 3.4, 15, 12},
		{"Patch kit", 1.6, 16, 24},
		{"Mini pump", 10.5, 4, 4},
		{"Bottle cage", 4.2, 5, 6},
	} {
		add(article{
			sku: fmt.Sprintf("PRT-%02d", k+1), name: part.name, unit: "pcs", cost: part.cost, weekly: part.weekly,
			season: spring, strength: 0.45, noise: 1.7, vendor: parts, pack: part.pack, cover: 2.6,
		})
	}
	for k, lamp := range []struct {
		name         string
		cost, weekly float64
	}{
		{"Front light, 40 lux, USB", 16.5, 6}, {"Rear light, USB", 8.9, 8}, {"Light set, battery", 11.2, 7}, {"Dynamo front light", 24, 2}, {"Reflective vest", 4.1, 5},
	} {
		add(article{
			sku: fmt.Sprintf("LGT-%02d", k+1), name: lamp.name, unit: "pcs", cost: lamp.cost, weekly: lamp.weekly,
			season: winter, strength: 0.7, noise: 1.8, vendor: lights, pack: 5, cover: 4.5,
		})
	}
	for k, wear := range []struct {
		name         string
		cost, weekly float64
		season       season
	}{
		{"Helmet, adult, M", 28, 5, spring},
		{"Helmet, adult, L", 28, 4, spring},
		{"Helmet, kids", 19, 6, spring},
		{"Rain jacket, M", 34, 2, winter},
		{"Rain jacket, L", 34, 2.2, winter},
		{"Summer gloves, M", 8.6, 4, summer},
		{"Winter gloves, M", 13.5, 3, winter},
		{"Winter gloves, L", 13.5, 3.2, winter},
	} {
		add(article{
			sku: fmt.Sprintf("CLO-%02d", k+1), name: wear.name, unit: "pcs", cost: wear.cost, weekly: wear.weekly,
			season: wear.season, strength: 0.6, noise: 1.6, vendor: clothing, pack: 2, least: 6, cover: 5.5,
		})
	}
	for k, lock := range []struct {
		name         string
		cost, weekly float64
	}{
		{"U-lock, heavy", 31, 3}, {"Folding lock", 38, 2.4}, {"Cable lock", 9.2, 5}, {"Child seat, rear", 62, 1.2},
	} {
		add(article{
			sku: fmt.Sprintf("ACC-%02d", k+1), name: lock.name, unit: "pcs", cost: lock.cost, weekly: lock.weekly,
			season: spring, strength: 0.5, noise: 1.5, vendor: parts, pack: 2, cover: 3,
		})
	}
	return s.counted()
}

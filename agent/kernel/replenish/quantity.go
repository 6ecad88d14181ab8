package replenish

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Units in which things are measured; all others are counted, and nobody has
// 1.91 pairs of anything.
var (
	measured = [...]string{
		"kg", "g", "mg", "t", "lb", "lbs", "oz", "l", "ml", "cl", "hl", "litre", "litres", "liter", "liters", "gal",
		"m", "mm", "cm", "km", "m2", "m3", "m²", "m³", "metre", "metres", "meter", "meters", "ft", "yd", "kwh", "hour", "hours", "h",
	}
	plurals = [...]string{
		"pair", "box", "bottle", "bag", "can", "unit", "set", "roll", "carton", "case", "crate", "jar", "tin", "bundle", "tube",
		"sheet", "sack", "tray", "piece", "pack", "packet", "ring", "keg", "barrel", "tub", "pallet", "item", "bar", "cup", "block",
	}
)

// quantity writes an amount with its unit: what is counted in whole numbers, or
// in halves where it comes so, what is measured as number does.
func quantity(v float64, unit string) string {
	name := strings.ToLower(unit)
	if unit == "" || slices.Contains(measured[:], name) {
		return strings.TrimSpace(number(v) + " " + unit)
	}
	shown := v
	if math.Abs(2*v-math.Round(2*v)) > 1e-6 {
		shown = math.Round(v)
	}
	if shown < 1 && v > 0 && shown != v {
		return "under 1 " + counted(1, unit)
	}
	return fmt.Sprintf("%s %s", number(shown), counted(shown, unit))
}

// counted is a unit in the singular for one, else in the plural, where it is an
// English word that is known to have one.
func counted(v float64, unit string) string {
	for _, word := range plurals {
		more := strings.TrimPrefix(plural(2, word), "2 ")
		if unit == word || unit == more {
			if v == 1 {
				return word
			}
			return more
		}
	}
	return unit
}

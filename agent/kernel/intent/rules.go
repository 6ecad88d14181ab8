package intent

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"

	"github.com/dyocense/dyocense/agent/kernel/replenish"
)

// rule is one kind of phrase. set reads the pattern's groups into the goal and
// returns the value, for machines and for people; ok is false when the phrase
// says something that cannot be meant, which leaves it not understood, or refuses
// the whole text where text says why.
type rule struct {
	field   string
	pattern *regexp.Regexp
	set     func(g *replenish.Goal, groups []string) (value, text string, ok bool)
}

const (
	minus  = `(?:minus\s|-|−)?`
	money  = `\s?(` + largeWord + `|(?:` + minus + `(?:€|\$|£|eur|usd|gbp|chf)\s?)?` + minus + `(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s?(k|thousand|m|million)?(?:\s?(?:€|\$|£|eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?))?`
	limit  = `(?:at most|no more than|not more than|up to|max(?:imum)?(?: of)?|less than|under|below|within|only|stay(?:ing)? (?:under|below|within)|limit(?:ed to| of| to)?|cap(?:ped)? (?:at|of)|spend(?:ing)?)`
	each   = `(?:a|per|each|every|/|in a|for each|for every)\s?(?:one\s)?week|weekly|/\s?wk|p\.?w\.?`
	whole  = `in total|total|in all|all in all|altogether|overall|for (?:the )?(?:whole|entire) (?:plan|period|horizon|time)|over (?:the )?(?:whole|entire) (?:plan|period|horizon|time)`
	number = `(` + minus + `\d{1,6}|` + largeWord + `|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a couple of|a|an|half a)`
	span   = `(days?|weeks?|fortnights?|months?|quarters?|half[- ]years?|years?)`
	room   = `(` + largeWord + `|` + minus + `\d[\d,]*(?:\.\d+)?)`
)

// allRules are compiled once and not changed.
var allRules = sync.OnceValue(rules)

// rules in the order they are tried: what says more comes before what says less,
// and a stretch of text belongs to the first that takes it.
func rules() []rule {
	word := func(field, pattern string, set func(*replenish.Goal, []string) (string, string, bool)) rule {
		return rule{field, regexp.MustCompile(`(?:^|[^\p{L}\p{N}])(` + pattern + `)(?:$|[^\p{L}\p{N}%])`), set}
	}
	horizon := func(g *replenish.Goal, weeks int) (string, string, bool) {
		if weeks < 1 || weeks > replenish.MaxHorizon {
			return "", fmt.Sprintf("a plan can cover 1 to %d weeks", replenish.MaxHorizon), false
		}
		g.Horizon = weeks
		return strconv.Itoa(weeks), fmt.Sprintf("plan %s", weeksText(weeks)), true
	}
	level := func(g *replenish.Goal, v float64) (string, string, bool) {
		if v < 0.5 || v > 0.99 {
			return "", "a service level can be from 50 % to 99 %", false
		}
		g.ServiceLevel = v
		return plain(v), fmt.Sprintf("service level %s %%", plain(100*v)), true
	}
	budget := func(field *float64, groups []string, what string) (string, string, bool) {
		v, ok := amountOf(groups[0], groups[1])
		switch {
		case !ok:
			return "", "", false
		case v <= 0:
			return "", fmt.Sprintf("a %s must be above 0; leave it out when there is no limit", what), false
		case v > 1e9:
			return "", fmt.Sprintf("a %s can be at most 1,000,000,000; leave it out when there is no limit", what), false
		}
		*field = v
		return plain(v), fmt.Sprintf("%s of %s", what, grouped(v)), true
	}
	perPeriod := func(g *replenish.Goal, groups []string) (string, string, bool) {
		return budget(&g.BudgetPerPeriod, groups, "weekly budget")
	}
	total := func(g *replenish.Goal, groups []string) (string, string, bool) {
		return budget(&g.BudgetTotal, groups, "total budget")
	}
	percent := func(g *replenish.Goal, groups []string) (string, string, bool) {
		v, ok := countOf(groups[0])
		if !ok {
			return "", "", false
		}
		return level(g, v/100)
	}
	fixed := func(v float64) func(*replenish.Goal, []string) (string, string, bool) {
		return func(g *replenish.Goal, _ []string) (string, string, bool) { return level(g, v) }
	}
	service := func(r replenish.ServiceRule, text string) func(*replenish.Goal, []string) (string, string, bool) {
		return func(g *replenish.Goal, _ []string) (string, string, bool) {
			g.ServiceRule = r
			return string(r), text, true
		}
	}
	storage := func(g *replenish.Goal, groups []string) (string, string, bool) {
		return budget(&g.StorageCapacity, groups, "storage limit")
	}
	unlimited := func(what string) func(*replenish.Goal, []string) (string, string, bool) {
		return func(*replenish.Goal, []string) (string, string, bool) { return "0", "no " + what + " limit", true }
	}
	none := `(?:no|without(?: an?| any)?|unlimited)`
	share := `(` + minus + `\d{1,4}(?:\.\d+)?|` + inTens + `|(?:an?|one) hundred)\s?(?:%|percent|per cent)`
	return []rule{
		word("storageCapacity", `(?:`+none+` (?:storage|warehouse|space)(?: space| room)?(?: limits?)?|storage is unlimited)`, unlimited("storage")),
		word("budgetPerPeriod", `(?:`+none+` (?:weekly |total )?(?:budget|spending|money)(?: limits?)?|`+none+` limits? (?:on|to|for) (?:the |our |my )?(?:budget|spend(?:ing)?|money)|budget (?:is |does not |doesn't )?(?:unlimited|matter))`, unlimited("budget")),

		// Storage names its noun; it comes before money, which may have none.
		word("storageCapacity", `(?:(?:storage|warehouse|storeroom|shelf|stock ?room)(?: room| space| capacity)?(?: is| holds| for| of| limit(?:ed)?(?: of| to)?|:)*\s?(?:`+limit+`\s)?`+room+`\s?(k|thousand)?(?: units| crates| pallets| boxes| m3| litres)?)`, storage),
		word("storageCapacity", `(?:(?:`+limit+`\s)?`+room+`\s?(k|thousand)?(?: units| crates| pallets| m3| litres)? (?:of |in )?(?:the |our |my )?(?:storage|warehouse|storeroom|stock ?room)(?: room| space| capacity)?)`, storage),

		word("budgetPerPeriod", `(?:(?:with |on |keep |have )?(?:a |the |our |my )?weekly (?:budget|spend(?:ing)?|limit)(?: of| is| at|:| to| under| below| stays under)*\s?(?:`+limit+`\s)?`+money+`)`, perPeriod),
		word("budgetPerPeriod", `(?:(?:with |on |keep |have )?(?:a |the |our |my )?(?:budget|spend(?:ing)?)?(?: of| is| at|:)*\s?(?:`+limit+`\s)*`+money+`\s?(?:`+each+`))`, perPeriod),
		word("budgetTotal", `(?:(?:with |on |keep |have )?(?:a |the |our |my )?total (?:budget|spend(?:ing)?|limit)(?: of| is| at|:| to| under| below)*\s?(?:`+limit+`\s)?`+money+`)`, total),
		word("budgetTotal", `(?:(?:with |on |keep |have )?(?:a |the |our |my )?(?:budget|spend(?:ing)?)?(?: of| is| at|:)*\s?(?:`+limit+`\s)*`+money+`\s?(?:`+whole+`))`, total),

		word("serviceLevel", `(?:(?:with |keep |at |hold |reach )*(?:a |the )?(?:service(?: level)?|fill rate|availability|in[- ]stock(?: rate)?)(?: of| at| is|:| to|=)*\s?(?:at least |above |over )?`+share+`)`, percent),
		word("serviceLevel", `(?:(?:with |keep |at |hold |reach )*(?:at least |above |over )?(?:a )?`+share+`\s(?:service(?: level)?|fill rate|availability|available|in[- ]stock|of (?:the )?demand))`, percent),
		word("serviceLevel", `(?:never (?:run|be|running) (?:out(?: of (?:stock|anything))?)|no stock-?outs?|always (?:have|be) (?:everything )?in stock|without (?:ever )?running out|avoid (?:all )?stock-?outs?|don'?t (?:ever )?run out(?: of (?:stock|anything))?)`, fixed(0.98)),
		word("serviceLevel", `(?:(?:rarely|seldom|hardly ever|almost never) (?:run|be|running) out(?: of stock)?|few stock-?outs?|usually in stock)`, fixed(0.95)),
		word("serviceLevel", `(?:(?:may|can|could|ok(?:ay)? to|fine to|sometimes|occasionally) run out(?: sometimes| now and then| occasionally)?|some stock-?outs? (?:are|is) (?:fine|ok(?:ay)?|acceptable))`, fixed(0.85)),

		word("serviceRule", `(?:(?:if|where) possible|as (?:far|well|much) as (?:the (?:budget|money|room|storage) )?(?:allows?|possible)|best effort|do what you can|shortages? (?:are|is) (?:ok(?:ay)?|acceptable|fine|allowed)|budget (?:comes|is|goes) first|prefer(?:red|ably)?|try to)`, service(replenish.ServicePreferred, "service is preferred, limits come first")),
		word("serviceRule", `(?:no matter what|at (?:any|all) costs?|must not run out|under all circumstances|whatever it costs|service (?:comes|is|goes) first|strictly|guaranteed?)`, service(replenish.ServiceRequired, "service is required")),

		word("horizon", `(?:(?:for|over|in|during|within|plan(?:ning)?|cover(?:ing)?|the)?\s?(?:at most |up to |no more than )?(?:the )?(?:next|coming|following|upcoming)?\s?`+number+`[ -]`+span+`(?: ahead| plan| horizon)?)`, func(g *replenish.Goal, groups []string) (string, string, bool) {
			n, ok := countOf(groups[0])
			if !ok {
				return "", "", false
			}
			return horizon(g, weeksOf(n, groups[1]))
		}),
		word("horizon", `(?:(?:for|over|in|during|within|plan(?:ning)?|cover(?:ing)?)?\s?(?:the|this|next|coming|this coming|the next|the coming)\s`+span+`)`, func(g *replenish.Goal, groups []string) (string, string, bool) {
			return horizon(g, weeksOf(1, groups[0]))
		}),

		// A share alone can only be the service; one by which something is to change
		// is none.
		word("serviceLevel", `(?:((?:by|save|cut|reduce|grow|increase) (?:by )?)?(?:with |at |keep |at least |above |over )*`+share+`(\s(?:off|more|less|fewer|discount|increase|growth|cheaper|higher|lower))?)`, func(g *replenish.Goal, groups []string) (string, string, bool) {
			v, ok := countOf(groups[1])
			if !ok || groups[0] != "" || groups[2] != "" || v > 0 && v < 50 {
				return "", "", false
			}
			return level(g, v/100)
		}),

		// A budget that says neither week nor total is the whole.
		word("budgetTotal", `(?:(?:with |on |keep |have )?(?:a |the |our |my )?budget(?: of| is| at|:| to| under| below)*\s?(?:`+limit+`\s)?`+money+`)`, total),
		word("budgetTotal", `(?:(?:with |on )?(?:a )?`+money+` budget)`, total),
		word("budgetTotal", `(?:(?:`+limit+`\s)+`+money+`)`, total),

		word("objective", `(?:as cheap(?:ly)? as possible|cheapest|cheaply|lowest (?:total )?costs?|minimi[sz]e (?:the )?(?:total )?(?:costs?|spend(?:ing)?)|(?:cut|reduce|lower|save) (?:on )?(?:the )?(?:our |my )?(?:total |holding |storage |inventory |stock )?(?:costs?|money|spend(?:ing)?))`, func(*replenish.Goal, []string) (string, string, bool) {
			return "cheapest", "the cheapest plan that keeps the rules", true
		}),
		word("template", `(?:inventory|stock(?:ing|s)?|replenish(?:ment|ing)?|re-?order(?:s|ing)?|re-?stock(?:ing)?|orders?|ordering|purchas(?:e|es|ing)|buy(?:ing)?|procure(?:ment)?|suppl(?:y|ies)|what (?:and how much )?to order|refill(?:ing)?|shelves|products?|articles?|goods|ingredients?)`, func(*replenish.Goal, []string) (string, string, bool) {
			return Replenishment, "inventory replenishment", true
		}),
	}
}

package intent_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/kernel/intent"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
)

// wish is the part of a goal that a text sets.
type wish struct {
	Horizon int
	Service float64
	Rule    replenish.ServiceRule
	Week    float64
	Total   float64
	Storage float64
	Lost    []string // not understood
}

func TestPhrases(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]wish{
		"order for the next 8 weeks":                     {Horizon: 8},
		"Order stock for 8 weeks":                        {Horizon: 8},
		"replenish over the next twelve weeks":           {Horizon: 12},
		"a 6-week order plan":                            {Horizon: 6},
		"orders for two months":                          {Horizon: 9},
		"restock for the next month":                     {Horizon: 4},
		"restock for the next 3 months":                  {Horizon: 13},
		"reorder for a quarter":                          {Horizon: 13},
		"purchase for the next quarter":                  {Horizon: 13},
		"buy for this week":                              {Horizon: 1},
		"buy stock for a fortnight":                      {Horizon: 2},
		"order goods for 14 days":                        {Horizon: 2},
		"order goods for half a year":                    {Horizon: 26},
		"order for at most 6 weeks":                      {Horizon: 6},
		"order for twenty-one weeks":                     {Horizon: 21},
		"order at 97.5%":                                 {Service: 0.975},
		"restock, 90 percent":                            {Service: 0.9},
		"restock, ninety-five percent service":           {Service: 0.95},
		"restock and cut costs by 60%":                   {Lost: []string{"60%"}},
		"restock for 8 weeks, no budget limit":           {Horizon: 8},
		"restock without a budget":                       {},
		"restock, no storage limit":                      {},
		"restock, five hundred a week":                   {Week: 500},
		"restock, at most two thousand and fifty a week": {Week: 2050},
		"restock, a hundred euros per week":              {Week: 100},
		"restock, storage of five hundred":               {Storage: 500},
		"restock - 3000 a week - for 4 weeks":            {Week: 3000, Horizon: 4},
		"restock, 2,000-3,000 a week":                    {Week: 3000, Lost: []string{"2,000-3,000"}},
		"one weekly order of stock":                      {Lost: []string{"one"}},
		"inventory plan, two quarters":                   {Horizon: 26},
		"order at most 3,000 a week":                     {Week: 3000},
		"order, at most €3,000 per week":                 {Week: 3000},
		"order, no more than $2.5k each week":            {Week: 2500},
		"orders up to 4000 EUR weekly":                   {Week: 4000},
		"stock with a weekly budget of 1,500":            {Week: 1500},
		"stock with weekly budget 1500":                  {Week: 1500},
		"restock, weekly spend under £900":               {Week: 900},
		"restock, 900 pounds a week":                     {Week: 900},
		"restock, 2 thousand per week":                   {Week: 2000},
		"restock for 12,000 in total":                    {Total: 12000},
		"restock, €5k in total":                          {Total: 5000},
		"reorder with a budget of 12000":                 {Total: 12000},
		"reorder with a total budget of 12,500.50":       {Total: 12500.5},
		"reorder, spend no more than 20,000 overall":     {Total: 20000},
		"reorder with a 5k budget":                       {Total: 5000},
		"reorder for at most 700 dollars":                {Total: 700},
		"order with 95 % service":                        {Service: 0.95},
		"order with 97.5% service level":                 {Service: 0.975},
		"order, service level 90 percent":                {Service: 0.9},
		"order, service level of at least 92%":           {Service: 0.92},
		"order and keep a fill rate of 96 %":             {Service: 0.96},
		"order so that 94 % of demand is met":            {Service: 0.94, Lost: []string{"met"}},
		"keep products 98 % in stock":                    {Service: 0.98},
		"never run out of stock":                         {Service: 0.98},
		"order so we never run out":                      {Service: 0.98},
		"restock and avoid stockouts":                    {Service: 0.98},
		"restock and don't run out":                      {Service: 0.98},
		"restock so we rarely run out":                   {Service: 0.95},
		"restock, hardly ever running out of stock":      {Service: 0.95},
		"restock, some stockouts are fine":               {Service: 0.85},
		"restock, we may run out now and then":           {Service: 0.85},
		"order, 95 % service if possible":                {Service: 0.95, Rule: replenish.ServicePreferred},
		"order as far as the budget allows":              {Rule: replenish.ServicePreferred},
		"order, shortages are acceptable":                {Rule: replenish.ServicePreferred},
		"order, must not run out":                        {Rule: replenish.ServiceRequired},
		"order 95 % service no matter what":              {Service: 0.95, Rule: replenish.ServiceRequired},
		"order with storage of 900":                      {Storage: 900},
		"order, warehouse capacity at most 1,200 units":  {Storage: 1200},
		"order, up to 500 crates in the warehouse":       {Storage: 500},
		"cheapest orders":                                {},
		"order as cheaply as possible":                   {},
		"cut inventory costs":                            {},
		"minimize cost of stock":                         {},
		"reduce our holding costs":                       {},
		"order stock for the Easter rush":                {Lost: []string{"Easter rush"}},
		"ORDER FOR 8 WEEKS, AT MOST €3,000 A WEEK":       {Horizon: 8, Week: 3000},
		"Order for 8 weeks; 95% service; 2,600 per week": {Horizon: 8, Service: 0.95, Week: 2600},
		"Bestand order für 8 weeks":                      {Horizon: 8, Lost: []string{"Bestand", "für"}},
		"Order stock for the next 8 weeks, at most 3,000 a week and 20k in total, 95 % service level": {Horizon: 8, Week: 3000, Total: 20000, Service: 0.95},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			m, err := intent.Find(text, nil)
			if err != nil {
				t.Fatal(err)
			}
			full := replenish.Goal{
				Horizon: want.Horizon, ServiceLevel: want.Service, ServiceRule: want.Rule,
				BudgetPerPeriod: want.Week, BudgetTotal: want.Total, StorageCapacity: want.Storage,
			}.Filled()
			if diff := cmp.Diff(full, m.Goal); diff != "" {
				t.Errorf("goal (-want +got):\n%s\nunderstood: %+v", diff, m.Understood)
			}
			if want.Lost == nil {
				want.Lost = []string{}
			}
			if diff := cmp.Diff(want.Lost, m.NotUnderstood); diff != "" {
				t.Errorf("not understood (-want +got):\n%s\nunderstood: %+v", diff, m.Understood)
			}
			for _, u := range m.Understood {
				if text[u.Start:u.End] != u.Phrase {
					t.Errorf("phrase %q is not at %d to %d", u.Phrase, u.Start, u.End)
				}
			}
		})
	}
}

func TestOtherGoals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"make a weekend rota for my staff", "schedule shifts for 12 employees next week", "plan delivery routes for three vans",
		"staffing for the next 4 weeks at most 3,000 a week", "find the best prices for summer", "fix my cash flow for the next quarter",
		"nurse roster for two months", "production plan for the next month", "hello", "what is the weather",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			m, err := intent.Find(text, nil)
			if !errors.Is(err, intent.ErrNoTemplate) {
				t.Fatalf("got %+v and %v, want that there is no template", m, err)
			}
			if !strings.Contains(err.Error(), "inventory replenishment") {
				t.Errorf("%v does not name what exists", err)
			}
		})
	}
}

func TestArticles(t *testing.T) {
	t.Parallel()
	known := []intent.Article{{SKU: "COF-01", Name: "House espresso beans"}, {SKU: "MLK-01", Name: "Whole milk"}, {SKU: "X", Name: "Beans"}}
	m, err := intent.Find("Order house espresso beans and MLK-01 for 4 weeks", known)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"COF-01", "MLK-01"}, m.Goal.SKUs); diff != "" {
		t.Errorf("articles (-want +got):\n%s", diff)
	}
	if m.Goal.Horizon != 4 || len(m.NotUnderstood) != 0 {
		t.Errorf("got %+v", m)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"says so when two phrases contradict each other": {"order for 8 weeks, no, for 10 weeks", intent.ErrContradiction},
		"refuses an empty text":                          {"  \n", intent.ErrText},
		"refuses a text without end":                     {strings.Repeat("order ", 1000), intent.ErrText},
		"refuses bytes that are no text":                 {"order \xff\xfe", intent.ErrText},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := intent.Find(c.text, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestImpossibleWishesAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	known := []intent.Article{{SKU: "HXB-010", Name: "Hex bolt"}}
	for text, want := range map[string]string{
		"order with a budget of -50 a week":         "must be above 0",
		"order, budget -50 a week":                  "must be above 0",
		"order, at most -€50 per week":              "must be above 0",
		"order for minus 700 euros in total":        "must be above 0",
		"order with a total budget of -1,000":       "must be above 0",
		"order with storage of -5":                  "must be above 0",
		"order for 0 a week":                        "must be above 0",
		"order with 99.9% service":                  "from 50 % to 99 %",
		"order with 100 % service":                  "from 50 % to 99 %",
		"order with 20 % service":                   "from 50 % to 99 %",
		"order at 150 %":                            "from 50 % to 99 %",
		"order at -95 %":                            "from 50 % to 99 %",
		"order for at most 500 weeks":               "1 to 26 weeks",
		"for 40 weeks order stock":                  "1 to 26 weeks",
		"order for -3 weeks":                        "1 to 26 weeks",
		"order for a year":                          "1 to 26 weeks",
		"Order only sku HW-001":                     `"HW-001": this SKU is not in the stock table`,
		"Order only HW-001 and HXB-010 for 4 weeks": `"HW-001": this SKU is not in the stock table`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			m, err := intent.Find(text, known)
			if !errors.Is(err, intent.ErrImpossible) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %+v and %v, want a refusal that says %q", m, err, want)
			}
		})
	}
	t.Run("takes a SKU that is there", func(t *testing.T) {
		t.Parallel()
		if m, err := intent.Find("order only sku HXB-010", known); err != nil || len(m.Goal.SKUs) != 1 {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for _, template := range intent.Templates() {
		for _, example := range template.Examples {
			m, err := intent.Find(example, nil)
			if err != nil || len(m.NotUnderstood) > 0 || m.Template != template.ID {
				t.Errorf("the example %q is not understood whole: %v %v", example, m.NotUnderstood, err)
			}
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("Order for 8 weeks, at most €3,000 a week")
	f.Add("İstanbul order ẞ 5k")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := intent.Find(text, []intent.Article{{SKU: "ABC", Name: "é"}})
		if err != nil {
			return
		}
		if err := m.Goal.Validate(); err != nil {
			t.Fatalf("%q makes a goal that is not valid: %v", text, err)
		}
		for _, u := range m.Understood {
			if text[u.Start:u.End] != u.Phrase {
				t.Fatalf("phrase %q is not in its place", u.Phrase)
			}
		}
	})
}

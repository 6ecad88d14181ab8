package billingsandbox

import (
	"regexp"
	"strings"
)

// taxID is a number by which the state knows a customer.
type taxID struct {
	hidden
	ID           string       `json:"id"`
	Object       kind         `json:"object"`
	Created      int64        `json:"created"`
	Livemode     bool         `json:"livemode"`
	Country      ref          `json:"country"`
	Customer     string       `json:"customer"`
	Owner        taxOwner     `json:"owner"`
	Type         string       `json:"type"`
	Value        string       `json:"value"`
	Verification verification `json:"verification"`
}

type taxOwner struct {
	Customer string `json:"customer"`
	Type     string `json:"type"`
}

type verification struct {
	Status          string `json:"status"` // pending, verified, unverified, unavailable
	VerifiedAddress ref    `json:"verified_address"`
	VerifiedName    ref    `json:"verified_name"`
}

// verifyAfter is how many seconds a register takes to answer.
const verifyAfter = 1

func (v *taxID) found() found {
	f := found{id: v.ID, kind: kindTaxID, customer: v.Customer}
	if v.Verification.Status == "pending" && !strings.HasSuffix(v.Value, stillPending) {
		f.due = v.Created + verifyAfter
	}
	return f
}

// How a number ends that a register says something particular about, as at Stripe.
const (
	notFound     = "111111111"
	stillPending = "222222222"
)

// taxFormats are the kinds that are checked, each by its format.
func taxFormats() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"eu_vat": regexp.MustCompile(`^(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)[A-Z0-9]{8,12}$`),
		"gb_vat": regexp.MustCompile(`^GB\d{9}(\d{3})?$`), "ch_vat": regexp.MustCompile(`^CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)$`),
		"no_vat": regexp.MustCompile(`^\d{9}MVA$`), "us_ein": regexp.MustCompile(`^\d{2}-?\d{7}$`), "ca_bn": regexp.MustCompile(`^\d{9}$`),
		"ca_gst_hst": regexp.MustCompile(`^\d{9}RT\d{4}$`), "au_abn": regexp.MustCompile(`^\d{11}$`), "in_gst": regexp.MustCompile(`^\d{2}[A-Z0-9]{13}$`),
		"nz_gst": regexp.MustCompile(`^\d{8,9}$`), "jp_cn": regexp.MustCompile(`^\d{13}$`), "sg_gst": regexp.MustCompile(`^[A-Z0-9]{9,10}$`),
	}
}

// verified are the kinds that a register is asked about.
var verified = map[string]bool{"eu_vat": true, "gb_vat": true, "au_abn": true}

func taxEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/customers/{id}/tax_ids", []string{"type", "value"}, createTaxID},
		{"GET /v1/customers/{id}/tax_ids", paged(), func(t *tx, c call) (any, error) {
			if _, err := living(t, c.id); err != nil {
				return nil, err
			}
			return page[taxID](t, c, ofCustomer(kindTaxID, c.id), nil)
		}},
		{"GET /v1/customers/{id}/tax_ids/{part}", nil, readTaxID},
		{"DELETE /v1/customers/{id}/tax_ids/{part}", nil, deleteTaxID},
	}
}

func createTaxID(t *tx, c call) (any, error) {
	of, err := living(t, c.id)
	if err != nil {
		return nil, err
	}
	if err := t.at(of.ID); err != nil {
		return nil, err
	}
	return t.addTaxID(of, c.form)
}

func (t *tx) addTaxID(of *customer, f form) (*taxID, error) {
	sort, err := f.need("type")
	if err != nil {
		return nil, err
	}
	value, err := f.need("value")
	if err != nil {
		return nil, err
	}
	format, known := taxFormats()[sort]
	if !known {
		return nil, invalid("", f.key("type"), "Invalid type: the sandbox knows eu_vat, gb_vat, us_ein and a few more, not %s", sort)
	}
	if value = strings.ToUpper(strings.TrimSpace(value)); !format.MatchString(value) {
		return nil, invalid("tax_id_invalid", f.key("value"), "Invalid value for %s.", sort)
	}
	v := &taxID{
		ID: name(kindTaxID, ""), Object: kindTaxID, Created: t.now, Customer: of.ID, Owner: taxOwner{of.ID, "customer"}, Type: sort, Value: value,
		Country: ref(strings.ToUpper(sort[:2])), Verification: verification{Status: "unavailable"},
	}
	if sort == "eu_vat" {
		v.Country = ref(strings.Replace(value[:2], "EL", "GR", 1))
	}
	if verified[sort] {
		v.Verification.Status = "pending"
	}
	t.save(v)
	t.announce("customer.tax_id.created", v)
	return v, nil
}

// verify is what the register says.
func (t *tx) verify(v *taxID) {
	v.Verification = verification{Status: "verified", VerifiedAddress: "123 TEST STREET", VerifiedName: "TEST"}
	if strings.HasSuffix(v.Value, notFound) {
		v.Verification = verification{Status: "unverified"}
	}
	t.save(v)
	t.announce("customer.tax_id.updated", v, map[string]any{"verification": map[string]any{"status": "pending"}})
}

// taxIDOf is a number of the customer in the path.
func taxIDOf(t *tx, c call) (*taxID, error) {
	v, err := get[taxID](t, c.part)
	if err == nil && v.Customer != c.id {
		return nil, missing(kindTaxID, c.part)
	}
	return v, err
}

func readTaxID(t *tx, c call) (any, error) { return taxIDOf(t, c) }

func deleteTaxID(t *tx, c call) (any, error) {
	v, err := taxIDOf(t, c)
	if err != nil {
		return nil, err
	}
	t.remove(v)
	t.announce("customer.tax_id.deleted", v)
	return removed{v.ID, kindTaxID, true}, nil
}

package billingsandbox

import (
	"strconv"
	"strings"
	"time"
)

// testCard is a number that does something, as Stripe documents it.
type testCard struct {
	number string
	token  string // "pm_card_" and this is the same card by name
	brand  string
	says   string // on the page
}

// The cards with a will of their own, by the end of their numbers.
const (
	failsLater   = "0341" // attaches, and fails when it is charged
	asksUnlessOn = "3155" // asks its holder, unless it was set up with the bank
	asksAlways   = "3184" // asks its holder for each payment
)

func testCards() []testCard {
	return []testCard{
		{"4242424242424242", "visa", "visa", "pays"},
		{"5555555555554444", "mastercard", "mastercard", ""},
		{"378282246310005", "amex", "amex", ""},
		{"4000056655665556", "visa_debit", "visa", ""},
		{"4000000000000341", "chargeCustomerFail", "visa", "pays now and is declined later"},
		{"4000000000000002", "chargeDeclined", "visa", "is declined"},
		{"4000000000009995", "chargeDeclinedInsufficientFunds", "visa", "lacks funds"},
		{"4000000000009987", "chargeDeclinedLostCard", "visa", ""},
		{"4000000000009979", "chargeDeclinedStolenCard", "visa", ""},
		{"4000000000000069", "chargeDeclinedExpiredCard", "visa", "has expired"},
		{"4000000000000127", "chargeDeclinedIncorrectCvc", "visa", ""},
		{"4000000000000119", "chargeDeclinedProcessingError", "visa", ""},
		{"4000002500003155", "authenticationRequiredOnSetup", "visa", "asks you to confirm, once"},
		{"4000002760003184", "authenticationRequired", "visa", "asks you to confirm each payment"},
		{"4000000000000259", "createDispute", "visa", "pays and is disputed"},
		{"4000000000002685", "createProductNotReceived", "visa", ""},
		{"4000000000005423", "createIssuerFraudRecord", "visa", "pays and warns of fraud"},
	}
}

// declines is what a bank says about a card, by the end of its number.
func declines(behavior string) *failure {
	switch behavior {
	case "0002":
		return cardError("card_declined", "generic_decline", "Your card was declined.")
	case "9995":
		return cardError("card_declined", "insufficient_funds", "Your card has insufficient funds.")
	case "9987":
		return cardError("card_declined", "lost_card", "Your card was declined.")
	case "9979":
		return cardError("card_declined", "stolen_card", "Your card was declined.")
	case "0069":
		return cardError("expired_card", "expired_card", "Your card has expired.")
	case "0127":
		return cardError("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
	case "0119":
		return cardError("processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit.")
	}
	return nil
}

// decline is why a card was not taken, in Stripe's words, and which field of the
// page it is about.
type decline struct {
	Field   string
	Message string
}

// readCard reads the fields of a page and says whether the card is one that can be
// kept. Numbers are not.
func readCard(number, expiry, cvc string, now time.Time) (card, string, *decline) {
	month, year, wrong := readExpiry(expiry, now)
	c, behavior, d := readNumber(number, month, year)
	if d != nil && d.Message == invalidNumber {
		return card{}, "", d
	}
	if wrong != nil {
		return card{}, "", wrong
	}
	if cvc = strings.TrimSpace(cvc); len(cvc) < 3 || len(cvc) > 4 || strings.Trim(cvc, "0123456789") != "" {
		return card{}, "", &decline{"cvc", "Your card's security code is invalid."}
	}
	return c, behavior, d
}

const invalidNumber = "Your card number is invalid."

func readNumber(number string, month, year int) (card, string, *decline) {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	if len(number) < 12 || len(number) > 19 || strings.Trim(number, "0123456789") != "" || !luhn(number) {
		return card{}, "", &decline{"number", invalidNumber}
	}
	for _, known := range testCards() {
		if known.number != number {
			continue
		}
		last4 := number[len(number)-4:]
		if f := declines(last4); f != nil {
			return card{}, "", &decline{"number", f.Message}
		}
		return cardOf(known, month, year), last4, nil
	}
	return card{}, "", &decline{"number", "Your card was declined. Your request was in test mode, but used a non test card. Use one of the cards named on this page."}
}

// cardOf is what is kept of a card. The same number has the same fingerprint.
func cardOf(c testCard, month, year int) card {
	funding := "credit"
	if strings.HasSuffix(c.token, "debit") {
		funding = "debit"
	}
	return card{
		Brand: c.brand, Country: "US", Fingerprint: identifier("", "card "+c.number)[:16], Funding: funding,
		Last4: c.number[len(c.number)-4:], ExpMonth: int64(month), ExpYear: int64(year),
	}
}

// cardNamed is a card by a token like pm_card_visa or tok_visa.
func cardNamed(token string) (testCard, bool) {
	short, ok := strings.CutPrefix(token, "pm_card_")
	if !ok {
		if short, ok = strings.CutPrefix(token, "tok_"); !ok {
			return testCard{}, false
		}
	}
	for _, c := range testCards() {
		if c.token == short {
			return c, true
		}
	}
	return testCard{}, false
}

// readExpiry reads "MM / YY" or "MM/YYYY".
func readExpiry(s string, now time.Time) (month, year int, d *decline) {
	m, y, ok := strings.Cut(s, "/")
	month, err1 := strconv.Atoi(strings.TrimSpace(m))
	year, err2 := strconv.Atoi(strings.TrimSpace(y))
	if !ok || err1 != nil || err2 != nil || month < 1 || month > 12 {
		return 0, 0, &decline{"expiry", "Your card's expiration date is incomplete."}
	}
	if year < 100 {
		year += 2000
	}
	if year > now.Year()+50 || year < 2000 {
		return 0, 0, &decline{"expiry", "Your card's expiration year is invalid."}
	}
	if expiredBy(month, year, now) {
		return 0, 0, &decline{"expiry", "Your card's expiration year is in the past."}
	}
	return month, year, nil
}

func expiredBy(month, year int, now time.Time) bool {
	return !now.Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC))
}

// luhn checks the last digit against the others.
func luhn(number string) bool {
	sum := 0
	for i := range number {
		n := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

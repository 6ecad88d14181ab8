package billingsandbox

import (
	"strconv"
	"strings"
	"time"
)

// decline is why a card was not charged, in Stripe's words, and which field of the
// page it is about.
type decline struct {
	Field   string
	Message string
}

// testCards are the numbers that do something; "" pays.
func testCards() map[string]string {
	return map[string]string{
		"4242424242424242": "",
		"5555555555554444": "",
		"4000000000000341": "", // the first time; see paysAgain
		"4000000000000002": "Your card was declined.",
		"4000000000009995": "Your card has insufficient funds.",
		"4000000000000069": "Your card has expired.",
	}
}

// failsLater ends the number of the card that pays at the checkout and never again.
const failsLater = "0341"

// paysAgain says whether a card that is kept can be charged.
func (c card) paysAgain() bool { return c.Last4 != failsLater }

// charge reads the fields of the page and says whether the card pays.
func charge(number, expiry, cvc string, now time.Time) (card, *decline) {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	if len(number) < 12 || len(number) > 19 || strings.Trim(number, "0123456789") != "" || !luhn(number) {
		return card{}, &decline{"number", "Your card number is invalid."}
	}
	month, year, d := readExpiry(expiry, now)
	if d != nil {
		return card{}, d
	}
	if cvc = strings.TrimSpace(cvc); len(cvc) < 3 || len(cvc) > 4 || strings.Trim(cvc, "0123456789") != "" {
		return card{}, &decline{"cvc", "Your card's security code is invalid."}
	}
	reason, known := testCards()[number]
	switch {
	case !known:
		return card{}, &decline{"number", "Your card was declined. Your request was in test mode, but used a non test card. Use one of the cards named on this page."}
	case reason != "":
		return card{}, &decline{"number", reason}
	}
	brand := "visa"
	if strings.HasPrefix(number, "5") {
		brand = "mastercard"
	}
	return card{Brand: brand, Last4: number[len(number)-4:], ExpMonth: int64(month), ExpYear: int64(year)}, nil
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
	if !now.Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC)) {
		return 0, 0, &decline{"expiry", "Your card's expiration year is in the past."}
	}
	return month, year, nil
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

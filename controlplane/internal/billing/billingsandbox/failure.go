package billingsandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// failure is an error in Stripe's form.
type failure struct {
	Status        int            `json:"-"`
	Type          string         `json:"type"`
	Code          string         `json:"code,omitempty"`
	DeclineCode   string         `json:"decline_code,omitempty"`
	Message       string         `json:"message"`
	Param         string         `json:"param,omitempty"`
	Charge        string         `json:"charge,omitempty"`
	PaymentIntent *paymentIntent `json:"payment_intent,omitempty"`

	keep bool // what the call changed stays, though it failed
}

// Error implements error.
func (f *failure) Error() string { return fmt.Sprintf("%d %s: %s", f.Status, f.Type, f.Message) }

const invalidRequest = "invalid_request_error"

func invalid(code, param, format string, args ...any) *failure {
	return &failure{Status: http.StatusBadRequest, Type: invalidRequest, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

func unknownParameter(param string) *failure {
	return invalid("parameter_unknown", param, "Received unknown parameter: %s", param)
}

func missingParameter(param string) *failure {
	return invalid("parameter_missing", param, "Missing required param: %s.", param)
}

func missing(k kind, id string) *failure {
	f := invalid("resource_missing", "id", "No such %s: '%s'", k, id)
	f.Status = http.StatusNotFound
	return f
}

// cardError is what a bank said.
func cardError(code, declineCode, message string) *failure {
	return &failure{Status: http.StatusPaymentRequired, Type: "card_error", Code: code, DeclineCode: declineCode, Message: message}
}

func wrongKey(message string) *failure {
	return &failure{Status: http.StatusUnauthorized, Type: invalidRequest, Message: message}
}

func ourFault() *failure {
	return &failure{Status: http.StatusInternalServerError, Type: "api_error", Message: "An unknown error occurred."}
}

func (f *failure) body() []byte {
	raw, err := json.Marshal(struct {
		Error *failure `json:"error"`
	}{f})
	if err != nil { // strings always encode
		return []byte(`{"error":{"type":"api_error"}}`)
	}
	return raw
}

package billingstripe

import (
	"context"
	"errors"
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// End implements billing.Provider.
func (c *Client) End(ctx context.Context, subscription string) error {
	params := &stripe.SubscriptionCancelParams{}
	params.Context = ctx
	_, err := c.api.Subscriptions.Cancel(subscription, params)
	var answer *stripe.Error
	if errors.As(err, &answer) && answer.HTTPStatusCode == http.StatusNotFound { // what has ended cannot be ended
		return nil
	}
	if err != nil {
		return failure("end subscription", err)
	}
	return nil
}

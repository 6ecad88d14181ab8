package billing_test

import (
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/billing/billingsandbox"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingstripe"
	"github.com/dyocense/dyocense/controlplane/internal/billing/billingtest"
)

func TestTheProviderKeepsItsPromisesInTheSandboxAndInStripesTestMode(t *testing.T) {
	t.Parallel()
	t.Run("sandbox", func(t *testing.T) {
		s := open(t)
		billingtest.Run(t, billingtest.NewRig(t, billingstripe.Config{
			Key: billingsandbox.Key, URL: billingsandbox.URL, HTTP: s.sandbox.Client(), Log: quiet(),
		}, s.clock.Now))
	})
	t.Run("Stripe's test mode", func(t *testing.T) { billingtest.Run(t, billingtest.Stripe(t)) })
}

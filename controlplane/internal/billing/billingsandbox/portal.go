package billingsandbox

import (
	"crypto/rand"
	"fmt"
)

type portalFeature struct {
	Enabled             bool     `json:"enabled"`
	Mode                ref      `json:"mode,omitempty"`
	AllowedUpdates      []string `json:"allowed_updates,omitempty"`
	DefaultAllowed      []string `json:"default_allowed_updates,omitempty"`
	ProrationBehavior   ref      `json:"proration_behavior,omitempty"`
	CancellationReasons *struct {
		Enabled bool     `json:"enabled"`
		Options []string `json:"options"`
	} `json:"cancellation_reason,omitempty"`
}

type portalFeatures struct {
	CustomerUpdate      portalFeature `json:"customer_update"`
	InvoiceHistory      portalFeature `json:"invoice_history"`
	PaymentMethodUpdate portalFeature `json:"payment_method_update"`
	SubscriptionCancel  portalFeature `json:"subscription_cancel"`
	SubscriptionUpdate  portalFeature `json:"subscription_update"`
}

type portalConfig struct {
	hidden
	ID               string         `json:"id"`
	Object           kind           `json:"object"`
	Created          int64          `json:"created"`
	Updated          int64          `json:"updated"`
	Livemode         bool           `json:"livemode"`
	Active           bool           `json:"active"`
	IsDefault        bool           `json:"is_default"`
	DefaultReturnURL ref            `json:"default_return_url"`
	Features         portalFeatures `json:"features"`
	BusinessProfile  struct {
		Headline          ref `json:"headline"`
		PrivacyPolicyURL  ref `json:"privacy_policy_url"`
		TermsOfServiceURL ref `json:"terms_of_service_url"`
	} `json:"business_profile"`
	Metadata map[string]string `json:"metadata"`
}

func (v *portalConfig) found() found { return found{id: v.ID, kind: kindPortalConfig} }

type portalFlow struct {
	Type            string `json:"type"`
	AfterCompletion struct {
		Type     string `json:"type"`
		Redirect *struct {
			ReturnURL string `json:"return_url"`
		} `json:"redirect"`
	} `json:"after_completion"`
	SubscriptionCancel        *portalTarget `json:"subscription_cancel"`
	SubscriptionUpdate        *portalTarget `json:"subscription_update"`
	SubscriptionUpdateConfirm *portalTarget `json:"subscription_update_confirm"`
}

type portalTarget struct {
	Subscription string           `json:"subscription"`
	Items        []portalFlowItem `json:"items,omitempty"`
}

type portalFlowItem struct {
	ID       string `json:"id"`
	Price    string `json:"price"`
	Quantity int64  `json:"quantity"`
}

type portalSession struct {
	hidden
	ID            string      `json:"id"`
	Object        kind        `json:"object"`
	Created       int64       `json:"created"`
	Livemode      bool        `json:"livemode"`
	Configuration string      `json:"configuration"`
	Customer      string      `json:"customer"`
	Flow          *portalFlow `json:"flow"`
	ReturnURL     ref         `json:"return_url"`
	URL           string      `json:"url"`
}

func (v *portalSession) found() found { return found{id: v.ID, kind: kindPortal, customer: v.Customer} }

// portalLife is how many seconds a portal link is good for.
const portalLife = 3600

func portalEndpoints() []endpoint {
	config := []string{
		"default_return_url", "business_profile[headline]", "business_profile[privacy_policy_url]", "business_profile[terms_of_service_url]", "metadata[*]",
		"features[customer_update][enabled]", "features[customer_update][allowed_updates][]", "features[invoice_history][enabled]",
		"features[payment_method_update][enabled]", "features[subscription_cancel][enabled]", "features[subscription_cancel][mode]",
		"features[subscription_cancel][proration_behavior]", "features[subscription_cancel][cancellation_reason][enabled]",
		"features[subscription_cancel][cancellation_reason][options][]", "features[subscription_update][enabled]",
		"features[subscription_update][default_allowed_updates][]", "features[subscription_update][proration_behavior]",
		"features[subscription_update][products][][product]", "features[subscription_update][products][][prices][]",
	}
	return []endpoint{
		{"POST /v1/billing_portal/configurations", config, createPortalConfig},
		{"GET /v1/billing_portal/configurations", paged("active", "is_default"), listed(map[string]func(*portalConfig) string{
			"active":     func(v *portalConfig) string { return fmt.Sprint(v.Active) },
			"is_default": func(v *portalConfig) string { return fmt.Sprint(v.IsDefault) },
		}, nil)},
		{"GET /v1/billing_portal/configurations/{id}", nil, read[portalConfig]},
		{"POST /v1/billing_portal/configurations/{id}", append([]string{"active"}, config...), updatePortalConfig},
		{"POST /v1/billing_portal/sessions", []string{
			"customer", "configuration", "return_url", "locale", "flow_data[type]", "flow_data[after_completion][type]",
			"flow_data[after_completion][redirect][return_url]", "flow_data[after_completion][hosted_confirmation][custom_message]",
			"flow_data[subscription_cancel][subscription]", "flow_data[subscription_update][subscription]",
			"flow_data[subscription_update_confirm][subscription]", "flow_data[subscription_update_confirm][items][][id]",
			"flow_data[subscription_update_confirm][items][][price]", "flow_data[subscription_update_confirm][items][][quantity]",
		}, createPortalSession},
	}
}

func createPortalConfig(t *tx, c call) (any, error) {
	all, err := every[portalConfig](t, ofKind(kindPortalConfig))
	if err != nil {
		return nil, err
	}
	v := &portalConfig{ID: name(kindPortalConfig, ""), Object: kindPortalConfig, Created: t.now, Active: true, IsDefault: len(all) == 0}
	v.Features.SubscriptionCancel.Mode = "at_period_end"
	if err := t.takePortalConfig(v, c.form); err != nil {
		return nil, err
	}
	t.announce("billing_portal.configuration.created", v)
	return v, nil
}

func updatePortalConfig(t *tx, c call) (any, error) {
	v, err := get[portalConfig](t, c.id)
	if err != nil {
		return nil, err
	}
	if v.Active, err = c.form.truth("active", v.Active); err != nil {
		return nil, err
	}
	if err := t.takePortalConfig(v, c.form); err != nil {
		return nil, err
	}
	t.announce("billing_portal.configuration.updated", v)
	return v, nil
}

func (t *tx) takePortalConfig(v *portalConfig, f form) error {
	v.Updated = t.now
	f.take("default_return_url", &v.DefaultReturnURL)
	profile := f.in("business_profile")
	profile.take("headline", &v.BusinessProfile.Headline)
	profile.take("privacy_policy_url", &v.BusinessProfile.PrivacyPolicyURL)
	profile.take("terms_of_service_url", &v.BusinessProfile.TermsOfServiceURL)
	features := f.in("features")
	for name, feature := range map[string]*portalFeature{
		"customer_update": &v.Features.CustomerUpdate, "invoice_history": &v.Features.InvoiceHistory,
		"payment_method_update": &v.Features.PaymentMethodUpdate, "subscription_cancel": &v.Features.SubscriptionCancel,
		"subscription_update": &v.Features.SubscriptionUpdate,
	} {
		in := features.in(name)
		var err error
		if feature.Enabled, err = in.truth("enabled", feature.Enabled); err != nil {
			return err
		}
		in.take("proration_behavior", &feature.ProrationBehavior)
		if in.given("allowed_updates") {
			feature.AllowedUpdates = in.list("allowed_updates")
		}
		if in.given("default_allowed_updates") {
			feature.DefaultAllowed = in.list("default_allowed_updates")
		}
	}
	mode, err := features.in("subscription_cancel").choice("mode", string(v.Features.SubscriptionCancel.Mode), "at_period_end", "immediately")
	if err != nil {
		return err
	}
	v.Features.SubscriptionCancel.Mode = ref(mode)
	t.save(v)
	return f.merge(&v.Metadata)
}

func createPortalSession(t *tx, c call) (any, error) {
	f := c.form
	of, err := f.need("customer")
	if err != nil {
		return nil, err
	}
	if _, err := living(t, of); err != nil {
		return nil, err
	}
	v := &portalSession{ID: name(kindPortal, ""), Object: kindPortal, Created: t.now, Customer: of, Configuration: f.text("configuration")}
	if v.Configuration == "" {
		all, err := every[portalConfig](t, ofKind(kindPortalConfig))
		if err != nil {
			return nil, err
		}
		for _, config := range all {
			if config.IsDefault {
				v.Configuration = config.ID
			}
		}
	}
	if v.Configuration == "" {
		return nil, invalid("", "", "You can't create a portal session in test mode until you save your customer portal settings in test mode, or create a configuration over the API.")
	}
	config, err := get[portalConfig](t, v.Configuration)
	if err != nil {
		return nil, err
	}
	v.ReturnURL = config.DefaultReturnURL
	if f.given("return_url") {
		back, err := readURL(f, "return_url")
		if err != nil {
			return nil, err
		}
		v.ReturnURL = ref(back)
	}
	if f.given("flow_data") {
		if v.Flow, err = t.readFlow(f.in("flow_data"), of, config); err != nil {
			return nil, err
		}
	}
	v.Memo.PageToken = rand.Text()
	v.URL = fmt.Sprintf("%s%s%s/%s", t.b.site, portalPath, v.ID, v.Memo.PageToken)
	t.save(v)
	t.announce("billing_portal.session.created", v)
	return v, nil
}

func (t *tx) readFlow(f form, of string, config *portalConfig) (*portalFlow, error) {
	if _, err := f.need("type"); err != nil {
		return nil, err
	}
	sort, err := f.choice("type", "", "payment_method_update", "subscription_cancel", "subscription_update", "subscription_update_confirm")
	if err != nil {
		return nil, err
	}
	flow := &portalFlow{Type: sort}
	after := f.in("after_completion")
	if flow.AfterCompletion.Type, err = after.choice("type", "portal_homepage", "redirect", "hosted_confirmation"); err != nil {
		return nil, err
	}
	if flow.AfterCompletion.Type == "redirect" {
		back, err := readURL(after.in("redirect"), "return_url")
		if err != nil {
			return nil, err
		}
		flow.AfterCompletion.Redirect = &struct {
			ReturnURL string `json:"return_url"`
		}{back}
	}
	enabled := map[string]bool{
		"payment_method_update": config.Features.PaymentMethodUpdate.Enabled, "subscription_cancel": config.Features.SubscriptionCancel.Enabled,
		"subscription_update": config.Features.SubscriptionUpdate.Enabled, "subscription_update_confirm": config.Features.SubscriptionUpdate.Enabled,
	}
	if !enabled[sort] {
		return nil, invalid("", f.key("type"), "This feature (%s) is disabled in the portal configuration.", sort)
	}
	if sort == "payment_method_update" {
		return flow, nil
	}
	in := f.in(sort)
	id, err := in.need("subscription")
	if err != nil {
		return nil, err
	}
	s, err := get[subscription](t, id)
	if err != nil {
		return nil, err
	}
	if s.Customer != of || s.over() {
		return nil, missing(kindSubscription, id)
	}
	target := &portalTarget{Subscription: id}
	switch sort {
	case "subscription_cancel":
		flow.SubscriptionCancel = target
	case "subscription_update":
		flow.SubscriptionUpdate = target
	default:
		flow.SubscriptionUpdateConfirm = target
		items := s.Items.Data
		for _, e := range in.elements("items") {
			if items, err = t.readItem(e, append([]subscriptionItem{}, items...), s); err != nil {
				return nil, err
			}
			for _, item := range items {
				if item.ID == e.text("id") {
					target.Items = append(target.Items, portalFlowItem{item.ID, item.Price.ID, item.Quantity})
				}
			}
		}
		if len(target.Items) == 0 {
			return nil, missingParameter(in.key("items"))
		}
		if err := sound(items, s.Currency); err != nil {
			return nil, err
		}
	}
	return flow, nil
}

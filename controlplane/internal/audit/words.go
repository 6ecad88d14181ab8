package audit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
)

// AuditWord is an action in words.
type AuditWord struct {
	Action string `json:"action"`
	Title  string `json:"title"`
}

// Words is the one table of actions. An action that is not in it is shown as it is.
func Words() []AuditWord {
	return []AuditWord{
		{"tenancy.tenant_created", "Company created"},
		{"tenancy.tenant_renamed", "Company renamed"},
		{"tenancy.tenant_deleted", "Company deleted"},
		{"tenancy.member_invited", "Member invited"},
		{"tenancy.invitation_resent", "Invitation sent again"},
		{"tenancy.invitation_revoked", "Invitation withdrawn"},
		{"tenancy.invitation_accepted", "Invitation accepted"},
		{"tenancy.member_joined", "Member joined"},
		{"tenancy.member_removed", "Member removed"},
		{"tenancy.member_left", "Member left"},
		{"tenancy.role_changed", "Role changed"},
		{"tenancy.owner_changed", "Ownership handed over"},
		{identity.ActionSignedIn, "Signed in"},
		{identity.ActionSignedOut, "Signed out"},
		{"identity.password_changed", "Password changed"},
		{"identity.session_ended", "Session ended"},
		{"billing.subscription_activated", "Subscription began"},
		{"billing.plan_changed", "Plan changed"},
		{"billing.subscription_canceled", "Subscription canceled"},
		{"provisioning.tenant_ready", "Space ready"},
		{"migration.requested", "Move asked for"},
		{"migration.provisioning", "Move: target is being made"},
		{"migration.copying", "Move: copying"},
		{"migration.verifying", "Move: comparing"},
		{"migration.rehearsing", "Move: trying the copy"},
		{"migration.ready", "Move: ready to switch"},
		{"migration.charging", "Move: charging"},
		{"migration.cutting", "Move: switching"},
		{"migration.switched", "Move: switched"},
		{"migration.accepted", "Move accepted"},
		{"migration.cleaned", "Move finished: old place deleted"},
		{"migration.aborting", "Move: stopping"},
		{"migration.aborted", "Move stopped"},
		{"migration.failed", "Move failed"},
		{"migration.rolling_back", "Move: going back"},
		{"migration.discarding", "Move: deleting the copy"},
		{"migration.rolled_back", "Move taken back"},
		{Exported, "Audit log exported"},
		{Checked, "Audit log checked"},
	}
}

// The actions that this slice records itself.
const (
	Exported = "audit.exported"
	Checked  = "audit.checked"
)

// title is an action in words, or the action.
func title(action string) string {
	words := Words()
	if i := slices.IndexFunc(words, func(w AuditWord) bool { return w.Action == action }); i >= 0 {
		return words[i].Title
	}
	return action
}

// targets are the fields of an event's data that say what it was done to, the most
// telling first.
var targets = []string{"target", "email", "address", "name", "label", "plan", "move"}

// lift finds in the data of an event what it was done to and how that was before
// and after, where the data says so in the usual words.
func lift(data json.RawMessage) (target string, before, after json.RawMessage) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return "", nil, nil
	}
	for _, name := range targets {
		var text string
		if json.Unmarshal(fields[name], &text) == nil && text != "" {
			target = strings.ToValidUTF8(text, "")
			break
		}
	}
	for _, pair := range [][2]string{{"before", "after"}, {"from", "to"}} {
		if b, a := fields[pair[0]], fields[pair[1]]; b != nil && a != nil && !bytes.Equal(b, a) {
			return target, b, a
		}
	}
	return target, nil, nil
}

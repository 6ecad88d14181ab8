package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Operations are the HTTP operations of this slice.
type Operations struct{ tokens *Service }

// NewOperations serves s.
func NewOperations(s *Service) *Operations { return &Operations{tokens: s} }

// KeySetRequest is GET /.well-known/jwks.json.
type KeySetRequest struct{}

// KeySet is what others verify access tokens with (RFC 7517).
type KeySet struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Keys []PublicKey `json:"keys"`
	}
}

// KeySet answers with the keys that sign, signed, and will sign.
func (o *Operations) KeySet(context.Context, *KeySetRequest) (*KeySet, error) {
	r := &KeySet{CacheControl: "public, max-age=3600"} // keySetAge
	r.Body.Keys = o.tokens.signer.PublicKeys()
	return r, nil
}

// FormRequest is a request in the form of OAuth 2.0.
type FormRequest struct {
	RawBody []byte `contentType:"application/x-www-form-urlencoded"`
}

// formMax is the largest form anybody needs; the edge allows more.
const formMax = 8 << 10

// form reads the parameters, each at most once, as RFC 6749 has it.
func (r *FormRequest) form() (url.Values, error) {
	if len(r.RawBody) > formMax {
		return nil, ErrRequest
	}
	values, err := url.ParseQuery(string(r.RawBody))
	if err != nil {
		return nil, ErrRequest.Because(err)
	}
	for _, v := range values {
		if len(v) > 1 {
			return nil, ErrRequest
		}
	}
	return values, nil
}

// OAuthError is the part of an answer that says what went wrong, in the words of
// RFC 6749.
type OAuthError struct {
	Error       string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`
}

// refusal is err in the words of RFC 6749; ok is false for an error that has none,
// which is answered as a problem like everywhere.
func refusal(err error) (OAuthError, bool) {
	for _, known := range []*fault.Error{ErrRequest, ErrGrantType, ErrGrant, ErrPending, ErrSlowDown, ErrDenied, ErrExpiredCode} {
		if errors.Is(err, known) {
			return OAuthError{Error: strings.TrimPrefix(known.Code, "tokens."), Description: fault.ProblemOf(err).Detail}, true
		}
	}
	return OAuthError{}, false
}

// DeviceAuthorized answers a program that asks to be signed in (RFC 8628).
type DeviceAuthorized struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		OAuthError
		DeviceCode   string `json:"device_code,omitempty"`
		UserCode     string `json:"user_code,omitempty"`
		Link         string `json:"verification_uri,omitempty"`
		CompleteLink string `json:"verification_uri_complete,omitempty"`
		ExpiresIn    int    `json:"expires_in,omitempty" doc:"seconds"`
		Interval     int    `json:"interval,omitempty" doc:"seconds between two questions at least"`
	}
}

// Authorize begins the sign-in of a program: it shows the code to its person and
// asks for the token until the person has answered.
func (o *Operations) Authorize(ctx context.Context, r *FormRequest) (*DeviceAuthorized, error) {
	out := &DeviceAuthorized{Status: http.StatusOK, CacheControl: noStore}
	form, err := r.form()
	if err == nil {
		var g DeviceGrant
		if g, err = o.tokens.AskToSignIn(ctx, form.Get("client_id")); err == nil {
			out.Body.DeviceCode, out.Body.UserCode, out.Body.Link = g.DeviceCode, g.UserCode, g.Link
			out.Body.CompleteLink = g.Link + "?code=" + g.UserCode
			out.Body.ExpiresIn, out.Body.Interval = int(g.Expires.Seconds()), int(g.Interval.Seconds())
			return out, nil
		}
	}
	refused, ok := refusal(err)
	if !ok {
		return nil, err
	}
	out.Status, out.Body.OAuthError = http.StatusBadRequest, refused
	return out, nil
}

// Granted answers the token endpoint (RFC 6749).
type Granted struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		OAuthError
		AccessToken  string `json:"access_token,omitempty"`
		TokenType    string `json:"token_type,omitempty" doc:"always Bearer"`
		ExpiresIn    int    `json:"expires_in,omitempty" doc:"seconds"`
		RefreshToken string `json:"refresh_token,omitempty" doc:"worth one use; replace the one that was sent by it"`
	}
}

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// Token gives a program its tokens: the first for a device code, the next for a
// refresh token.
func (o *Operations) Token(ctx context.Context, r *FormRequest) (*Granted, error) {
	out := &Granted{Status: http.StatusOK, CacheControl: noStore}
	pair, err := o.grant(ctx, r)
	if err == nil {
		out.Body.AccessToken, out.Body.TokenType, out.Body.RefreshToken = pair.Access, "Bearer", pair.Refresh
		out.Body.ExpiresIn = int(AccessLife.Seconds())
		return out, nil
	}
	refused, ok := refusal(err)
	if !ok {
		return nil, err
	}
	out.Status, out.Body.OAuthError = http.StatusBadRequest, refused
	return out, nil
}

func (o *Operations) grant(ctx context.Context, r *FormRequest) (Pair, error) {
	origin := string(identity.OriginFrom(ctx))
	if err := o.tokens.tokenTries.Take(origin); err != nil {
		return Pair{}, err
	}
	form, err := r.form()
	if err != nil {
		return Pair{}, err
	}
	switch form.Get("grant_type") {
	case deviceGrantType:
		return o.tokens.Exchange(ctx, form.Get("device_code"))
	case "refresh_token":
		return o.tokens.Refresh(ctx, form.Get("refresh_token"), origin)
	case "":
		return Pair{}, ErrRequest
	default:
		return Pair{}, ErrGrantType
	}
}

// Revoked answers that a token is worth nothing any more, or never was.
type Revoked struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         OAuthError
}

// Revoke signs a program out by its refresh token (RFC 7009). Whatever is sent, the
// answer tells nothing of it.
func (o *Operations) Revoke(ctx context.Context, r *FormRequest) (*Revoked, error) {
	if err := o.tokens.tokenTries.Take(string(identity.OriginFrom(ctx))); err != nil {
		return nil, err
	}
	form, err := r.form()
	if err == nil {
		err = o.tokens.SignOut(ctx, form.Get("token"))
	}
	if refused, ok := refusal(err); ok {
		return &Revoked{Status: http.StatusBadRequest, CacheControl: noStore, Body: refused}, nil
	}
	if err != nil {
		return nil, err
	}
	return &Revoked{Status: http.StatusOK, CacheControl: noStore}, nil
}

// WishRequest is GET /v1/device.
type WishRequest struct {
	Code string `query:"code" maxLength:"32" required:"true" doc:"the code that the program shows"`
}

// WishResponse tells which program asks.
type WishResponse struct{ Body Wish }

// Wish shows a person which program waits for an answer to its code.
func (o *Operations) Wish(ctx context.Context, r *WishRequest) (*WishResponse, error) {
	who, err := inTenant(ctx)
	if err != nil {
		return nil, err
	}
	wish, err := o.tokens.Wish(ctx, who, r.Code)
	return &WishResponse{Body: wish}, err
}

// AnswerRequest is POST /v1/device/answer.
type AnswerRequest struct {
	Body struct {
		Code  string `json:"code" maxLength:"32"`
		Allow bool   `json:"allow" doc:"true lets the program ask in your name"`
	}
}

// Answered has nothing to say.
type Answered struct{}

// Answer says yes or no to a program.
func (o *Operations) Answer(ctx context.Context, r *AnswerRequest) (*Answered, error) {
	who, err := inTenant(ctx)
	if err != nil {
		return nil, err
	}
	if r.Body.Allow { // a program lasts longer than a browser that somebody left open
		if _, err := identity.RequireFresh(ctx); err != nil {
			return nil, err
		}
	}
	return &Answered{}, o.tokens.Answer(ctx, who, r.Body.Code, r.Body.Allow)
}

// ProgramsRequest is GET /v1/programs.
type ProgramsRequest struct{}

// ProgramsResponse lists the programs of a person.
type ProgramsResponse struct {
	Body struct {
		Programs []Program `json:"programs"`
	}
}

// Programs lists where the person is signed in with a program.
func (o *Operations) Programs(ctx context.Context, _ *ProgramsRequest) (*ProgramsResponse, error) {
	who, err := inTenant(ctx)
	if err != nil {
		return nil, err
	}
	var r ProgramsResponse
	r.Body.Programs, err = o.tokens.Programs(ctx, who.Person, who.Tenant)
	return &r, err
}

// ProgramRequest is DELETE /v1/programs/{id}.
type ProgramRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// EndProgram signs one of the person's programs out.
func (o *Operations) EndProgram(ctx context.Context, r *ProgramRequest) (*Answered, error) {
	who, err := identity.Require(ctx)
	if err != nil {
		return nil, err
	}
	f, err := id.ParseFamily(r.ID)
	if err != nil {
		return nil, err
	}
	return &Answered{}, o.tokens.EndProgram(ctx, who.Person, f)
}

// KeysRequest is GET /v1/keys.
type KeysRequest struct{}

// KeysResponse lists the keys of the tenant.
type KeysResponse struct {
	Body struct {
		Keys      []KeyView `json:"keys"`
		API       bool      `json:"api" doc:"whether the plan has the API; without it no key works"`
		Manage    bool      `json:"manage" doc:"whether you may make and revoke keys"`
		Grantable []string  `json:"grantable" doc:"the scopes that you can give a key"`
		Days      int       `json:"days" doc:"how long a key lives if nothing is said"`
		MaxDays   int       `json:"maxDays"`
		Live      int       `json:"live" doc:"how many keys a company may have"`
	}
}

// Keys lists the API keys of the tenant, and what a new one can be.
func (o *Operations) Keys(ctx context.Context, _ *KeysRequest) (*KeysResponse, error) {
	who, err := tenancy.Require(ctx, tenancy.Keys, tenancy.Read)
	if err != nil {
		return nil, err
	}
	var r KeysResponse
	if r.Body.Keys, err = o.tokens.Keys(ctx, who.Tenant); err != nil {
		return nil, err
	}
	if r.Body.API, err = o.tokens.plans.HasAPI(ctx, who.Tenant); err != nil {
		return nil, err
	}
	r.Body.Manage = tenancy.May(who.Role, tenancy.Keys, tenancy.Manage)
	r.Body.Grantable, r.Body.Days, r.Body.MaxDays, r.Body.Live = Grantable(who.Role), DefaultKeyDays, MaxKeyDays, keysLive
	return &r, nil
}

// MakeKeyRequest is POST /v1/keys.
type MakeKeyRequest struct {
	Body struct {
		Name     string   `json:"name" minLength:"1" maxLength:"60"`
		Scopes   []string `json:"scopes" minItems:"1" maxItems:"64" doc:"permissions as resource:action"`
		Days     int      `json:"days,omitempty" minimum:"1" maximum:"365" doc:"90 if nothing is said"`
		Networks []string `json:"networks,omitempty" maxItems:"10" doc:"it may come from, as 203.0.113.0/24; none is anywhere"`
	}
}

// KeyMade holds the key itself, which is shown this once.
type KeyMade struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Key  KeyView `json:"key"`
		Text string  `json:"text" doc:"the key itself; it is not shown again"`
	}
}

// MakeKey makes an API key.
func (o *Operations) MakeKey(ctx context.Context, r *MakeKeyRequest) (*KeyMade, error) {
	who, err := managesKeys(ctx)
	if err != nil {
		return nil, err
	}
	view, text, err := o.tokens.MakeKey(ctx, who, KeyWish{Name: r.Body.Name, Scopes: r.Body.Scopes, Days: r.Body.Days, Networks: r.Body.Networks})
	return keyMade(view, text), err
}

// KeyRequest names one key.
type KeyRequest struct {
	ID string `path:"id" maxLength:"64"`
}

// RotateKey makes a second key like the named one.
func (o *Operations) RotateKey(ctx context.Context, r *KeyRequest) (*KeyMade, error) {
	who, err := managesKeys(ctx)
	if err != nil {
		return nil, err
	}
	k, err := id.ParseKey(r.ID)
	if err != nil {
		return nil, err
	}
	view, text, err := o.tokens.RotateKey(ctx, who, k)
	return keyMade(view, text), err
}

// RevokeKey ends a key. It asks for no fresh proof of who one is: whoever sees a
// leaked key must be able to end it at once.
func (o *Operations) RevokeKey(ctx context.Context, r *KeyRequest) (*Answered, error) {
	who, err := tenancy.Require(ctx, tenancy.Keys, tenancy.Manage)
	if err != nil {
		return nil, err
	}
	k, err := id.ParseKey(r.ID)
	if err != nil {
		return nil, err
	}
	return &Answered{}, o.tokens.RevokeKey(ctx, who.Tenant, k)
}

const noStore = "no-store"

func keyMade(view KeyView, text string) *KeyMade {
	m := &KeyMade{CacheControl: noStore}
	m.Body.Key, m.Body.Text = view, text
	return m
}

// managesKeys is who asks, if they may make keys and have just proved who they are.
func managesKeys(ctx context.Context) (identity.Who, error) {
	if _, err := identity.RequireFresh(ctx); err != nil {
		return identity.Who{}, err
	}
	return tenancy.Require(ctx, tenancy.Keys, tenancy.Manage)
}

// inTenant is a person who belongs to a tenant.
func inTenant(ctx context.Context) (identity.Who, error) {
	who, err := identity.Require(ctx)
	if err == nil && who.Tenant == "" {
		err = tenancy.ErrNoTenant
	}
	return who, err
}

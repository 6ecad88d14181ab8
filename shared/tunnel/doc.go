// Package tunnel carries HTTP over NATS between the gateway of the control plane
// and the HTTP handler of an agent, which the gateway cannot dial.
//
// It owns the frames and both ends: Gateway (an http.RoundTripper-like client on
// the CP side) and Serve (runs an http.Handler on the agent's side). It does not
// own who may ask (gateway) or what is answered (the agent's API).
package tunnel

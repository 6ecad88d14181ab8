// Package app builds the control plane: configuration, stores, slices, routes and
// the parts that run. It is the only package that knows all others, and it holds
// no rule of any of them.
package app

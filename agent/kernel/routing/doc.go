// Package routing plans delivery tours: one kind of vehicle, one depot, customers
// with demands (the capacitated vehicle routing problem).
//
// It owns the VRPLIB reader, the solver (savings, then local search with
// perturbation) and the check of its routes. It proves nothing: a result is a plan
// without a bound, except where the plan is trivially the best one. Routing does
// not go through a linear model; for more than a dozen customers that would be the
// wrong tool.
package routing

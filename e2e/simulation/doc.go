// Package simulation moves a live tenant between two agents and a conductor that
// are the real ones, in one process, under faults that a seed chooses.
//
// It owns a world: agents on files, conductors over one store, a network that
// loses, repeats and delays, customers that write, read and press buttons, and
// what must be true of all that in the end. Time is that of testing/synctest: a
// week of waiting costs nothing, and nothing depends on the speed of the machine.
//
// A seed chooses what is done to the world; the scheduler still chooses among
// goroutines that are ready, so a seed that fails once may pass the next time.
// Run it again a few times: go test ./e2e/simulation -run TestRandomWorlds -seed N -count 20.
package simulation

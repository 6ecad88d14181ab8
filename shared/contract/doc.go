// Package contract holds every message that crosses NATS: its subject, its
// shape, its version, and the permissions that follow from it.
//
// It owns the words of the two planes. It does not own transport (bus, tunnel)
// nor meaning (the slices).
//
// There are two systems, never bridged except by our own code.
//
// Edge (public, operator mode, no JetStream). One account for the control
// plane, CP, and one for each environment. The server stamps the environment's
// account key into the subject, so the control plane learns who speaks from the
// subject and never from a payload.
//
//	in the environment's account        seen by the control plane           way
//	cp.<agent>.desired                  cp.rpc.<ACCOUNT>.<agent>.desired    request  DesiredRequest  -> Desired
//	cp.<agent>.report                   cp.rpc.<ACCOUNT>.<agent>.report     request  Report          -> Ack
//	cp.<agent>.beat                     cp.rpc.<ACCOUNT>.<agent>.beat       request  Beat            -> Ack
//	cp.<agent>.renew                    cp.rpc.<ACCOUNT>.<agent>.renew      request  Renew           -> Renewed
//	cp.<agent>.up.<gateway>             cp.rpc.<ACCOUNT>.<agent>.up....     publish  tunnel frames
//	cmd.<agent>.changed                 cp.cmd.<ACCOUNT>.<agent>.changed    nudge    Changed
//	cmd.<agent>.down                    cp.cmd.<ACCOUNT>.<agent>.down       publish  tunnel frames
//
// A tunnel frame names its exchange in its header and not in its subject: a
// subject that repeats is matched from the server's cache.
//
// Enrolment comes before NATS and goes over HTTP: POST /agent/v1/challenge
// (ChallengeRequest -> Challenge) and POST /agent/v1/enrol (EnrolRequest ->
// Enrolled).
//
// What a former owner of a tenant still works on goes over HTTP too, as the body
// of requests that the control plane sends through the tunnel: CarriedRuns, and
// CarriedAnswers for them.
//
// A request that fails is answered with a fault.Problem as body and the header
// FaultHeader, which holds its kind.
//
// Core (private, JetStream). One stream of events. It holds no decision: every
// event is first in the outbox of the document that it announces, and the stream
// can be deleted and rebuilt.
//
//	evt.<slice>.<what>.<tenant>         Event, Nats-Msg-Id = Event.ID
//
// Versions. Each message carries V, the version of its shape. A reader accepts
// its own version and every older one; a newer one is refused with
// fault.Invalid and the sender is told to wait for the upgrade. Version 1 is the
// first.
package contract

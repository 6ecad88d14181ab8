package contract

// MovedHeader is a header of an agent's answer that says: nothing of this request
// happened here, because the tenant's data is owned elsewhere. Its value is the
// environment that the tenant moved to, or MovedStandby. It passes the tunnel and
// ends at the gateway, which sends the request again at the other place.
//
// Sending again is safe only because an agent gives this answer for one reason:
// the tenant's store refused the one command of the request, or was not open.
const MovedHeader = "Dyocense-Moved"

// MovedStandby is the value of MovedHeader from a copy of a tenant that follows
// its owner and is not opened yet.
const MovedStandby = "standby"

module github.com/dyocense/dyocense/e2e

go 1.26.0

require (
	github.com/dyocense/dyocense/agent v0.0.0
	github.com/dyocense/dyocense/controlplane v0.0.0
	github.com/dyocense/dyocense/shared v0.0.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/dyocense/dyocense/agent => ../agent
	github.com/dyocense/dyocense/controlplane => ../controlplane
	github.com/dyocense/dyocense/shared => ../shared
)

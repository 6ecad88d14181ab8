package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// Server codes that mean "not now": not primary, shutting down, stepped down,
// exceeded time, interrupted, write concern unsatisfied.
var passing = []int{6, 7, 50, 64, 89, 91, 100, 112, 189, 262, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436}

const (
	indexOptionsConflict  = 85
	indexKeySpecsConflict = 86
	objectTooLarge        = 10334
	documentTooLarge      = 17280
)

// storeFault gives an error of the driver its meaning, by its type and code and
// never by its text. Faults pass unchanged.
func storeFault(doing string, err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	wrapped := fmt.Errorf("%s: %w", doing, err)
	switch {
	case mongo.IsDuplicateKeyError(err):
		return docstore.ErrExists.Because(wrapped)
	case errors.Is(err, mongo.ErrClientDisconnected):
		return docstore.ErrClosed.Because(wrapped)
	case mongo.IsNetworkError(err), mongo.IsTimeout(err),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		noServer(err), serverSays(err, passing...):
		return docstore.ErrUnavailable.Because(wrapped)
	case serverSays(err, objectTooLarge, documentTooLarge):
		return docstore.ErrInvalid.Saying("The document is too large for MongoDB.").Because(wrapped)
	}
	// A write concern that failed leaves the write itself in doubt.
	var w mongo.WriteException
	if errors.As(err, &w) && w.WriteConcernError != nil {
		return docstore.ErrUnavailable.Because(wrapped)
	}
	var b mongo.BulkWriteException
	if errors.As(err, &b) && b.WriteConcernError != nil {
		return docstore.ErrUnavailable.Because(wrapped)
	}
	return wrapped
}

// noServer says that no server could be chosen, or the connection to it failed.
func noServer(err error) bool {
	var selection topology.ServerSelectionError
	var connection topology.ConnectionError
	var waiting topology.WaitQueueTimeoutError
	return errors.As(err, &selection) || errors.As(err, &connection) || errors.As(err, &waiting)
}

func serverSays(err error, codes ...int) bool {
	var s mongo.ServerError
	if !errors.As(err, &s) {
		return false
	}
	for _, c := range codes {
		if s.HasErrorCode(c) {
			return true
		}
	}
	return false
}

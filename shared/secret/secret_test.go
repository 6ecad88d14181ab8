package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/secret"
)

func TestTextIsNeverShown(t *testing.T) {
	t.Parallel()
	const value = "hunter2"
	type config struct{ Key secret.Text }
	c := config{Key: value}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", c.Key, "config", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", c.Key, "config", c)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c.Key, c.Key, c.Key) + log.String() + string(encoded)
	if strings.Contains(shown, value) || strings.Contains(shown, fmt.Sprintf("%x", value)) {
		t.Errorf("the secret is shown: %s", shown)
	}
	if c.Key.Reveal() != value || !c.Key.Set() {
		t.Error("Reveal must give the value back")
	}
}

package tunnel

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/contract"
)

var example = exchangeID{gateway: [8]byte{0xd, 0xe, 0xa, 0xd, 0xb, 0xe, 0xe, 0xf}, number: 1<<40 + 7}

func exampleRequest() requestHead {
	return requestHead{
		method: http.MethodPost, target: "/v1/runs?dry=1", host: "shop.example", left: 1500 * time.Millisecond, length: -1,
		principal: contract.Principal{Tenant: "ten_1", Person: "per_1", Role: contract.RoleAnalyst, Plan: "growth"},
		header:    http.Header{"Content-Type": {"application/json"}},
	}
}

func exampleResponse() responseHead {
	return responseHead{status: http.StatusAccepted, length: 5, header: http.Header{"Etag": {`"1"`}}}
}

func TestGoldenFrames(t *testing.T) {
	t.Parallel()
	request, err := encodeRequestHead(exampleRequest())
	if err != nil {
		t.Fatal(err)
	}
	response, err := encodeResponseHead(exampleResponse())
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]frame{
		"request":  {kind: kindRequest, exchange: example, payload: request},
		"response": {kind: kindResponse, last: true, exchange: example, payload: append(response, "hello"...)},
		"body":     {kind: kindBody, sequence: 9, exchange: example, payload: []byte("more")},
		"end":      {kind: kindBody, sequence: 10, last: true, exchange: example, payload: []byte{}},
		"credit":   {kind: kindCredit, exchange: example, payload: []byte{0, 2, 0, 0}},
		"cancel":   {kind: kindCancel, exchange: example, payload: []byte{}},
		"fault":    {kind: kindFault, sequence: 3, last: true, exchange: example, payload: []byte(`{"code":"x"}`)},
		"alive":    {kind: kindAlive, exchange: example, payload: []byte{}},
	} {
		t.Run("a "+name+" frame keeps its bytes", func(t *testing.T) {
			t.Parallel()
			b := appendFrame(nil, f)
			got := []byte(hex.Dump(b))
			file := filepath.Join("testdata", name+".hex")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the bytes changed; give the frame a new version (-pinned +now):\n%s", diff)
			}
			back, err := parseFrame(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f, back, cmp.AllowUnexported(frame{}, exchangeID{})); diff != "" {
				t.Errorf("reading gives something else:\n%s", diff)
			}
		})
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	t.Run("come back as they were sent", func(t *testing.T) {
		t.Parallel()
		b, err := encodeRequestHead(exampleRequest())
		if err != nil {
			t.Fatal(err)
		}
		got, body, err := parseRequest(append(b, "body"...))
		if err != nil || string(body) != "body" {
			t.Fatalf("%q %v", body, err)
		}
		if diff := cmp.Diff(exampleRequest(), got, cmp.AllowUnexported(requestHead{})); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("are refused when a header splits a line, a field is missing or something is left over", func(t *testing.T) {
		t.Parallel()
		split := exampleRequest()
		split.header = http.Header{"Accept": {"x\r\nCookie: stolen"}}
		away := exampleRequest()
		away.target = "http://elsewhere/"
		odd := exampleRequest()
		odd.method = "CONNECT"
		for name, h := range map[string]requestHead{"split": split, "absolute": away, "method": odd} {
			b, err := encodeRequestHead(h)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := parseRequest(b); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		whole, err := encodeRequestHead(exampleRequest())
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			if _, _, err := parseRequest(whole[:n]); err == nil {
				t.Errorf("the first %d bytes were taken", n)
			}
		}
		longer := append([]byte{whole[0], whole[1] + 1}, append(whole[2:], 0)...)
		if whole[0] < 0x80 { // a one-byte length
			longer = append([]byte{whole[0] + 1}, append(whole[1:], 0)...)
		}
		if _, _, err := parseRequest(longer); err == nil {
			t.Error("a field too many was taken")
		}
	})
}

func TestInbox(t *testing.T) {
	t.Parallel()
	for name, feed := range map[string]func(i *inbox) error{
		"a gap":        func(i *inbox) error { return i.put(1, []byte("x"), false) },
		"a repetition": func(i *inbox) error { _ = i.put(0, []byte("x"), false); return i.put(0, []byte("x"), false) },
		"more than the window": func(i *inbox) error {
			for n := range uint32(window / MaxChunk) {
				if err := i.put(n, make([]byte, MaxChunk), false); err != nil {
					return err
				}
			}
			return nil
		},
		"more tiny frames than the window": func(i *inbox) error {
			for n := range uint32(window / frameCost) {
				if err := i.put(n, []byte("x"), false); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run("ends cleanly at "+name, func(t *testing.T) {
			t.Parallel()
			i := newInbox(func(int) {})
			if err := feed(i); err == nil {
				t.Fatal("it was taken")
			}
			for b := make([]byte, 64<<10); ; {
				if _, err := i.Read(b); err != nil {
					if !ErrBroken.Is(err) {
						t.Errorf("the reader got %v", err)
					}
					return
				}
			}
		})
	}
}

func FuzzParseFrame(f *testing.F) {
	request, _ := encodeRequestHead(exampleRequest())
	response, _ := encodeResponseHead(exampleResponse())
	f.Add(appendFrame(nil, frame{kind: kindRequest, exchange: example, payload: request}))
	f.Add(appendFrame(nil, frame{kind: kindResponse, last: true, exchange: example, payload: append(response, "hello"...)}))
	f.Add(appendFrame(nil, frame{kind: kindCredit, exchange: example, payload: []byte{0, 2, 0, 0}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseFrame(b)
		if err != nil {
			return
		}
		if again := appendFrame(nil, got); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
		switch got.kind {
		case kindRequest:
			if h, _, err := parseRequest(got.payload); err == nil {
				sent, err := encodeRequestHead(h)
				if err != nil {
					t.Fatalf("a head that was read cannot be written: %v", err)
				}
				back, _, err := parseRequest(sent)
				if err != nil || !cmp.Equal(h, back, cmp.AllowUnexported(requestHead{})) {
					t.Fatalf("%+v became %+v (%v)", h, back, err)
				}
			}
		case kindResponse:
			if h, _, err := parseResponse(got.payload); err == nil {
				sent, err := encodeResponseHead(h)
				if err != nil {
					t.Fatalf("a head that was read cannot be written: %v", err)
				}
				back, _, err := parseResponse(sent)
				if err != nil || !cmp.Equal(h, back, cmp.AllowUnexported(responseHead{})) {
					t.Fatalf("%+v became %+v (%v)", h, back, err)
				}
			}
		}
	})
}

func TestLimitsTravelInTheHeadAndAreNoHeaderOfTheRequest(t *testing.T) {
	t.Parallel()
	h := exampleRequest()
	h.principal.Limits = contract.Limits{Decisions: 50, PeriodStart: time.Unix(1700000000, 0).UTC(), PeriodEnd: time.Unix(1702592000, 0).UTC()}
	head, err := encodeRequestHead(h)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := parseRequest(head)
	if err != nil || got.principal != h.principal || got.header.Get(contract.LimitsHeader) != "" || len(h.header) != 1 {
		t.Errorf("parseRequest = %+v, %v", got, err)
	}
	h.principal.Limits = contract.Limits{}
	h.header.Set(contract.LimitsHeader, "nonsense")
	if head, err = encodeRequestHead(h); err != nil {
		t.Fatal(err)
	}
	if _, _, err = parseRequest(head); err == nil {
		t.Error("limits that cannot be read are taken for none")
	}
	if passing(h.header, requestHeaders).Get(contract.LimitsHeader) != "" {
		t.Error("a browser can name its own limits")
	}
}

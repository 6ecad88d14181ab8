package edge

import (
	"container/list"
	"fmt"
	"math"
	"sync"
	"time"
)

// Quota is how many requests there may be: Requests in each Window, all at once if
// they like.
type Quota struct {
	Requests int
	Window   time.Duration
}

// Rates are the quotas of requests that carry a token. Each holds for one token and
// apart from that for one address. Browsers' requests are bounded elsewhere.
type Rates struct {
	Read     Quota // GET and HEAD
	Write    Quota // all others
	Address  int   // the quotas of an address are so many times as wide
	Failures Quota // refused tokens from one address
}

// PublicRates suit a server on the internet.
func PublicRates() Rates {
	return Rates{
		Read:     Quota{Requests: 600, Window: time.Minute},
		Write:    Quota{Requests: 120, Window: time.Minute},
		Address:  5,
		Failures: Quota{Requests: 20, Window: 5 * time.Minute},
	}
}

// LocalRates suit a server that only its own machine can reach, where one address
// is everybody.
func LocalRates() Rates {
	r := PublicRates()
	r.Address = 1000
	r.Failures = Quota{Requests: 2000, Window: time.Minute}
	return r
}

// bucketsMax bounds the memory of one table: about 3 MB.
const bucketsMax = 20_000

// buckets hold one quota for each key, and forget the least recently used keys
// beyond a bound. They may be used from many goroutines.
type buckets struct {
	quota Quota
	now   func() time.Time

	mu    sync.Mutex
	order *list.List // of *bucket, most recently used first
	byKey map[string]*list.Element
}

type bucket struct {
	key  string
	left float64
	at   time.Time
}

func newBuckets(q Quota, now func() time.Time) *buckets {
	return &buckets{quota: q, now: now, order: list.New(), byKey: map[string]*list.Element{}}
}

// left is what a bucket says of itself.
type left struct {
	requests int           // that may be made at once now
	full     time.Duration // until all may be made at once again
	wait     time.Duration // until one may be made; 0 now
}

// take spends a request of key, if there is one.
func (b *buckets) take(key string) (left, bool) { return b.spend(key, 1) }

// look tells what is left without spending.
func (b *buckets) look(key string) left {
	l, _ := b.spend(key, 0)
	return l
}

func (b *buckets) spend(key string, n float64) (left, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, whole := b.now(), float64(b.quota.Requests)
	each := b.quota.Window.Seconds() / whole
	e, known := b.byKey[key]
	if !known {
		if n == 0 {
			return left{requests: b.quota.Requests}, true
		}
		e = b.order.PushFront(&bucket{key: key, left: whole, at: now})
		b.byKey[key] = e
		if b.order.Len() > bucketsMax {
			oldest := b.order.Back()
			b.order.Remove(oldest)
			delete(b.byKey, oldest.Value.(*bucket).key)
		}
	}
	b.order.MoveToFront(e)
	k := e.Value.(*bucket)
	k.left = min(whole, k.left+max(0, now.Sub(k.at).Seconds())/each)
	k.at = now
	ok := k.left >= 1
	if ok {
		k.left -= n
	}
	l := left{requests: int(k.left), full: seconds((whole - k.left) * each)}
	if k.left < 1 {
		l.wait = seconds((1 - k.left) * each)
	}
	return l, ok
}

func seconds(s float64) time.Duration { return time.Duration(math.Ceil(s)) * time.Second }

// class is what a quota is called in the headers of draft-ietf-httpapi-ratelimit-headers.
type class struct {
	name    string
	token   *buckets
	address *buckets
}

func newClass(name string, q Quota, wider int, now func() time.Time) class {
	return class{name: name, token: newBuckets(q, now), address: newBuckets(Quota{Requests: q.Requests * wider, Window: q.Window}, now)}
}

// policy is the value of RateLimit-Policy.
func (c class) policy() string {
	return fmt.Sprintf("%q;q=%d;w=%d", c.name, c.token.quota.Requests, int(c.token.quota.Window.Seconds()))
}

// state is the value of RateLimit.
func (c class) state(l left) string {
	return fmt.Sprintf("%q;r=%d;t=%d", c.name, l.requests, int(l.full.Seconds()))
}

package routing

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/shared/fault"
)

// ErrSyntax has the line in its details.
var ErrSyntax = fault.New(fault.Invalid, "routing.syntax", "The routing file cannot be read.")

// maxPlaces bounds the table of distances: 5,000 places are 100 MB.
const maxPlaces = 5_000

// Instance is one problem. Place 0 is the depot; the others are customers, in the
// order of the file.
type Instance struct {
	Name     string
	Capacity int64
	Vehicles int     // most tours allowed; 0 is any number
	Demand   []int64 // by place; 0 for the depot
	places   int
	distance []int32 // places x places
}

// Places is the number of places with the depot.
func (in *Instance) Places() int { return in.places }

// Distance from one place to another, in the file's units.
func (in *Instance) Distance(a, b int) int64 { return int64(in.distance[a*in.places+b]) }

// vrplib is the state while a file is read.
type vrplib struct {
	section   string
	header    map[string]string
	dimension int
	x, y      []float64
	demand    []int64
	weights   []int32
	depots    []int
	ended     bool
}

// Read reads an instance in VRPLIB form: CVRP with EUC_2D or EXPLICIT FULL_MATRIX
// distances. EUC_2D distances are rounded to whole numbers, as the format asks.
func Read(r io.Reader) (*Instance, error) {
	p := vrplib{header: map[string]string{}}
	lines := bufio.NewScanner(io.LimitReader(r, 256<<20))
	lines.Buffer(nil, 4<<20)
	number := 0
	at := func(err error) error {
		return ErrSyntax.Saying("Line %d of the routing file: %v.", number, err).
			With(fault.Detail{Location: fmt.Sprintf("line %d", number), Message: err.Error(), Line: number})
	}
	for lines.Scan() && !p.ended {
		number++
		if line := strings.TrimSpace(lines.Text()); line != "" {
			if err := p.line(line); err != nil {
				return nil, at(err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, at(err)
	}
	in, err := p.instance()
	if err != nil {
		return nil, at(err)
	}
	return in, nil
}

func (p *vrplib) line(line string) error {
	if key, value, ok := strings.Cut(line, ":"); ok {
		return p.specify(strings.TrimSpace(key), strings.TrimSpace(value))
	}
	if line[0] < '0' || line[0] > '9' {
		if line[0] != '-' {
			return p.enter(line)
		}
	}
	f := strings.Fields(line)
	switch p.section {
	case "NODE_COORD_SECTION":
		return p.place(f)
	case "DEMAND_SECTION":
		return p.demandLine(f)
	case "EDGE_WEIGHT_SECTION":
		return p.weightLine(f)
	case "DEPOT_SECTION":
		n, err := strconv.Atoi(f[0])
		if err == nil && n != -1 {
			p.depots = append(p.depots, n)
		}
		return err
	default:
		return fmt.Errorf("numbers stand outside a section")
	}
}

func (p *vrplib) specify(key, value string) error {
	p.header[key] = value
	switch key {
	case "TYPE":
		if value != "CVRP" {
			return fmt.Errorf("TYPE is %s; only CVRP is supported", value)
		}
	case "EDGE_WEIGHT_TYPE":
		if value != "EUC_2D" && value != "EXPLICIT" {
			return fmt.Errorf("EDGE_WEIGHT_TYPE is %s; EUC_2D and EXPLICIT are supported", value)
		}
	case "EDGE_WEIGHT_FORMAT":
		if value != "FULL_MATRIX" && value != "FUNCTION" {
			return fmt.Errorf("EDGE_WEIGHT_FORMAT is %s; FULL_MATRIX is supported", value)
		}
	case "DIMENSION":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxPlaces {
			return fmt.Errorf("DIMENSION is %s; 1 to %d places are accepted", value, maxPlaces)
		}
		p.dimension = n
		p.x, p.y = make([]float64, n), make([]float64, n)
		p.demand = make([]int64, n)
		for k := range n {
			p.x[k], p.demand[k] = math.NaN(), -1
		}
	}
	return nil
}

func (p *vrplib) enter(word string) error {
	switch word {
	case "NODE_COORD_SECTION", "DEMAND_SECTION", "DEPOT_SECTION", "EDGE_WEIGHT_SECTION":
		if p.dimension == 0 {
			return fmt.Errorf("%s stands before DIMENSION", word)
		}
		p.section = word
	case "EOF":
		p.ended = true
	default:
		return fmt.Errorf("section %s is not supported", word)
	}
	return nil
}

func (p *vrplib) at(word string) (int, error) {
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > p.dimension {
		return 0, fmt.Errorf("place %s is not between 1 and %d", word, p.dimension)
	}
	return n - 1, nil
}

func (p *vrplib) place(f []string) error {
	if len(f) != 3 {
		return fmt.Errorf("a place is a number and two coordinates")
	}
	k, err := p.at(f[0])
	if err != nil {
		return err
	}
	x, errX := strconv.ParseFloat(f[1], 64)
	y, errY := strconv.ParseFloat(f[2], 64)
	if errX != nil || errY != nil || !(math.Abs(x) <= 1e8) || !(math.Abs(y) <= 1e8) {
		return fmt.Errorf("the coordinates %s %s are not numbers up to 1e8", f[1], f[2])
	}
	if !math.IsNaN(p.x[k]) {
		return fmt.Errorf("place %s stands twice", f[0])
	}
	p.x[k], p.y[k] = x, y
	return nil
}

func (p *vrplib) demandLine(f []string) error {
	if len(f) != 2 {
		return fmt.Errorf("a demand is a place and a number")
	}
	k, err := p.at(f[0])
	if err != nil {
		return err
	}
	q, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil || q < 0 || q > 1e12 {
		return fmt.Errorf("the demand %s is not a whole number from 0 to 1e12", f[1])
	}
	p.demand[k] = q
	return nil
}

func (p *vrplib) weightLine(f []string) error {
	for _, word := range f {
		w, err := strconv.ParseInt(word, 10, 32)
		if err != nil || w < 0 {
			return fmt.Errorf("the distance %s is not a whole number from 0 to 2^31", word)
		}
		if len(p.weights) >= p.dimension*p.dimension {
			return fmt.Errorf("there are more than %d distances", p.dimension*p.dimension)
		}
		p.weights = append(p.weights, int32(w))
	}
	return nil
}

// instance puts the depot first and makes the table of distances.
func (p *vrplib) instance() (*Instance, error) {
	if p.dimension == 0 || p.header["EDGE_WEIGHT_TYPE"] == "" {
		return nil, fmt.Errorf("DIMENSION or EDGE_WEIGHT_TYPE is missing")
	}
	capacity, err := strconv.ParseInt(p.header["CAPACITY"], 10, 64)
	if err != nil || capacity < 1 {
		return nil, fmt.Errorf("CAPACITY %q is not a whole number above 0", p.header["CAPACITY"])
	}
	if len(p.depots) != 1 || p.depots[0] < 1 || p.depots[0] > p.dimension {
		return nil, fmt.Errorf("exactly one depot is supported")
	}
	in := &Instance{Name: p.header["NAME"], Capacity: capacity, places: p.dimension}
	if text := p.header["VEHICLES"]; text != "" {
		if in.Vehicles, err = strconv.Atoi(text); err != nil || in.Vehicles < 1 {
			return nil, fmt.Errorf("VEHICLES %q is not a whole number above 0", text)
		}
	}
	order := []int{p.depots[0] - 1}
	for k := range p.dimension {
		if k != order[0] {
			order = append(order, k)
		}
	}
	explicit := p.header["EDGE_WEIGHT_TYPE"] == "EXPLICIT"
	if explicit && len(p.weights) != p.dimension*p.dimension {
		return nil, fmt.Errorf("there are %d distances; %d are needed", len(p.weights), p.dimension*p.dimension)
	}
	in.distance = make([]int32, p.dimension*p.dimension)
	for a, from := range order {
		if p.demand[from] < 0 && a > 0 {
			return nil, fmt.Errorf("place %d has no demand", from+1)
		}
		in.Demand = append(in.Demand, max(0, p.demand[from]))
		for b, to := range order {
			if explicit {
				in.distance[a*p.dimension+b] = p.weights[from*p.dimension+to]
				continue
			}
			if math.IsNaN(p.x[from]) || math.IsNaN(p.x[to]) {
				return nil, fmt.Errorf("a place has no coordinates")
			}
			in.distance[a*p.dimension+b] = int32(math.Floor(math.Hypot(p.x[from]-p.x[to], p.y[from]-p.y[to]) + 0.5))
		}
	}
	in.Demand[0] = 0
	return in, nil
}

package tables

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dyocense/dyocense/shared/fault"
)

// Sheet is a file as cells. Cells are trimmed and in Unicode normal form C.
type Sheet struct {
	Encoding  string
	Delimiter string // ",", ";", "tab" or "|"
	Lines     int    // of the file
	Header    []string
	Rows      []Row
	HeaderAt  int // line of the header

	problems problems // found while splitting; the rest of the file was read on
	remarks  remarks
}

// Row is one line of a table.
type Row struct {
	Line  int // of the file, on which the row begins
	Cells []string
}

// Read reads a file. It fails with one of the faults of this package when the
// file as a whole is no table; what is wrong in single rows is kept for Check.
func Read(raw []byte) (*Sheet, error) {
	text, encoding, err := decode(raw)
	if err != nil {
		return nil, err
	}
	s := &Sheet{Encoding: encoding}
	if encoding == encodingWin1252 {
		s.remarks.add(0, "", "", "The file is not UTF-8; it was read as Windows-1252. Look whether accents and umlauts are right in the preview, else save it as CSV UTF-8.")
	}
	delimiter, text, offset := splitHint(text)
	if delimiter == 0 {
		delimiter = sniff(text)
	}
	s.Delimiter = string(delimiter)
	if delimiter == '\t' {
		s.Delimiter = "tab"
	}
	return s, s.fill(text, delimiter, offset)
}

// splitHint takes off the line "sep=;" that Excel writes and understands.
func splitHint(text string) (delimiter byte, rest string, lines int) {
	if len(text) < 5 || !strings.EqualFold(text[:4], "sep=") || !strings.Contains(delimiters, text[4:5]) {
		return 0, text, 0
	}
	after := strings.TrimLeft(text[5:], " ")
	for _, end := range []string{"\r\n", "\n", "\r"} {
		if cut, ok := strings.CutPrefix(after, end); ok {
			return text[4], cut, 1
		}
	}
	return 0, text, 0
}

const delimiters = ",;\t|"

// sniff finds the delimiter that cuts the first rows most evenly.
func sniff(text string) byte {
	const look = 30 // rows; a table shows its shape in a few
	best, bestScore := byte(','), 0.0
	for i := range len(delimiters) {
		d := delimiters[i]
		sp := splitter{text: text, delimiter: d, line: 1}
		width, even, rows := 0, 0, 0
		for rows < look {
			cells, _, ok := sp.next()
			if !ok {
				break
			}
			if blank(cells) {
				continue
			}
			if rows == 0 {
				width = len(cells)
			}
			if len(cells) == width {
				even++
			}
			rows++
		}
		if width < 2 || rows == 0 {
			continue
		}
		if score := float64(even) / float64(rows) * (1 + float64(min(width, 20))/100); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

func (s *Sheet) fill(text string, delimiter byte, offset int) error {
	sp := splitter{text: text, delimiter: delimiter, line: 1 + offset}
	for {
		cells, line, ok := sp.next()
		if !ok {
			break
		}
		if sp.huge {
			return ErrHugeCell.Saying("The cell in column %d of the row that begins on line %d is larger than 64 KiB; perhaps a quote is missing there.", len(cells), line).
				With(fault.Detail{Location: fmt.Sprintf("line %d", line), Message: "cell larger than 64 KiB", Line: line})
		}
		if blank(cells) {
			continue
		}
		for i, c := range cells {
			cells[i] = clean(c)
		}
		if s.Header == nil {
			if err := s.setHeader(cells, line); err != nil {
				return err
			}
			continue
		}
		if len(s.Rows) == MaxRows {
			return ErrTooLong
		}
		s.addRow(cells, line, sp)
	}
	s.Lines = sp.line - 1
	if !strings.HasSuffix(text, "\n") && !strings.HasSuffix(text, "\r") {
		s.Lines++
	}
	if len(s.Rows) == 0 && s.problems.count == 0 {
		return ErrNoRows
	}
	return nil
}

func (s *Sheet) setHeader(cells []string, line int) error {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) > MaxColumns {
		return ErrTooWide.Saying("The file has %d columns; at most %d are read. Keep those that the table needs.", len(cells), MaxColumns)
	}
	if !looksLikeNames(cells) {
		return ErrNoHeader.With(fault.Detail{
			Location: fmt.Sprintf("line %d", line),
			Message:  fmt.Sprintf("“%s” is no column name; put a line with the names of the columns above it", shorten(strings.Join(cells, ", "))), Line: line,
		})
	}
	seen := map[string]int{}
	for i, c := range cells {
		if c == "" {
			cells[i] = fmt.Sprintf("column %d", i+1)
			continue
		}
		cells[i] = limit(c, 100)
		key := fold(c)
		if key == "" {
			key = c
		}
		if first, ok := seen[key]; ok {
			s.problems.add(line, cells[i], c, "is the name of column %d and of column %d; give each column its own name, or delete one", first+1, i+1)
			continue
		}
		seen[key] = i
	}
	s.Header, s.HeaderAt = cells, line
	return nil
}

func (s *Sheet) addRow(cells []string, line int, sp splitter) {
	width := len(s.Header)
	for len(cells) > width && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	last := sp.pos >= len(sp.text)
	switch {
	case sp.openQuote:
		s.problems.add(line, s.columnName(len(cells)-1), cells[len(cells)-1],
			"begins with a quote that is never closed; add the closing quote, or the file was cut off here")
		return
	case sp.afterQuote != "":
		s.problems.add(line, s.columnName(sp.afterQuoteCell), sp.afterQuote,
			"stands after a closing quote; quotes inside a quoted cell must be doubled (\"\")")
		return
	case len(cells) < width && last && !sp.ended:
		s.problems.add(line, "", strings.Join(cells, ", "),
			"is the last line and is cut off: %d of %d cells; the file was not saved completely, export it again", len(cells), width)
		return
	case len(cells) != width:
		s.problems.add(line, "", strings.Join(cells, ", "),
			"has %d cells where the header has %d; perhaps a delimiter or a quote is missing or too many", len(cells), width)
		return
	}
	s.Rows = append(s.Rows, Row{Line: line, Cells: cells})
}

func (s *Sheet) columnName(i int) string {
	if i >= 0 && i < len(s.Header) {
		return s.Header[i]
	}
	return fmt.Sprintf("column %d", i+1)
}

// splitter cuts text into rows and cells, and knows the line of each row.
type splitter struct {
	text      string
	delimiter byte
	pos       int
	line      int // of the next row

	// of the row last returned
	ended          bool   // by a line end, not by the end of the file
	openQuote      bool   // its last cell began with a quote that is not closed
	afterQuote     string // text between a closing quote and the next delimiter
	afterQuoteCell int
	huge           bool // a cell is larger than MaxCell
}

// next gives the cells of the next row and the line on which it begins.
func (sp *splitter) next() (cells []string, line int, ok bool) {
	if sp.pos >= len(sp.text) {
		return nil, sp.line, false
	}
	line = sp.line
	sp.ended, sp.openQuote, sp.afterQuote, sp.huge = false, false, "", false
	for {
		cell, more := sp.cell(len(cells))
		cells = append(cells, cell)
		if len(cell) > MaxCell {
			sp.huge = true
		}
		if !more || sp.huge {
			return cells, line, true
		}
	}
}

// cell reads one cell; more says that another one follows in the row.
func (sp *splitter) cell(index int) (cell string, more bool) {
	if sp.pos < len(sp.text) && sp.text[sp.pos] == '"' {
		return sp.quoted(index)
	}
	start := sp.pos
	for sp.pos < len(sp.text) {
		switch c := sp.text[sp.pos]; {
		case c == sp.delimiter:
			cell = sp.text[start:sp.pos]
			sp.pos++
			return cell, true
		case c == '\n' || c == '\r':
			cell = sp.text[start:sp.pos]
			sp.endLine()
			return cell, false
		}
		sp.pos++
	}
	return sp.text[start:sp.pos], false
}

func (sp *splitter) quoted(index int) (cell string, more bool) {
	var b strings.Builder
	sp.pos++
	for {
		end := strings.IndexByte(sp.text[sp.pos:], '"')
		if end < 0 {
			b.WriteString(sp.text[sp.pos:])
			sp.countLines(sp.text[sp.pos:])
			sp.pos, sp.openQuote = len(sp.text), true
			return b.String(), false
		}
		part := sp.text[sp.pos : sp.pos+end]
		b.WriteString(part)
		sp.countLines(part)
		sp.pos += end + 1
		if sp.pos < len(sp.text) && sp.text[sp.pos] == '"' {
			b.WriteByte('"')
			sp.pos++
			continue
		}
		break
	}
	start := sp.pos
	rest, more := sp.unquotedRest()
	if strings.TrimSpace(rest) != "" {
		sp.afterQuote, sp.afterQuoteCell = sp.text[start:start+len(rest)], index
	}
	return b.String(), more
}

func (sp *splitter) unquotedRest() (rest string, more bool) {
	start := sp.pos
	for sp.pos < len(sp.text) {
		switch c := sp.text[sp.pos]; {
		case c == sp.delimiter:
			rest = sp.text[start:sp.pos]
			sp.pos++
			return rest, true
		case c == '\n' || c == '\r':
			rest = sp.text[start:sp.pos]
			sp.endLine()
			return rest, false
		}
		sp.pos++
	}
	return sp.text[start:], false
}

func (sp *splitter) endLine() {
	if sp.text[sp.pos] == '\r' && sp.pos+1 < len(sp.text) && sp.text[sp.pos+1] == '\n' {
		sp.pos++
	}
	sp.pos++
	sp.line++
	sp.ended = true
}

// countLines counts the line ends inside a quoted cell.
func (sp *splitter) countLines(part string) {
	for i := 0; i < len(part); i++ {
		if part[i] == '\n' || (part[i] == '\r' && (i+1 == len(part) || part[i+1] != '\n')) {
			sp.line++
		}
	}
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// clean trims a cell, also of no-break spaces and stray byte order marks, and
// brings it to normal form C, so that one name written in two ways is one.
func clean(c string) string {
	c = strings.TrimSpace(strings.Trim(strings.TrimSpace(c), "\ufeff\u200b\u00a0"))
	return norm.NFC.String(c)
}

func limit(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

package tables

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/dyocense/dyocense/shared/fault"
)

// The faults of a file that cannot be read at all.
var (
	ErrEmpty     = fault.New(fault.Invalid, "tables.empty_file", "The file is empty. Choose a CSV file with a header line and at least one row.")
	ErrNoRows    = fault.New(fault.Invalid, "tables.no_rows", "The file has a header line but no rows below it. Export it again with its data.")
	ErrNotText   = fault.New(fault.Invalid, "tables.not_text", "This is not a text file. Save the table as CSV and upload that.")
	ErrTooLarge  = fault.New(fault.TooLarge, "tables.too_large", "The file is larger than 20 MB. Leave out columns that are not needed, or add days up to weeks.")
	ErrTooWide   = fault.New(fault.Invalid, "tables.too_many_columns", "The file has more than 60 columns. Keep those that the table needs.")
	ErrTooLong   = fault.New(fault.Invalid, "tables.too_many_rows", "The file has more than 500,000 rows. Add days up to weeks, or leave out old years.")
	ErrHugeCell  = fault.New(fault.Invalid, "tables.cell_too_large", "A cell is larger than 64 KiB.")
	ErrNoHeader  = fault.New(fault.Invalid, "tables.no_header", "The first line must name the columns, for example: sku,week,quantity.")
	ErrOpenQuote = fault.New(fault.Invalid, "tables.open_quote", "A quoted cell is never closed.")
)

// The encodings that are read.
const (
	encodingUTF8    = "UTF-8"
	encodingUTF16LE = "UTF-16 LE"
	encodingUTF16BE = "UTF-16 BE"
	encodingWin1252 = "Windows-1252"
)

// magics are the first bytes of files that people upload by mistake, and what
// to tell them.
var magics = []struct{ start, message string }{
	{"PK\x03\x04", "This is a ZIP archive; unpack it and upload the CSV file inside."},
	{"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls); open it and save it as CSV."},
	{"%PDF", "This is a PDF document; export the table as CSV from the program that made it."},
	{"\x1f\x8b", "This is a gzip archive; unpack it and upload the CSV file inside."},
	{"\x89PNG", "This is an image; the table is needed as a CSV file."},
	{"\xff\xd8\xff", "This is an image; the table is needed as a CSV file."},
	{"GIF8", "This is an image; the table is needed as a CSV file."},
	{"SQLite format 3", "This is a database file; export the table as CSV."},
	{"PAR1", "This is a Parquet file; export the table as CSV."},
	{"7z\xbc\xaf", "This is a 7z archive; unpack it and upload the CSV file inside."},
	{"Rar!", "This is a RAR archive; unpack it and upload the CSV file inside."},
}

// decode turns the bytes of a file into text and names the encoding.
func decode(raw []byte) (text, encoding string, err error) {
	if len(raw) > MaxBytes {
		return "", "", ErrTooLarge
	}
	if err := refuseKnownBinaries(raw); err != nil {
		return "", "", err
	}
	switch {
	case bytes.HasPrefix(raw, []byte{0xEF, 0xBB, 0xBF}):
		text, encoding = string(raw[3:]), encodingUTF8
		if !utf8.ValidString(text) {
			return "", "", ErrNotText.Saying("The file says that it is UTF-8, but its text is damaged. Export it again.")
		}
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		encoding = encodingUTF16LE
		text, err = decodeUTF16(raw, unicode.LittleEndian)
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		encoding = encodingUTF16BE
		text, err = decodeUTF16(raw, unicode.BigEndian)
	case bytes.IndexByte(raw, 0) >= 0:
		return "", "", ErrNotText.Saying("This is not a text file (it has zero bytes). Save the table as CSV, in UTF-8 if there is a choice.")
	case utf8.Valid(raw):
		text, encoding = string(raw), encodingUTF8
	default:
		encoding = encodingWin1252
		text, err = charmap.Windows1252.NewDecoder().String(string(raw))
		if err == nil && strings.ContainsRune(text, utf8.RuneError) {
			err = ErrNotText
		}
	}
	if err != nil {
		return "", "", err
	}
	if tooManyControls(text) {
		return "", "", ErrNotText
	}
	if strings.TrimSpace(text) == "" {
		return "", "", ErrEmpty
	}
	return text, encoding, nil
}

func refuseKnownBinaries(raw []byte) error {
	for _, m := range magics {
		if !bytes.HasPrefix(raw, []byte(m.start)) {
			continue
		}
		switch {
		case m.start != "PK\x03\x04":
		case bytes.Contains(raw, []byte("xl/")):
			return ErrNotText.Saying("This is an Excel workbook; open it and save it as CSV.")
		case bytes.Contains(raw[:min(len(raw), 200)], []byte("opendocument")):
			return ErrNotText.Saying("This is an OpenDocument spreadsheet; open it and save it as CSV.")
		}
		return ErrNotText.Saying("%s", m.message)
	}
	start := strings.ToLower(strings.TrimSpace(string(raw[:min(len(raw), 200)])))
	switch {
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"):
		return ErrNotText.Saying("This is a web page, perhaps a sign-in page saved by mistake; download the CSV file itself.")
	case strings.HasPrefix(start, "<?xml"):
		return ErrNotText.Saying("This is an XML file; export the table as CSV.")
	case strings.HasPrefix(start, "{"), strings.HasPrefix(start, "[{"):
		return ErrNotText.Saying("This is a JSON file; export the table as CSV.")
	}
	return nil
}

func decodeUTF16(raw []byte, order unicode.Endianness) (string, error) {
	if len(raw)%2 != 0 {
		return "", ErrNotText.Saying("The file is UTF-16 text that is cut off in the middle of a character. Export it again.")
	}
	decoded, err := unicode.UTF16(order, unicode.ExpectBOM).NewDecoder().Bytes(raw)
	if err != nil {
		return "", ErrNotText.Because(err)
	}
	if bytes.IndexByte(decoded, 0) >= 0 {
		return "", ErrNotText
	}
	return string(decoded), nil
}

// tooManyControls finds binary data that has no zero byte by chance. A few
// control characters in a large export happen; they are shown escaped.
func tooManyControls(text string) bool {
	n := 0
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			n++
		}
	}
	return n > 3 && n*200 > len(text)
}

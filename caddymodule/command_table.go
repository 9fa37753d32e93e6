package caddymodule

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// tableWidth is how wide a table becomes, if its last column can be cut.
const tableWidth = 100

// A table is aligned text. The columns whose heads begin with > are numbers: they stand at the right. Heads that are all empty are left
// out.
type table struct {
	heads []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table, with two blanks before each column but the first. The last column is cut where the table would be too
// wide; the others, which identify things, are whole.
func (t *table) write(w io.Writer) {
	heads := make([]string, len(t.heads))
	widths := make([]int, len(t.heads))
	for i, head := range t.heads {
		heads[i] = strings.TrimPrefix(head, ">")
	}
	rows := t.rows
	if strings.Join(heads, "") != "" {
		rows = append([][]string{heads}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			row[i] = printable(cell)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		used := 0
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
				used += 2
			}
			if i == len(row)-1 {
				cell = cut(cell, max(tableWidth-used, 20))
			}
			pad := strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0))
			if strings.HasPrefix(t.heads[i], ">") {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			used += widths[i]
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// printable is a text that does not steer a terminal: names come from apps, and from what browsers send.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, text)
}

// cut shortens a text to so many characters.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}

// formatSize writes bytes as people read them.
func formatSize(bytes int64) string {
	switch size := max(bytes, -bytes); {
	case size < 1000:
		return fmt.Sprintf("%d B", bytes)
	case size < 999_950: // from there on, it would be rounded to 1,000.0 kB
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	case size < 999_950_000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	default:
		return humanize.FormatFloat("#,###.#", float64(bytes)/1e9) + " GB"
	}
}

// count writes a number of things.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(n) + " " + many
}

// orUnknown writes what a storage may not be able to tell.
func orUnknown(n *int64, format func(int64) string) string {
	if n == nil {
		return "?"
	}
	return format(*n)
}

// formatPercent writes a part of a whole.
func formatPercent(part, whole float64) string {
	if whole <= 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", 100*part/whole)
}

// ago is how long before now something was.
func ago(then, now time.Time) string {
	return formatDuration(now.Sub(then)) + " ago"
}

func formatDuration(d time.Duration) string {
	switch d = max(d, 0).Round(time.Second); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

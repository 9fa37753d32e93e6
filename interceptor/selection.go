package interceptor

import (
	"fmt"
	"slices"
	"strings"
)

// The storage types of a dcc.Store (its prop storage_type); memory is Dash's default.
const (
	storageMemory  = "memory"
	storageSession = "session"
	storageLocal   = "local"
)

var storageTypeNames = []string{storageMemory, storageSession, storageLocal}

// A Selection says which of an app's Stores are to be offloaded.
type Selection struct {
	types   []string // by storage type; nil: by id
	ids     []idPattern
	exclude []idPattern
}

// ParseSelection reads the options stores and exclude.
//
// No words in stores, or "auto", mean every Store of the storage type memory; "auto" and storage types mean those types.
// All else are ids: exact ones, globs with "*", and dict ids as JSON, in which * stands for any value.
func ParseSelection(stores, exclude []string) (Selection, error) {
	var s Selection
	var err error
	switch {
	case len(stores) == 0 || len(stores) == 1 && stores[0] == "auto":
		s.types = []string{storageMemory}
	case stores[0] == "auto":
		for _, word := range stores[1:] {
			if !slices.Contains(storageTypeNames, word) {
				return s, fmt.Errorf("stores: %q is no storage type: after auto write %s, or name ids without auto",
					word, strings.Join(storageTypeNames, ", "))
			}
		}
		s.types = stores[1:]
	case slices.Contains(stores, "auto"):
		return s, fmt.Errorf("stores: auto and ids cannot be mixed: write either auto, with exclude for exceptions, or ids")
	default:
		if s.ids, err = parseIDPatterns(stores); err != nil {
			return s, fmt.Errorf("stores: %w", err)
		}
	}
	if s.exclude, err = parseIDPatterns(exclude); err != nil {
		return s, fmt.Errorf("exclude: %w", err)
	}
	return s, nil
}

func parseIDPatterns(texts []string) ([]idPattern, error) {
	var patterns []idPattern
	for _, text := range texts {
		pattern, err := parseIDPattern(text)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, pattern)
	}
	return patterns, nil
}

// decide says what is to be done with the data of the Store with a canonical id. The more is known of an app, the less is
// offloaded: an id that another component has stays inline, and so does one whose Stores are not all of a storage type that
// was asked for.
func (s *Selection) decide(app *App, id string) Reason {
	facts := app.store(id)
	switch {
	case facts.types == 0:
		return Unknown
	case matchesAny(s.exclude, id):
		return Excluded
	case s.types == nil && !matchesAny(s.ids, id):
		return NotSelected
	case facts.ambiguous:
		return Ambiguous
	case s.types != nil && !s.asksFor(facts.types):
		return StorageType
	case facts.clientside:
		return Clientside
	}
	return Offloaded
}

// asksFor reports whether Stores of all of these storage types are to be offloaded.
func (s *Selection) asksFor(types storageTypes) bool {
	return !slices.ContainsFunc(types.names(), func(name string) bool { return !slices.Contains(s.types, name) })
}

func matchesAny(patterns []idPattern, id string) bool {
	return slices.ContainsFunc(patterns, func(p idPattern) bool { return p.matches(id) })
}

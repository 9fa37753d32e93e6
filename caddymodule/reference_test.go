package caddymodule

import (
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/stretchr/testify/require"
)

// The tables of docs/reference.md have what the code has, no less and no more.
func TestReferenceOptions(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, choices(t, new(Handler), "dash_stash {\n\tno_such\n}"), slices.Compact(firstColumn(section(t, "Options"))))
	names := make(map[string][]string) // of the options, by storage
	for _, table := range strings.Split(section(t, "Storages"), "| option of `storage ")[1:] {
		name, rows, _ := strings.Cut(table, "`")
		for _, option := range firstColumn(rows) {
			if !strings.HasPrefix(option, "<") { // what stands behind the name
				names[name] = append(names[name], option)
			}
		}
	}
	backends := caddy.GetModules(storageNamespace)
	require.Len(t, names, len(backends))
	for _, module := range backends {
		unmarshaler := module.New().(caddyfile.Unmarshaler)
		options := choices(t, unmarshaler, module.ID.Name()+" {\n\tno_such\n}")
		if slices.Contains(options, "tls") {
			options = append(options, choices(t, unmarshaler, module.ID.Name()+" {\n\ttls {\n\t\tno_such\n\t}\n}")...)
		}
		require.ElementsMatch(t, options, names[module.ID.Name()], "storage %s", module.ID.Name())
	}
}

// choices are the options that an error about a wrong one names.
func choices(t *testing.T, module caddyfile.Unmarshaler, text string) []string {
	err := module.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
	require.ErrorContains(t, err, "no_such")
	_, list, ok := strings.Cut(err.Error(), "use one of ")
	require.True(t, ok, err.Error())
	list, _, _ = strings.Cut(list, ", at ")
	list, _, _ = strings.Cut(list, " at Testfile")
	return strings.Split(list, ", ")
}

func TestReferenceLogLines(t *testing.T) {
	t.Parallel()
	logged := make(map[string]bool)
	for _, root := range []string{".", "../interceptor", "../storage"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && !strings.HasSuffix(path, "test") { // storagetest, servertest: of the tests
				for _, message := range loggedIn(sources(t, path)) {
					logged[message] = true
				}
			}
			return err
		}))
	}
	require.Greater(t, len(logged), 20)
	require.ElementsMatch(t, slices.Collect(maps.Keys(logged)), secondColumn(section(t, "Log lines")))
}

// loggedIn is what the files of a package log: the texts that are given to a logger, or to a function that has the name of one.
// The texts of attributes have no blank in them.
func loggedIn(files []*ast.File) (texts []string) {
	errorTexts := make(map[string]string) // of the errors that have a name
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
				for i, name := range spec.Names {
					if call, ok := spec.Values[i].(*ast.CallExpr); ok && calledName(call) == "New" && len(call.Args) == 1 {
						errorTexts[name.Name] = literal(call.Args[0])
					}
				}
			}
			return true
		})
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !logNames[calledName(call)] || strings.HasSuffix(typeName(call.Fun), "http.Error") {
				return true // http.Error and caddyhttp.Error answer a request
			}
			for _, arg := range call.Args {
				text := literal(arg)
				if inner, ok := arg.(*ast.CallExpr); ok && calledName(inner) == "Error" && len(inner.Args) == 0 {
					text = errorTexts[typeName(inner.Fun.(*ast.SelectorExpr).X)]
				}
				if text = strings.TrimSpace(text); strings.ContainsAny(text, " :") {
					texts = append(texts, text)
				}
			}
			return true
		})
	}
	return texts
}

// logNames are the names of what logs.
var logNames = map[string]bool{
	"Debug": true, "Info": true, "Warn": true, "Error": true, "Check": true, "Log": true, "LogAttrs": true,
	"DebugContext": true, "InfoContext": true, "WarnContext": true, "ErrorContext": true,
	"log": true, "once": true, "warn": true, "warnOnce": true, "WarnOnce": true,
}

func calledName(call *ast.CallExpr) string {
	name := typeName(call.Fun)
	return name[strings.LastIndex(name, ".")+1:]
}

// literal is a text that stands in the code as such, or the part of it that does.
func literal(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); e.Kind == token.STRING && err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	}
	return ""
}

// section is what stands under a heading of docs/reference.md.
func section(t *testing.T, heading string) string {
	text, err := os.ReadFile("../docs/reference.md")
	require.NoError(t, err)
	_, below, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	require.True(t, ok, heading)
	below, _, _ = strings.Cut(below, "\n## ")
	return below
}

// firstColumn is the first word in backquotes of each row that begins with one.
func firstColumn(rows string) []string { return found(rows, "(?m)^\\| `([^` ]+)") }

// secondColumn is the text in backquotes with which the second column of each row begins.
func secondColumn(rows string) []string { return found(rows, "(?m)^\\|[^|`]*\\| `([^`]+)`") }

// found is what a regular expression has in brackets, wherever it finds it.
func found(text, expression string) (parts []string) {
	for _, match := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		parts = append(parts, match[1])
	}
	return parts
}

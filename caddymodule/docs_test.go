package caddymodule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Caddy's site shows the doc comment of each field of a configuration: each says in full sentences what it does, its default,
// and its unit if it has one.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	documented := 0
	for name, fields := range configurations(t) {
		for _, field := range fields.List {
			if len(field.Names) == 0 || !field.Names[0].IsExported() { // embedded: a configuration of its own
				continue
			}
			where := name + "." + field.Names[0].Name
			require.NotNil(t, field.Tag, "%s has no name in JSON", where)
			comment := strings.Join(strings.Fields(field.Doc.Text()), " ")
			require.Regexp(t, `^[A-Z].*\. Default: .+\.$`, comment, where)
			if unit := unitOf(field); unit != nil {
				require.Regexp(t, unit, comment, "%s does not tell its unit", where)
			}
			documented++
		}
	}
	require.GreaterOrEqual(t, documented, 43, "the fields of Handler, of four storages, of Near and of TLS")
}

func TestUnitOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		field, comment string
		ok             bool
	}{
		{"MaxSize int64", "How large it may be. Default: 1024.", false},
		{"MaxSize int64", "How large it may be, in bytes. Default: 1024.", true},
		{"MinSize *int64", "How many are kept. Default: 0.", false},
		{"MaxEntries int64", "How many entries are kept. Default: 0.", true},
		{"Retries int", "Tries again. Default: 3.", false},
		{"TTL caddy.Duration", "How long. Default: forever.", false},
		{"TTL caddy.Duration", "How long. Default: 24h.", true},
		{"Wait caddy.Duration", "How long, as in `30m`. Default: as long as it takes.", true},
		{"Encrypt bool", "Whether to. Default: off.", false},
		{"Encrypt bool", "Whether to. Default: false.", true},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; type T struct { "+test.field+" }", 0)
		require.NoError(t, err)
		field := file.Decls[0].(*ast.GenDecl).Specs[0].(*ast.TypeSpec).Type.(*ast.StructType).Fields.List[0]
		require.Equal(t, test.ok, unitOf(field).MatchString(test.comment), "%s // %s", test.field, test.comment)
	}
}

// unitOf is what the comment on a field must have in it for its unit to be told; nil if its type has none.
func unitOf(field *ast.Field) *regexp.Regexp {
	switch typeName(field.Type) {
	case "int64", "int":
		if regexp.MustCompile(`(Size|Payload|Request)$`).MatchString(field.Names[0].Name) && typeName(field.Type) == "int64" {
			return regexp.MustCompile(`\bbytes\b`)
		}
		return regexp.MustCompile(`\bbytes\b|^How many |^The number `)
	case "caddy.Duration":
		return regexp.MustCompile("(Default: |`)" + `\d+(ms|s|m|h|d)\b`)
	case "bool":
		return regexp.MustCompile(`Default: (true|false)\.`)
	}
	return nil
}

// configurations are the structs of this package that are read from Caddy's JSON: those that are a module, and those that one
// has in it. What the admin endpoint answers has names in JSON, too, but is no configuration.
func configurations(t *testing.T) map[string]*ast.FieldList {
	structs, found := make(map[string]*ast.FieldList), make(map[string]*ast.FieldList)
	var modules []string
	for _, file := range sources(t, ".") {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.Name == "CaddyModule" {
					modules = append(modules, typeName(d.Recv.List[0].Type))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok {
						if fields, ok := s.Type.(*ast.StructType); ok {
							structs[s.Name.Name] = fields.Fields
						}
					}
				}
			}
		}
	}
	for len(modules) > 0 {
		name := modules[0]
		modules = modules[1:]
		if structs[name] == nil || found[name] != nil {
			continue
		}
		found[name] = structs[name]
		for _, field := range structs[name].List {
			if field.Tag != nil || len(field.Names) == 0 {
				modules = append(modules, typeName(field.Type))
			}
		}
	}
	for _, name := range []string{"Handler", "FileStorage", "MemoryStorage", "RedisStorage", "RedisTLS", "MemcachedStorage", "Near"} {
		require.Contains(t, found, name)
	}
	return found
}

// typeName is the name of a type, of what it points to, or of what it is a list of.
func typeName(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.ArrayType:
		return typeName(e.Elt)
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// sources are the files of a package, without its tests.
func sources(t *testing.T, folder string) (files []*ast.File) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

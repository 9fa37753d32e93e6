package caddymodule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Caddy's site shows the doc comment of each field of a configuration: each says in full sentences what it does, and its
// default.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	documented := 0
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil || !strings.Contains(field.Tag.Value, `json:"`) || strings.HasSuffix(path, "_test.go") {
				return true
			}
			comment := strings.Join(strings.Fields(field.Doc.Text()), " ")
			require.Regexp(t, `^[A-Z].*\. Default: .+\.$`, comment, field.Names[0].Name)
			documented++
			return true
		})
	}
	require.GreaterOrEqual(t, documented, 16, "the fields of Handler, FileStorage and MemoryStorage")
}

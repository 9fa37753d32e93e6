package interceptor

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkPatched puts back large data with one more Patch each time.
func BenchmarkPatched(b *testing.B) {
	for _, size := range []int{1 << 10, 50 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			ic, store := newTestInterceptor(), newFile(b)
			row := `{"name":"a name","value":123.456,"note":"some text that makes it longer"}`
			token := stash(b, ic, store, `{"rows":[`+strings.Repeat(row+",", size/len(row))+row+`]}`)
			session := testSession(store, newTestApp("df"))
			var records []string
			b.SetBytes(int64(size))
			for b.Loop() {
				reply, _, ok := ic.Offload(b.Context(), session, Answer{}, nil).patchReply("df",
					[]byte(`{"operations":[{"operation":"Append","location":["rows"],"params":{"value":1}}]}`))
				require.True(b, ok)
				_, after, _ := bytes.Cut(reply, []byte(`"value":"`))
				if records = append(records, `"`+string(after[:TokenSize])+`"`); len(records) > foldAfter {
					records = records[:1] // folds are not what is measured
				}
				request := strings.TrimSuffix(token, "}") + `,"$dashstash_patches":[[` + strings.Join(records, ",") + `]]}`
				body, _, err := ic.Rehydrate(b.Context(), session, strings.NewReader(request), int64(len(request)))
				require.NoError(b, err)
				require.Greater(b, body.Size(), int64(size))
				require.NoError(b, body.Close())
			}
		})
	}
}

package interceptor

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const ramdaDir = "../tests/ramda"

// ramdaPackages installs Ramda below .cache, once, and returns the folder with its packages.
var ramdaPackages = sync.OnceValues(func() (string, error) {
	lock, err := os.ReadFile(filepath.Join(ramdaDir, "package-lock.json"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	dir, err := filepath.Abs("../.cache/ramda-" + hex.EncodeToString(sum[:4]))
	if err != nil {
		return "", err
	}
	packages := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(packages); err == nil {
		return packages, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	half, err := os.MkdirTemp(filepath.Dir(dir), "ramda-half-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(half)
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(ramdaDir, name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(half, name), text, 0o644); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("npm", "ci", "--prefix", half, "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", err
	}
	if err := os.Rename(half, dir); err != nil && !os.IsExist(err) { // somebody else was faster
		return "", err
	}
	return packages, nil
})

// A renderer is Node with the renderer's own rules for Patches, over values that it keeps by name: see tests/ramda/patch.js.
// Lines may be sent from one goroutine while another one takes the answers.
type renderer struct {
	in  io.Writer
	out *bufio.Reader
}

// A rendererStep is a line for it.
type rendererStep struct {
	Name   string          `json:"name"`
	Set    json.RawMessage `json:"set,omitempty"`
	Patch  json.RawMessage `json:"patch,omitempty"`
	From   string          `json:"from,omitempty"`
	Reload bool            `json:"reload,omitempty"`
}

func newRenderer(t *testing.T, ramda string) *renderer {
	t.Helper()
	packages, err := ramdaPackages()
	require.NoError(t, err, "installing Ramda with npm")
	cmd := exec.Command("node", filepath.Join(ramdaDir, "patch.js"), ramda)
	cmd.Env = append(os.Environ(), "NODE_PATH="+packages)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		require.NoError(t, cmd.Wait())
	})
	return &renderer{in, bufio.NewReaderSize(out, 1<<20)}
}

func (r *renderer) send(t *testing.T, step rendererStep) {
	line, err := json.Marshal(step)
	if err == nil {
		_, err = r.in.Write(append(line, '\n'))
	}
	if err != nil {
		t.Errorf("asking Node: %v", err)
	}
}

// answer returns whether the renderer threw, and what the browser would send of the value now.
func (r *renderer) answer(t *testing.T) (threw bool, value string) {
	line, err := r.out.ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &[]any{&threw, &value}), "%s", line)
	return threw, value
}

func (r *renderer) ask(t *testing.T, step rendererStep) (threw bool, value string) {
	r.send(t, step)
	return r.answer(t)
}
